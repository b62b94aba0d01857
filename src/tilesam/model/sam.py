"""The whole network: image encoder, prompt encoder, mask decoder.

Attribute names are those of the released checkpoints, so that they load as they are.

Kirillov et al. 2023, "Segment Anything", section 3 and appendix A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tilesam.model.drawn_prompts import draw_prompts, encode_drawn_points
from tilesam.model.mask_decoder import (
    MaskDecoder,
    MaskDecoderOutput,
    PassingMasks,
)
from tilesam.model.prompt_encoder import PromptEncoder

if TYPE_CHECKING:
    from tilesam.model.configs import SamConfig


class Sam(nn.Module):
    """Encode an image once, then answer any number of prompts from its embedding.

    Coordinates are `(x, y)` pixel indices of the network's input; pixels are
    normalised RGB. See `tilesam.model.runtime.SamModel` for plain arrays.
    """

    def __init__(self, config: SamConfig, image_encoder: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = image_encoder
        self.prompt_encoder = PromptEncoder()
        self.mask_decoder = MaskDecoder()

    def encode(self, images: Tensor) -> Tensor:
        """Encode (B, 3, S, S) normalised pixels as (B, 256, S/16, S/16).

        Parameters
        ----------
        images
            S is a multiple of 64; `config.input_size` is what the weights know best.

        Raises
        ------
        ValueError
            If the images are not square or S is not a multiple of 64.
        """
        height, width = images.shape[-2:]
        if height != width or height % 64:
            raise ValueError(
                f"images are {height} x {width}; a square with a side that is a "
                "multiple of 64 is needed: pad or resize them"
            )
        embedding: Tensor = self.image_encoder(images)
        return embedding

    def decode(
        self,
        image_embedding: Tensor,
        *,
        points_xy: Tensor | None = None,
        point_labels: Tensor | None = None,
        boxes_xyxy: Tensor | None = None,
        mask_input: Tensor | None = None,
    ) -> MaskDecoderOutput:
        """Answer N prompts on each of B images.

        Parameters
        ----------
        image_embedding
            (B, 256, h, w) from `encode`.
        points_xy, point_labels
            (B, N, P, 2) float and (B, N, P) integer: 1 foreground, 0 background,
            -1 padding. Both or neither.
        boxes_xyxy
            (B, N, K, 4) float.
        mask_input
            (B, N, 4h, 4w) low-resolution logits of an earlier answer.

        Returns
        -------
        MaskDecoderOutput
            (B, N, 4, 4h, 4w) logits and (B, N, 4) predicted IoU.
        """
        h, w = image_embedding.shape[-2:]
        encoder = self.prompt_encoder
        if mask_input is None and self.config.draws_prompts:
            mask_input = draw_prompts(points_xy, point_labels, boxes_xyxy, (h, w))
        return self.mask_decoder(
            image_embedding,
            encoder.pe_layer.encode_grid((h, w)),
            encoder.encode_sparse(points_xy, point_labels, boxes_xyxy, (h, w)),
            encoder.encode_dense(mask_input),
        )

    def decode_points(
        self, image_embedding: Tensor, points_xy: Tensor, *, lowest_iou: float
    ) -> PassingMasks:
        """Answer N single points on one image with the masks that are worth it.

        Parameters
        ----------
        image_embedding
            (1, 256, h, w) from `encode`.
        points_xy
            (1, N, 1, 2) float, each on an object of its own.
        lowest_iou
            Only masks with a higher predicted IoU are made.

        Returns
        -------
        PassingMasks
            Of whole, part and subpart of each prompt those that pass.
        """
        h, w = image_embedding.shape[-2:]
        encoder = self.prompt_encoder
        labels = points_xy.new_ones(points_xy.shape[:-1], dtype=torch.int64)
        if self.config.draws_prompts:
            dense = encode_drawn_points(points_xy, (h, w), encoder.encode_masks)
        else:
            dense = encoder.encode_dense(None)
        return self.mask_decoder.decode_passing(
            image_embedding,
            encoder.pe_layer.encode_grid((h, w)),
            encoder.encode_sparse(points_xy, labels, None, (h, w)),
            dense,
            lowest_iou=lowest_iou,
        )
