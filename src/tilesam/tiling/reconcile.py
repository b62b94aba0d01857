"""Objects of several levels against each other: which of them say something new.

Finer levels draw borders better, coarser ones see larger objects whole. So a finer
object stays unless an edge cuts it and a coarser level shows more of it, and a coarser
one stays unless a finer level has it already. Parts within wholes are both kept.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.pairs import overlapping_extents
from tilesam.masks.run_masks import concatenate
from tilesam.tiling.stitching.fates import Fate
from tilesam.tiling.stitching.overlaps import shared_areas, shared_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, FloatArray, IntArray, UInt8Array


@dataclass(frozen=True, eq=False)
class LevelObjects:
    """What one level has, in pixels of the image.

    Parameters
    ----------
    masks
        n stitched objects.
    scores
        (n,) float; not needed here, levels come before scores.
    is_cut
        (n,) bool: an edge cuts the object, and it may go on beyond.
    """

    masks: RunMasks
    scores: ArrayLike
    is_cut: BoolArray


def reconcile(
    levels: Sequence[LevelObjects],
    *,
    crop_nms_thresh: float = 0.7,
    min_duplicate_iou: float = 0.5,
    min_containment: float = 0.8,
) -> list[UInt8Array]:
    """Decide which objects of which level are kept.

    Parameters
    ----------
    levels
        The finest first.
    crop_nms_thresh
        A coarser object whose rectangle has a higher IoU with that of a whole finer
        one is a duplicate, as in Kirillov et al. 2023, "Segment Anything", appendix B.
    min_duplicate_iou
        So is one whose pixels have at least this IoU with those of a whole finer one.
    min_containment
        Share of a cut object that must lie in another one to be a fragment of it.

    Returns
    -------
    list of (n,) uint8
        Of `Fate`, for each level: `MEMBER` is kept.
    """
    masks = concatenate([level.masks for level in levels])
    sizes = [len(level.masks) for level in levels]
    is_cut = np.concatenate(
        [np.zeros(0, np.bool_), *(level.is_cut for level in levels)]
    )
    fates = np.full(len(masks), Fate.MEMBER, np.uint8)
    starts = np.cumsum([0, *sizes])
    for start, stop in itertools.pairwise(starts.tolist()):
        kept = np.flatnonzero(fates[:start] == Fate.MEMBER)
        extents = masks.extents_yxyx
        i, j = overlapping_extents(extents[start:stop], extents[kept]).T
        pairs = np.stack([i + start, kept[j]], axis=1)
        shared = shared_areas(masks, pairs)
        is_copy = _are_copies(masks, pairs, shared, crop_nms_thresh, min_duplicate_iou)
        whole, contained = ~is_cut[pairs], _contained(masks, pairs, shared)
        is_inside = contained >= min_containment
        # A whole one that is there already is better drawn.
        fates[pairs[is_inside[:, 0] & ~whole[:, 0] & whole[:, 1], 0]] = Fate.FRAGMENT
        fates[pairs[is_copy & whole[:, 1], 0]] = Fate.DUPLICATE
        # What is left shows more of what the finer level cuts.
        is_kept = fates[pairs[:, 0]] == Fate.MEMBER
        is_larger = masks.areas[pairs[:, 0]] >= masks.areas[pairs[:, 1]]
        is_more = is_inside[:, 1] & (whole[:, 0] | is_larger)
        fates[pairs[is_kept & is_more & ~whole[:, 1], 1]] = Fate.FRAGMENT
    return [fates[start:stop] for start, stop in itertools.pairwise(starts)]


def _are_copies(
    masks: RunMasks,
    pairs: IntArray,
    shared: IntArray,
    crop_nms_thresh: float,
    min_duplicate_iou: float,
) -> BoolArray:
    """Return which pairs are alike in their rectangles or their pixels."""
    extents = masks.extents_yxyx
    rectangles = np.prod(extents[:, 2:] - extents[:, :2], axis=1)
    shared_rectangles = np.prod(shared_sides(masks, pairs), axis=1)
    box_iou = _iou(shared_rectangles, rectangles[pairs])
    iou = _iou(shared, masks.areas[pairs])
    return (box_iou > crop_nms_thresh) | (iou >= min_duplicate_iou)


def _iou(shared: IntArray, areas: IntArray) -> FloatArray:
    iou: FloatArray = shared / (areas.sum(axis=1) - shared)
    return iou


def _contained(masks: RunMasks, pairs: IntArray, shared: IntArray) -> FloatArray:
    """Return (P, 2) which share of each lies in the other."""
    share: FloatArray = shared[:, np.newaxis] / masks.areas[pairs]
    return share
