"""Boxes to masks, by the stored embedding of the tile in whose window they were found.

What leaves this module is what everything has of a tile as well, so that masks of
neighbouring windows become whole objects in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

from tilesam.everything.decode import LARGEST_MASK_SIDE
from tilesam.everything.tile_masks import TileMasks
from tilesam.masks.run_masks import RunMasks
from tilesam.model.preprocessing import boxes_yxyx_to_input_xyxy
from tilesam.model.reprojection import CELL
from tilesam.model.upsampling import crop_mask

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.masks.run_masks import Extent
    from tilesam.model.runtime import SamModel
    from tilesam.tiling import Grid
    from tilesam.types import Float32Array, FloatArray, IntArray, TileKey, Window

AT_ONCE = 64
"""Boxes that are decoded together."""


class BoxMasks(NamedTuple):
    """The masks of boxes in one tile.

    Parameters
    ----------
    masks
        N masks; the points they were asked at are the middles of the boxes.
    rows
        (N,) which box each is of; boxes without a pixel are left out.
    looks
        (N, D) unit vectors of what the embedding has where the mask is.
    """

    masks: TileMasks
    rows: IntArray
    looks: FloatArray


def decode_boxes(
    embedding: Tensor,
    tile: TileKey,
    grid: Grid,
    model: SamModel,
    boxes_yxyx: FloatArray,
    *,
    stability_offset: float = 1.0,
) -> BoxMasks:
    """Return the decoder's single mask of each of N boxes, at least one.

    Parameters
    ----------
    embedding
        (256, g, g) of the tile.
    tile
        The tile.
    grid
        The lattice over the image.
    model
        The network that made the embedding.
    boxes_yxyx
        (N, 4) in pixels of the image.
    stability_offset
        See `EverythingSettings`.

    Raises
    ------
    DeviceError
        If the device has not enough memory.
    """
    window = grid.window(tile)
    boxes_xyxy = boxes_yxyx_to_input_xyxy(boxes_yxyx, window, model.input_size)
    logits, predicted_iou, looks = [], [], []
    for start in range(0, len(boxes_xyxy), AT_ONCE):
        some = boxes_xyxy[start : start + AT_ONCE, np.newaxis]
        decoded = model.decode(embedding, boxes_xyxy=some)
        single = decoded.low_res_logits[:, 0]
        logits.append(single.cpu().numpy())
        predicted_iou.append(decoded.predicted_iou[:, 0].cpu().numpy())
        looks.append(look_of(embedding, single))
    points_yx = boxes_yxyx.reshape(-1, 2, 2).mean(axis=1)
    masks, rows = _to_tile_masks(
        (tile, window, grid.image_hw, model.input_size),
        *(np.concatenate(logits), np.concatenate(predicted_iou), points_yx),
        stability_offset=stability_offset,
    )
    return BoxMasks(masks, rows, np.concatenate(looks)[rows])


def no_masks(tile: TileKey, grid: Grid) -> TileMasks:
    """Return what is kept of a tile in whose window nothing was found."""
    none = np.zeros((0, 1, 1), np.float32)
    frame = tile, grid.window(tile), grid.image_hw, grid.input_size
    return _to_tile_masks(
        frame, none, none[:, 0, 0], np.zeros((0, 2)), stability_offset=1.0
    )[0]


def look_of(embedding: Tensor, low_res_logits: Tensor) -> FloatArray:
    """Return (N, D) unit vectors: the mean of an embedding over each of N masks.

    Parameters
    ----------
    embedding
        (D, g, g).
    low_res_logits
        (N, 4g, 4g) float, unthresholded.
    """
    with torch.inference_mode():
        shares = F.avg_pool2d(low_res_logits.to(embedding).sigmoid(), CELL)
        sums = shares.flatten(1) @ embedding.flatten(1).T
        looks = F.normalize(sums.double(), dim=-1)
    return looks.cpu().numpy().astype(np.float64)


def _to_tile_masks(
    frame: tuple[TileKey, Window, tuple[int, int], int],
    logits: Float32Array,
    predicted_iou: Float32Array,
    points_yx: FloatArray,
    *,
    stability_offset: float,
) -> tuple[TileMasks, IntArray]:
    """Return the masks that have pixels, and which they are."""
    tile, window, image_hw, input_size = frame
    scale = _scale_of(window)
    extent = _extent_of(window, image_hw, scale)
    crops = [
        crop_mask(
            one,
            window_hw=(-(-window.height // scale), -(-window.width // scale)),
            input_size=input_size,
            visible_hw=(extent[2] - extent[0], extent[3] - extent[1]),
            stability_offset=stability_offset,
        )
        for one in logits
    ]
    has_pixels = np.array([crop.mask.size > 0 for crop in crops], np.bool_)
    rows = np.flatnonzero(has_pixels)
    stability = np.array([crop.stability_score for crop in crops], np.float32)
    places = [crop.offset_yx for crop in crops]
    masks = TileMasks(
        tile=tile,
        extent=extent,
        scale=scale,
        masks=RunMasks.from_crops(
            [crops[row].mask for row in rows],
            [(extent[0] + places[r][0], extent[1] + places[r][1]) for r in rows],
        ),
        predicted_iou=predicted_iou[rows],
        stability_score=stability[rows],
        points_yx=points_yx[rows],
        tokens=np.zeros(len(rows), np.uint8),
        asked=len(crops),
        best_predicted_iou=float(predicted_iou.max(initial=-np.inf)),
        best_stability_score=float(stability.max(initial=-np.inf)),
    )
    return masks, rows


def _scale_of(window: Window) -> int:
    """Return how many pixels of the image a pixel of the masks is, see `TileMasks`."""
    scale = 1
    while max(window.height, window.width) > scale * LARGEST_MASK_SIDE:
        scale *= 2
    return scale


def _extent_of(window: Window, image_hw: tuple[int, int], scale: int) -> Extent:
    """Return what a window shows of the image, in whole pixels of the masks."""
    bottom = min(window.y0 + window.height, image_hw[0])
    right = min(window.x0 + window.width, image_hw[1])
    y0, x0 = window.y0 // scale, window.x0 // scale
    return y0, x0, max(bottom // scale, y0 + 1), max(right // scale, x0 + 1)
