"""`transformers` decoding prompts with the weights of one of our models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from tests.parity.hf_names import to_released
from tilesam.model.drawn_prompts import draw_prompts
from tilesam.model.runtime import SamModel

Decode = Callable[[Tensor, NDArray[np.float64]], tuple[Tensor, Tensor]]


def build_peer_decoder(model: SamModel) -> Decode:
    """Return a function from an embedding and (N, 2) points to logits and IoU.

    The peer's image encoder is not used, whatever ours is.
    """
    size = model.input_size
    peer = transformers.SamModel(
        transformers.SamConfig(
            vision_config=transformers.SamVisionConfig(
                hidden_size=32, num_hidden_layers=1, num_attention_heads=1,
                image_size=size, mlp_dim=32, global_attn_indexes=[],
            ),
            prompt_encoder_config=transformers.SamPromptEncoderConfig(image_size=size),
            mask_decoder_config=transformers.SamMaskDecoderConfig(layer_norm_eps=1e-5),
        )
    ).eval()  # fmt: skip
    _copy_weights(model, peer)
    grid_hw = (size // 16, size // 16)

    @torch.inference_mode()
    def decode(
        embedding: Tensor, points_xy: NDArray[np.float64]
    ) -> tuple[Tensor, Tensor]:
        # One prompt an image: the peer has one mask prompt for all points of an image.
        points = torch.from_numpy(points_xy).float()[:, None, None]  # (N, 1, 1, 2)
        labels = torch.ones(points.shape[:-1], dtype=torch.int64)
        drawn = None
        if model.network.config.draws_prompts:
            of_all = draw_prompts(
                points.transpose(0, 1), labels.transpose(0, 1), None, grid_hw
            )
            drawn = None if of_all is None else of_all[0][:, None]  # (N, 1, 4g, 4g)
        sparse, dense = peer.prompt_encoder(
            input_points=points, input_labels=labels, input_boxes=None,
            input_masks=drawn,
        )  # fmt: skip
        count = len(points)
        place = peer.get_image_wide_positional_embeddings()
        logits, iou = peer.mask_decoder(
            image_embeddings=embedding.expand(count, -1, -1, -1),
            image_positional_embeddings=place.expand(count, -1, -1, -1),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense.expand(count, -1, -1, -1),
            multimask_output=True,
        )[:2]
        return logits[:, 0], iou[:, 0]

    return decode


@torch.no_grad()
def _copy_weights(model: SamModel, peer: transformers.SamModel) -> None:
    ours = model.network.state_dict()
    for name, parameter in peer.state_dict().items():
        (released,) = to_released({name: parameter}) or [
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"
        ]
        if not released.startswith("image_encoder."):
            parameter.copy_(ours[released])
