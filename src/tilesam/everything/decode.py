"""Ask the decoder at every point of a grid over one tile; the part that costs.

Exact, but made for speed and little memory: logits exist only of masks whose predicted
IoU is high enough, they are upsampled only where there is a mask, and what leaves this
module are runs of pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.everything.point_grid import build_point_grid
from tilesam.everything.tile_masks import TileMasks
from tilesam.masks.run_masks import Extent, RunMasks, concatenate
from tilesam.model.preprocessing import points_yx_to_input_xy
from tilesam.model.upsampling import MaskCrop, crop_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from tilesam.everything.settings import DecodeSettings
    from tilesam.model.runtime import DecodedPoints, SamModel
    from tilesam.tiling import Grid
    from tilesam.types import Float32Array, FloatArray, TileKey, UInt8Array, Window

LARGEST_MASK_SIDE = 4096
"""Masks of wider windows have larger pixels: no array ever has the size of an image."""


def decode_tile(
    embedding: Tensor,
    tile: TileKey,
    grid: Grid,
    model: SamModel,
    settings: DecodeSettings,
    *,
    before_batch: Callable[[], None] | None = None,
) -> TileMasks:
    """Ask about all points of a tile and keep the masks that may be good enough.

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
    settings
        The points, and the lowest scores that are kept.
    before_batch
        Called before each batch of points.

    Returns
    -------
    TileMasks
        Whole, part and subpart of each point, as far as they are kept. In windows of
        more than 4096 pixels a side the pixels of masks are larger than the image's.

    Raises
    ------
    DeviceError
        If the device has not enough memory.
    """
    frame = _build_frame(grid, tile)
    points_yx = build_point_grid(frame.shown, settings.points_per_side)
    points_xy = points_yx_to_input_xy(points_yx, frame.window, model.input_size)
    batches: list[_Batch] = []
    for start in range(0, len(points_yx), settings.points_per_batch):
        if before_batch is not None:
            before_batch()
        some = slice(start, start + settings.points_per_batch)
        decoded = model.decode_points(
            embedding, points_xy[some], lowest_iou=settings.lowest_pred_iou
        )
        batches.append(_keep(decoded, frame, points_yx[some], model, settings))
    return _to_tile_masks(tile, frame, batches, asked=3 * len(points_yx))


class _Frame(NamedTuple):
    """A window, what of it is image, and the pixels that its masks have."""

    window: Window
    shown: Extent
    scale: int

    @property
    def extent(self) -> Extent:
        """What is shown, in whole pixels of the masks."""
        y0, x0, y1, x1 = (side // self.scale for side in self.shown)
        return y0, x0, max(y1, y0 + 1), max(x1, x0 + 1)

    @property
    def window_hw(self) -> tuple[int, int]:
        """Height and width of the window in pixels of the masks."""
        sides = (self.window.height, self.window.width)
        height, width = (-(-side // self.scale) for side in sides)
        return height, width


class _Batch(NamedTuple):
    masks: RunMasks
    predicted_iou: Float32Array
    stability_score: Float32Array
    points_yx: FloatArray
    tokens: UInt8Array
    best: tuple[float, float]


def _build_frame(grid: Grid, tile: TileKey) -> _Frame:
    window = grid.window(tile)
    bottom = min(window.y0 + window.height, grid.image_hw[0])
    right = min(window.x0 + window.width, grid.image_hw[1])
    scale = 1
    while max(window.height, window.width) > scale * LARGEST_MASK_SIDE:
        scale *= 2
    return _Frame(window, (window.y0, window.x0, bottom, right), scale)


def _keep(
    decoded: DecodedPoints,
    frame: _Frame,
    points_yx: FloatArray,
    model: SamModel,
    settings: DecodeSettings,
) -> _Batch:
    """Upsample the masks of a batch, and keep those that are stable enough."""
    all_iou = decoded.predicted_iou.cpu().numpy()
    points, tokens = decoded.points.cpu().numpy(), decoded.tokens.cpu().numpy()
    predicted_iou = all_iou[points, tokens - 1]
    y0, x0, y1, x1 = frame.extent
    crops = [
        crop_mask(
            logits,
            window_hw=frame.window_hw,
            input_size=model.input_size,
            visible_hw=(y1 - y0, x1 - x0),
            stability_offset=settings.stability_score_offset,
        )
        for logits in decoded.low_res_logits.cpu().numpy()
    ]
    stability = np.array([crop.stability_score for crop in crops], np.float32)
    has_pixels = np.array([crop.mask.size > 0 for crop in crops], np.bool_)
    kept = np.flatnonzero(has_pixels & (stability >= settings.lowest_stability_score))
    return _Batch(
        _to_runs([crops[i] for i in kept], (y0, x0)),
        predicted_iou[kept],
        stability[kept],
        points_yx[points[kept]],
        tokens[kept].astype(np.uint8),
        (float(all_iou.max()), float(stability.max(initial=-np.inf))),
    )


def _to_runs(crops: list[MaskCrop], origin_yx: tuple[int, int]) -> RunMasks:
    y, x = origin_yx
    places = [(y + crop.offset_yx[0], x + crop.offset_yx[1]) for crop in crops]
    return RunMasks.from_crops([crop.mask for crop in crops], places)


def _to_tile_masks(
    tile: TileKey, frame: _Frame, batches: list[_Batch], *, asked: int
) -> TileMasks:
    masks, predicted_iou, stability_score, points_yx, tokens, best = zip(
        *batches, strict=True
    )
    best_iou, best_stability = np.max(best, axis=0)
    return TileMasks(
        tile=tile,
        extent=frame.extent,
        scale=frame.scale,
        masks=concatenate(masks),
        predicted_iou=np.concatenate(predicted_iou),
        stability_score=np.concatenate(stability_score),
        points_yx=np.concatenate(points_yx),
        tokens=np.concatenate(tokens),
        asked=asked,
        best_predicted_iou=float(best_iou),
        best_stability_score=float(best_stability),
    )
