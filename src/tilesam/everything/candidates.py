"""Masks on their way to become objects, with all that is known of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from tilesam.everything.table import Status
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.tiling.stitch import Fate, WindowMasks, stitch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.everything.tile_masks import TileMasks
    from tilesam.types import (
        BoolArray,
        Float32Array,
        FloatArray,
        IntArray,
        UInt8Array,
        Window,
    )


@dataclass(frozen=True, eq=False)
class Candidates:
    """Objects and dropped masks, one row each.

    Parameters
    ----------
    masks
        N masks in pixels of the image.
    status
        (N,) uint8, see `Status`.
    predicted_iou, stability_score
        (N,) float32.
    points_yx
        (N, 2) float64.
    level
        (N,) int64.
    is_cut
        (N,) bool.
    owner
        (N,) int64, row of the object that a dropped mask belongs to, or -1.
    """

    masks: RunMasks
    status: UInt8Array
    predicted_iou: Float32Array
    stability_score: Float32Array
    points_yx: FloatArray
    level: IntArray
    is_cut: BoolArray
    owner: IntArray

    @property
    def objects(self) -> IntArray:
        """Rows that were not dropped."""
        return np.flatnonzero(self.status == Status.KEPT)

    def take(self, rows: IntArray) -> Candidates:
        """Return some rows in a new order."""
        place = np.full(len(self.masks) + 1, -1, np.int64)  # the last one: no owner
        place[rows] = np.arange(len(rows))
        columns = {name: getattr(self, name)[rows] for name in _PLAIN_COLUMNS}
        owner = place[self.owner[rows]]
        return Candidates(masks=self.masks.take(rows), owner=owner, **columns)

    def within(self, region: Window) -> Candidates:
        """Return the rows that have a pixel in a region."""
        bottom, right = region.y0 + region.height, region.x0 + region.width
        inside = self.masks.clipped((region.y0, region.x0, bottom, right))
        return self.take(np.flatnonzero(inside.run_counts))


_PLAIN_COLUMNS = tuple(
    field.name for field in fields(Candidates) if field.name not in ("masks", "owner")
)


def join(sets: Sequence[Candidates]) -> Candidates:
    """Return the rows of all sets, in their order; at least one set."""
    starts = np.cumsum([0, *(len(rows.masks) for rows in sets)])
    owners = [
        np.where(rows.owner < 0, -1, rows.owner + start)
        for rows, start in zip(sets, starts[:-1], strict=True)
    ]
    columns = {
        name: np.concatenate([getattr(rows, name) for rows in sets])
        for name in _PLAIN_COLUMNS
    }
    masks = concatenate([rows.masks for rows in sets])
    return Candidates(masks=masks, owner=np.concatenate(owners), **columns)


def no_candidates() -> Candidates:
    """Return none."""
    none = np.zeros(0, np.int64)
    return Candidates(
        masks=RunMasks.empty(),
        status=none.astype(np.uint8),
        predicted_iou=none.astype(np.float32),
        stability_score=none.astype(np.float32),
        points_yx=np.zeros((0, 2)),
        level=none,
        is_cut=none.astype(np.bool_),
        owner=none,
    )


def stitch_level(
    tiles: Sequence[TileMasks], image_hw: tuple[int, int], *, keep_cut: bool
) -> Candidates:
    """Return the objects of one level, then the masks that were dropped.

    Parameters
    ----------
    tiles
        Of one level, at least one, with the masks that passed the thresholds.
    image_hw
        Height and width of the image in pixels.
    keep_cut
        See `EverythingSettings`.
    """
    tiles = sorted(tiles, key=lambda tile: tile.tile)
    scale = tiles[0].scale
    windows = [WindowMasks(t.extent, t.masks, t.predicted_iou) for t in tiles]
    found = stitch(windows, _in_pixels_of(scale, image_hw))
    dropped = np.flatnonzero(found.fates != Fate.MEMBER)
    is_fragment = found.fates[dropped] == Fate.FRAGMENT
    pieces = concatenate([tile.masks for tile in tiles]).take(dropped)
    masks = concatenate([found.masks, pieces]).upscaled(scale)
    count, source = len(found.masks), np.concatenate([found.best, dropped])
    is_incomplete = found.is_abandoned & (not keep_cut)
    status = np.where(is_incomplete, Status.FRAGMENT, Status.KEPT)
    fates = np.where(is_fragment, Status.FRAGMENT, Status.DUPLICATE)
    return Candidates(
        masks=masks if scale == 1 else masks.clipped((0, 0, *image_hw)),
        status=np.concatenate([status, fates]).astype(np.uint8),
        predicted_iou=np.concatenate([t.predicted_iou for t in tiles])[source],
        stability_score=np.concatenate([t.stability_score for t in tiles])[source],
        points_yx=np.concatenate([t.points_yx for t in tiles])[source],
        level=np.full(len(source), tiles[0].tile.level, np.int64),
        is_cut=np.concatenate([found.is_cut, is_fragment]),
        owner=np.concatenate([np.full(count, -1, np.int64), found.object_of[dropped]]),
    )


def _in_pixels_of(scale: int, image_hw: tuple[int, int]) -> tuple[int, int]:
    """Return the size of the image in whole pixels of masks, as tiles have them."""
    height, width = (max(side // scale, 1) for side in image_hw)
    return height, width
