"""The decoder asked with a token for what is meant, before points and boxes.

The token is made of an embedding: in training of that of the object's own crop, at
inference of that of the phrase. The decoder's weights stay as they are.

Kirillov et al. 2023, "Segment Anything", section 7.5 and appendix D.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tilesam.model.drawn_prompts import draw_prompts

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.model.mask_decoder import MaskDecoderOutput
    from tilesam.model.sam import Sam
    from tilesam.text.network import TextNetwork


def decode_with_token(
    sam: Sam,
    network: TextNetwork,
    image_embedding: Tensor,
    meant: Tensor | None,
    *,
    points_xy: Tensor | None = None,
    boxes_xyxy: Tensor | None = None,
) -> MaskDecoderOutput:
    """Answer N prompts on one image, each with a first token for what is meant.

    Parameters
    ----------
    sam
        The network whose decoder answers.
    network
        Makes tokens of embeddings.
    image_embedding
        (1, 256, h, w).
    meant
        (N, D) unit vectors of crops or phrases; None asks without a token.
    points_xy
        (1, N, P, 2) foreground points in pixels of the input.
    boxes_xyxy
        (1, N, K, 4).
    """
    h, w = image_embedding.shape[-2:]
    encoder, labels = sam.prompt_encoder, None
    if points_xy is not None:
        labels = points_xy.new_ones(points_xy.shape[:-1], dtype=torch.int64)
    sparse = encoder.encode_sparse(points_xy, labels, boxes_xyxy, (h, w))
    if meant is not None and sparse is not None:
        token = network.to_token(meant)[None, :, None]  # (1, N, 1, 256)
        sparse = torch.cat([token, sparse], dim=2)
    drawn = None
    if sam.config.draws_prompts:
        drawn = draw_prompts(points_xy, labels, boxes_xyxy, (h, w))
    output: MaskDecoderOutput = sam.mask_decoder(
        image_embedding,
        encoder.pe_layer.encode_grid((h, w)),
        sparse,
        encoder.encode_dense(drawn),
    )
    return output
