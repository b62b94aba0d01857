"""Which sightings of neighbouring windows share pixels, and how alike they are there.

Two windows are compared where both look: on the pixels that they share.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.within import areas_within

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.tiling.stitching.sightings import Sightings
    from tilesam.types import BoolArray, FloatArray, IntArray

RUNS_AT_ONCE = 2**21
"""Masks of so many runs are compared in one go; small sets stay in the cache."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """P pairs of sightings of two windows each.

    Parameters
    ----------
    pairs
        (P, 2) int64 numbers of sightings, the lower first, sorted.
    shared
        (P,) int64 how many pixels the two have in common.
    shown
        (P, 2) int64 how many pixels each has where both windows look.
    """

    pairs: IntArray
    shared: IntArray
    shown: IntArray

    @cached_property
    def iou(self) -> FloatArray:
        """(P,) float64 IoU where both windows look."""
        iou: FloatArray = self.shared / (self.shown.sum(axis=1) - self.shared)
        return iou

    def take(self, chosen: IntArray | BoolArray) -> Overlaps:
        """Return some of the pairs."""
        return Overlaps(self.pairs[chosen], self.shared[chosen], self.shown[chosen])


def find_overlaps(
    sightings: Sightings, *, min_overlap_iou: float, min_containment: float
) -> Overlaps:
    """Compare the sightings of all windows that share pixels.

    Parameters
    ----------
    sightings
        All of them.
    min_overlap_iou, min_containment
        In [0, 1]. Pairs whose smallest rectangles already show that they reach neither
        are left out; in dense scenes these are most.
    """
    pairs = _near_pairs(sightings)
    shown = np.stack(
        [_shown_areas(sightings, pairs[:, k], pairs[:, 1 - k]) for k in (0, 1)], axis=1
    )
    needed = _least_shared(
        sightings, pairs, shown, iou=min_overlap_iou, containment=min_containment
    )
    is_left = _shared_extent_areas(sightings.masks, pairs) >= needed
    pairs, shown = pairs[is_left], shown[is_left]
    shared = shared_areas(sightings.masks, pairs)
    is_pair = shared > 0
    return Overlaps(pairs[is_pair], shared[is_pair], shown[is_pair])


def _least_shared(
    sightings: Sightings,
    pairs: IntArray,
    shown: IntArray,
    *,
    iou: float,
    containment: float,
) -> FloatArray:
    """Return how many pixels two sightings have to share to matter to each other."""
    as_alike = iou * shown.max(axis=1, initial=0)
    within_rims = (shown - sightings.uncertain_areas[pairs]).sum(axis=1) / 2
    least = np.minimum(as_alike, within_rims)
    # A cut one may be a fragment of the other, or one of several that continue it.
    for k in (0, 1):
        own = pairs[:, k]
        as_part = containment * shown[:, k]
        least = np.where(sightings.is_cut[own], np.minimum(least, as_part), least)
    needed: FloatArray = np.maximum(least, 1)
    return needed


def shared_areas(masks: RunMasks, pairs: IntArray) -> IntArray:
    """Return how many pixels the masks of each of (P, 2) pairs share."""
    areas = np.zeros(len(pairs), np.int64)
    runs = np.cumsum(masks.run_counts[pairs].sum(axis=1))
    bounds = [0, len(pairs)]
    if len(pairs):
        splits = np.arange(RUNS_AT_ONCE, runs[-1], RUNS_AT_ONCE)
        bounds = np.unique([*bounds, *np.searchsorted(runs, splits)]).tolist()
    for start, stop in itertools.pairwise(bounds):
        first, of_first = np.unique(pairs[start:stop, 0], return_inverse=True)
        second, of_second = np.unique(pairs[start:stop, 1], return_inverse=True)
        local = np.stack([of_first, of_second], axis=1)
        areas[start:stop] = intersection_areas(
            masks.take(first), masks.take(second), local
        )
    return areas


def _near_pairs(sightings: Sightings) -> IntArray:
    """Return the pairs of sightings of two windows whose rectangles share pixels."""
    extents = sightings.masks.extents_yxyx
    filled = np.flatnonzero(sightings.masks.areas)
    color = _window_colors(sightings.windows_yxyx)[sightings.window_of[filled]]
    found = [np.zeros((0, 2), np.int64)]
    for value in range(color.max(initial=0)):
        own, others = filled[color == value], filled[color > value]
        i, j = overlapping_extents(extents[own], extents[others]).T
        found.append(np.stack([own[i], others[j]], axis=1))
    pairs = np.sort(np.concatenate(found), axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _window_colors(windows_yxyx: IntArray) -> IntArray:
    """Return (W,) numbers that differ between windows that share pixels.

    Masks of one color need not be compared with each other, however many a window has.
    """
    colors = np.zeros(len(windows_yxyx), np.int64)
    earlier: list[list[int]] = [[] for _ in windows_yxyx]
    for i, j in overlapping_extents(windows_yxyx).tolist():
        earlier[j].append(i)
    for window, neighbours in enumerate(earlier):
        taken = set(colors[neighbours].tolist())
        colors[window] = next(n for n in range(len(taken) + 1) if n not in taken)
    return colors


def _shown_areas(sightings: Sightings, own: IntArray, other: IntArray) -> IntArray:
    """Return how much of each sighting the window of the other shows."""
    window_of = sightings.window_of
    asked = own * len(sightings.windows_yxyx) + window_of[other]
    _, first, inverse = np.unique(asked, return_index=True, return_inverse=True)
    windows = sightings.windows_yxyx[window_of[other[first]]]
    return areas_within(sightings.masks, own[first], windows)[inverse]


def _shared_extent_areas(masks: RunMasks, pairs: IntArray) -> IntArray:
    """Return the area of the rectangle that two smallest rectangles share."""
    areas: IntArray = np.prod(shared_sides(masks, pairs), axis=1)
    return areas


def shared_sides(masks: RunMasks, pairs: IntArray) -> IntArray:
    """Return (P, 2) height and width of what two smallest rectangles share."""
    a, b = masks.extents_yxyx[pairs[:, 0]], masks.extents_yxyx[pairs[:, 1]]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    sides: IntArray = np.maximum(high - low, 0)
    return sides
