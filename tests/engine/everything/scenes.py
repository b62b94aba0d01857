"""What a perfect decoder would say of a label image, tile by tile."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tilesam.everything.settings import EverythingSettings
from tilesam.everything.tile_masks import TileMasks
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.tiling import Grid
from tilesam.types import TileKey

Labels = NDArray[np.integer]

LENIENT = EverythingSettings(pred_iou_thresh=0.1, stability_score_thresh=0.1)


def tile_masks(
    layers: Iterable[Labels],
    grid: Grid,
    tile: TileKey,
    *,
    predicted_iou: float = 0.9,
    scale: int = 1,
) -> TileMasks:
    """Return every object of every layer that a window shows, cut at its edges."""
    window = grid.window(tile)
    bottom = min(window.y0 + window.height, grid.image_hw[0])
    right = min(window.x0 + window.width, grid.image_hw[1])
    y0, x0 = window.y0 // scale, window.x0 // scale
    shown = (slice(window.y0, bottom, scale), slice(window.x0, right, scale))
    masks = concatenate(
        [RunMasks.from_labels(layer[shown], (y0, x0))[0] for layer in layers]
    )
    count = len(masks)
    return TileMasks(
        tile=tile,
        extent=(y0, x0, bottom // scale, right // scale),
        scale=scale,
        masks=masks,
        predicted_iou=np.full(count, predicted_iou, np.float32),
        stability_score=np.full(count, 0.95, np.float32),
        points_yx=np.nan_to_num(masks.centroids_yx) * scale,
        tokens=np.ones(count, np.uint8),
        asked=3 * count,
        best_predicted_iou=predicted_iou,
        best_stability_score=0.95,
    )


def discs(hw: tuple[int, int], discs_yxr: Iterable[tuple[int, int, int]]) -> Labels:
    """Return a label image of discs 1, 2, 3 ...; later ones paint over."""
    y, x = np.ogrid[: hw[0], : hw[1]]
    labels = np.zeros(hw, np.int32)
    for number, (cy, cx, radius) in enumerate(discs_yxr, start=1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= radius**2] = number
    return labels


def same_partition(found: Labels, expected: Labels) -> bool:
    """Return whether two label images differ in the names of labels alone."""
    pairs = np.unique(np.stack([found.ravel(), expected.ravel()]), axis=1)
    is_one_to_one = all(len(np.unique(names)) == pairs.shape[1] for names in pairs)
    return bool(is_one_to_one and ((found == 0) == (expected == 0)).all())
