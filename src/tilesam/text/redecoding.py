"""The best masks asked for again, with what is meant as a token; off by default.

Paper, appendix D.5: the text embedding is the decoder's first prompt token. Measured
with the embedded model it changes next to nothing, see the page on text prompts.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from tilesam.masks.pairs import intersection_areas
from tilesam.masks.run_masks import RunMasks
from tilesam.model.preprocessing import boxes_yxyx_to_input_xyxy
from tilesam.model.upsampling import MaskCrop, crop_mask
from tilesam.text.token import decode_with_token

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.text.network import TextNetwork
    from tilesam.text.scored import ScoredMasks
    from tilesam.tiled_image import TiledImage
    from tilesam.types import FloatArray, IntArray, TileKey

SAME_IOU = 0.5
"""An answer that is less like the mask that it should refine is not taken."""

AT_ONCE = 32


def redecode(
    scored: ScoredMasks, image: TiledImage, network: TextNetwork, meant: Tensor
) -> ScoredMasks:
    """Ask for the boxes of the masks that pass the recommended threshold again.

    Parameters
    ----------
    scored
        Masks with scores.
    image
        Whose model answers.
    network
        Makes the token.
    meant
        (1, D) unit vector of the phrase.

    Returns
    -------
    ScoredMasks
        With new masks, predicted IoU and stability of those that were asked; text
        scores stay.
    """
    rows = scored.ranked[: scored.count()]
    extents = scored.masks.extents_yxyx.astype(np.float64)
    boxes = extents - (0, 0, 1, 1)  # from centre to centre of pixels
    by_tile: dict[TileKey, list[int]] = defaultdict(list)
    for row in rows.tolist():
        tile = image.grid.choose(tuple(boxes[row]), finest_level=image.finest_level)
        by_tile[tile].append(row)
    answers: dict[int, tuple[MaskCrop, tuple[int, int], float]] = {}
    for tile, some in by_tile.items():
        for start in range(0, len(some), AT_ONCE):
            part = np.array(some[start : start + AT_ONCE])
            found = _ask(image, tile, network, meant, boxes[part])
            answers.update(zip(part.tolist(), found, strict=True))
    return _with_answers(scored, answers)


def _ask(
    image: TiledImage,
    tile: TileKey,
    network: TextNetwork,
    meant: Tensor,
    boxes_yxyx: FloatArray,
) -> list[tuple[MaskCrop, tuple[int, int], float]]:
    """Return mask, its place and its predicted IoU for each box of one tile."""
    model, window = image.model, image.grid.window(tile)
    boxes_xyxy = boxes_yxyx_to_input_xyxy(boxes_yxyx, window, model.input_size)
    embedding = image.embeddings.get(tile)[None].to(model.device, torch.float32)
    with torch.inference_mode():
        output = decode_with_token(
            *(model.network, network.to(model.device), embedding),
            meant.to(model.device).expand(len(boxes_xyxy), -1),
            boxes_xyxy=torch.from_numpy(boxes_xyxy)
            .to(model.device, torch.float32)
            .reshape(1, -1, 1, 4),
        )
    network.cpu()
    height, width = image.image_hw
    visible_hw = height - window.y0, width - window.x0
    found = []
    logits = output.low_res_logits[0, :, 0].cpu().numpy()
    for low_res, iou in zip(
        logits, output.predicted_iou[0, :, 0].tolist(), strict=True
    ):
        crop = crop_mask(
            low_res,
            window_hw=(window.height, window.width),
            input_size=model.input_size,
            visible_hw=visible_hw,
        )
        y, x = crop.offset_yx
        found.append((crop, (window.y0 + y, window.x0 + x), iou))
    return found


def _with_answers(
    scored: ScoredMasks, answers: dict[int, tuple[MaskCrop, tuple[int, int], float]]
) -> ScoredMasks:
    asked = np.array(sorted(answers), np.int64)
    filled = [row for row in asked.tolist() if answers[row][0].mask.any()]
    new = RunMasks.from_crops(
        [answers[row][0].mask for row in filled], [answers[row][1] for row in filled]
    )
    is_same = _iou(scored.masks, np.array(filled, np.int64), new) >= SAME_IOU
    crops, places = [], []
    predicted, stability = scored.predicted_iou.copy(), scored.stability_score.copy()
    taken = {row for row, same in zip(filled, is_same, strict=True) if same}
    for row in range(len(scored)):
        if row in taken:
            crop, place, predicted[row] = answers[row]
            stability[row] = crop.stability_score
            crops.append(crop.mask)
            places.append(place)
        else:
            old, place = scored.masks.crop(row)
            crops.append(old)
            places.append(place)
    return replace(
        scored,
        masks=RunMasks.from_crops(crops, places),
        predicted_iou=predicted,
        stability_score=stability,
    )


def _iou(masks: RunMasks, rows: IntArray, new: RunMasks) -> FloatArray:
    pairs = np.stack([rows, np.arange(len(rows))], axis=1)
    shared = intersection_areas(masks, new, pairs).astype(np.float64)
    union = masks.areas[rows] + new.areas - shared
    return np.asarray(shared / np.maximum(union, 1))
