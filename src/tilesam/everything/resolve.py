"""From the masks of tiles to objects of the image; cheap, and done again at will."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.everything.candidates import join, no_candidates, stitch_level
from tilesam.everything.filters import Funnel, filter_tile
from tilesam.everything.overlaps import find_covered, order_of_painting
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.table import ObjectTable, Status, require_label_count
from tilesam.masks.hierarchy import find_parents
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.tiling.reconcile import LevelObjects, reconcile
from tilesam.tiling.stitch import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tilesam.everything.candidates import Candidates
    from tilesam.everything.settings import EverythingSettings
    from tilesam.everything.tile_masks import TileMasks
    from tilesam.image.georeference import GeoReference
    from tilesam.types import IntArray, UInt8Array, Window


def resolve(
    tiles: Iterable[TileMasks],
    image_hw: tuple[int, int],
    settings: EverythingSettings,
    *,
    region: Window | None = None,
    image_name: str = "",
    model_name: str = "",
    georeference: GeoReference | None = None,
) -> Segmentation:
    """Judge, stitch and layer the masks of tiles.

    Parameters
    ----------
    tiles
        What the decoder found, in any order; the result does not depend on it.
    image_hw
        Height and width of the image in pixels.
    settings
        With thresholds, see `EverythingSettings.resolved`.
    region
        Part of the image: only objects with a pixel in it are kept, whole.
    image_name, model_name, georeference
        For the result.

    Returns
    -------
    Segmentation
        Within a level windows are stitched, then levels are reconciled with the finer
        ones, and every pixel gets one owner.

    Raises
    ------
    EverythingError
        If thresholds are missing, or labels of 32 bits do not suffice.
    """
    funnel = Funnel()
    by_level: dict[int, list[TileMasks]] = {}
    for tile in tiles:
        passed, counts = filter_tile(tile, settings, image_hw)
        funnel += counts
        by_level.setdefault(tile.tile.level, []).append(passed)
    levels = [
        stitch_level(by_level[level], image_hw, keep_cut=settings.keep_cut)
        for level in sorted(by_level)
    ]
    candidates = _reconciled(levels, settings)
    if region is not None:
        candidates = candidates.within(region)
    require_label_count(len(candidates.masks))
    order, status, parent = _layer(candidates, settings)
    return _number(
        candidates,
        (order, status, parent),
        image_hw=image_hw,
        settings=settings,
        funnel=funnel,
        names=(image_name, model_name),
        georeference=georeference,
    )


def _reconciled(
    levels: Sequence[Candidates], settings: EverythingSettings
) -> Candidates:
    """Return the rows of all levels, with finer and coarser copies told apart."""
    if not levels:
        return no_candidates()
    rows = join(levels)
    objects = [level.objects for level in levels]
    fates = reconcile(
        [
            LevelObjects(
                level.masks.take(kept), level.predicted_iou[kept], level.is_cut[kept]
            )
            for level, kept in zip(levels, objects, strict=True)
        ],
        crop_nms_thresh=settings.crop_nms_thresh,
    )
    fate, kept = np.concatenate(fates), rows.objects
    rows.status[kept[fate == Fate.DUPLICATE]] = Status.DUPLICATE
    rows.status[kept[fate == Fate.FRAGMENT]] = Status.FRAGMENT
    return rows


def _layer(
    candidates: Candidates, settings: EverythingSettings
) -> tuple[IntArray, UInt8Array, IntArray]:
    """Return rows from the bottom up, and the status and parent of every row."""
    rows = np.flatnonzero(candidates.status == Status.KEPT)
    masks = candidates.masks.take(rows)
    pairs = overlapping_extents(masks.extents_yxyx)
    shared = intersection_areas(masks, masks, pairs)
    order = order_of_painting(
        settings.overlap, masks.areas, candidates.predicted_iou[rows]
    )
    covered = find_covered(
        *(masks, order, pairs, shared), min_visible_share=settings.min_visible_share
    )
    status = candidates.status.copy()
    status[rows[covered]] = Status.COVERED
    parents = find_parents(masks, pairs, shared)
    parent = candidates.owner.copy()
    parent[rows] = np.where(parents < 0, -1, rows[parents] if len(rows) else -1)
    return rows[order[~covered[order]]], status, parent


def _number(
    candidates: Candidates,
    layers: tuple[IntArray, UInt8Array, IntArray],
    *,
    image_hw: tuple[int, int],
    settings: EverythingSettings,
    funnel: Funnel,
    names: tuple[str, str],
    georeference: GeoReference | None,
) -> Segmentation:
    """Give every row its label: those with pixels first, each group as one reads."""
    painted, status, parent = layers
    extents = candidates.masks.extents_yxyx
    rows = np.lexsort((candidates.masks.areas, extents[:, 1], extents[:, 0], status))
    label = np.zeros(len(rows) + 1, np.uint32)  # the last one stands for no parent
    label[rows] = np.arange(1, len(rows) + 1)
    chosen = candidates.take(rows)
    table = ObjectTable(
        label=label[rows],
        status=status[rows],
        area=chosen.masks.areas,
        extents_yxyx=chosen.masks.extents_yxyx,
        centroid_yx=chosen.masks.centroids_yx,
        predicted_iou=chosen.predicted_iou,
        stability_score=chosen.stability_score,
        point_yx=chosen.points_yx,
        level=chosen.level.astype(np.int8),
        parent=label[parent[rows]],
        is_cut=chosen.is_cut,
    )
    return Segmentation(
        image_hw=image_hw,
        table=table,
        masks=chosen.masks,
        paint_order=label[painted].astype(np.int64) - 1,
        settings=settings,
        funnel=funnel,
        image_name=names[0],
        model_name=names[1],
        georeference=georeference,
    )
