"""What the decoder's single mask token says of the object in a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tilesam.model.drawn_prompts import draw_prompts
from tilesam.model.mask_decoder import POSITIONS_AT_A_TIME

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.model.runtime import SamModel
    from tilesam.model.sam import Sam
    from tilesam.types import Float32Array, FloatArray

SINGLE = 1
"""Place of the single mask's token; the one before it predicts IoU."""


def mask_tokens(
    model: SamModel, image_embedding: Tensor, boxes_xyxy: FloatArray
) -> Float32Array:
    """Return the token that makes the mask of each of N boxes.

    No mask is made, which saves half of what an answer costs.

    Parameters
    ----------
    model
        The network that made the embedding.
    image_embedding
        (256, g, g).
    boxes_xyxy
        (N, 4) pixel indices of the input.

    Returns
    -------
    Float32Array
        (N, 256).
    """
    embedding = image_embedding[None].to(model.device, torch.float32)
    boxes = torch.from_numpy(boxes_xyxy).to(model.device, torch.float32)
    boxes = boxes.reshape(1, -1, 1, 4)
    step = boxes.shape[1]
    if model.device.type == "cpu":
        step = max(1, POSITIONS_AT_A_TIME // embedding[0, 0].numel())
    with torch.inference_mode(), torch.autocast(model.device.type, enabled=False):
        parts = [
            _read(model.network, embedding, boxes[:, start : start + step])
            for start in range(0, boxes.shape[1], step)
        ]
    tokens: Float32Array = torch.cat(parts).cpu().numpy()
    return tokens


def _read(sam: Sam, embedding: Tensor, boxes_xyxy: Tensor) -> Tensor:
    """Return (N, 256) from (1, 256, h, w) and (1, N, 1, 4)."""
    h, w = embedding.shape[-2:]
    encoder, decoder = sam.prompt_encoder, sam.mask_decoder
    sparse = encoder.encode_sparse(None, None, boxes_xyxy, (h, w))
    is_drawn = sam.config.draws_prompts
    drawn = draw_prompts(None, None, boxes_xyxy, (h, w)) if is_drawn else None
    image = embedding.unsqueeze(1) + encoder.encode_dense(drawn)  # (1, N or 1, D, h, w)
    output = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight])
    output = output.expand(1, boxes_xyxy.shape[1], -1, -1)
    tokens, _ = decoder.transformer(
        image.flatten(-2).transpose(-2, -1).contiguous(),
        encoder.pe_layer.encode_grid((h, w)).flatten(-2).transpose(-2, -1),
        torch.cat([output, *([] if sparse is None else [sparse])], dim=2),
    )
    single: Tensor = tokens[0, :, SINGLE]
    return single
