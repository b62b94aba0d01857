"""Which masks of two sets share pixels, and how many."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import IntArray

RUNS_AT_ONCE = 2**21
"""So many runs are compared in one go, which takes about 200 MB."""


def overlapping_extents(
    extents_a: IntArray, extents_b: IntArray | None = None
) -> IntArray:
    """Return which rectangles share pixels.

    Parameters
    ----------
    extents_a, extents_b
        (N, 4) and (K, 4) int64 of (y0, x0, y1, x1), one past the last; empty ones share
        nothing. Without the second, pairs within the first.

    Returns
    -------
    IntArray
        (P, 2) numbers (i, j), sorted; within one set i < j.
    """
    from shapely import STRtree, box

    others = extents_a if extents_b is None else extents_b
    if not len(extents_a) or not len(others):
        return np.zeros((0, 2), np.int64)
    tree = STRtree(box(*others[:, [1, 0, 3, 2]].T))
    i, j = tree.query(box(*extents_a[:, [1, 0, 3, 2]].T))
    # The tree counts rectangles that merely touch.
    low = np.maximum(extents_a[i, :2], others[j, :2])
    high = np.minimum(extents_a[i, 2:], others[j, 2:])
    is_pair = (low < high).all(axis=1)
    if extents_b is None:
        is_pair &= i < j
    pairs = np.stack([i[is_pair], j[is_pair]], axis=1).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def intersection_areas(a: RunMasks, b: RunMasks, pairs: IntArray) -> IntArray:
    """Return how many pixels the masks of each pair share.

    Parameters
    ----------
    a, b
        Two sets of masks, or twice the same.
    pairs
        (P, 2) numbers of a mask of `a` and one of `b`.

    Returns
    -------
    IntArray
        (P,) int64.
    """
    areas = np.zeros(len(pairs), np.int64)
    # The mask with fewer runs is walked along, the other is looked up.
    walks_a = a.run_counts[pairs[:, 0]] <= b.run_counts[pairs[:, 1]]
    for is_chosen, walked, searched, columns in (
        (walks_a, a, b, [0, 1]),
        (~walks_a, b, a, [1, 0]),
    ):
        chosen = np.flatnonzero(is_chosen)
        areas[chosen] = _areas(walked, searched, pairs[chosen][:, columns])
    return areas


def _areas(walked: RunMasks, searched: RunMasks, pairs: IntArray) -> IntArray:
    areas = np.zeros(len(pairs), np.int64)
    if not len(pairs):
        return areas
    keys = _row_keys(searched.mask_of_run, searched.rows)
    runs_before = np.cumsum(walked.run_counts[pairs[:, 0]])
    splits = np.arange(RUNS_AT_ONCE, runs_before[-1], RUNS_AT_ONCE)
    bounds = np.unique([0, *np.searchsorted(runs_before, splits), len(pairs)])
    for start, stop in pairwise(bounds):
        areas[start:stop] = _areas_at_once(walked, searched, keys, pairs[start:stop])
    return areas


def _areas_at_once(
    walked: RunMasks, searched: RunMasks, keys: IntArray, pairs: IntArray
) -> IntArray:
    counts = walked.run_counts[pairs[:, 0]]
    runs = concatenated_ranges(walked.offsets[pairs[:, 0]], counts)
    pair_of_run = np.repeat(np.arange(len(pairs)), counts)
    wanted = _row_keys(pairs[pair_of_run, 1], walked.rows[runs])
    # All runs of the other mask in the same row; most rows have one.
    first = np.searchsorted(keys, wanted, "left")
    found = np.searchsorted(keys, wanted, "right") - first
    other = concatenated_ranges(first, found)
    own, pair = np.repeat(runs, found), np.repeat(pair_of_run, found)
    stops = np.minimum(walked.stops[own], searched.stops[other])
    shared = np.maximum(
        stops - np.maximum(walked.starts[own], searched.starts[other]), 0
    )
    areas = np.bincount(pair, weights=shared, minlength=len(pairs))
    return areas.astype(np.int64)


def _row_keys(mask: IntArray, row: NDArray[np.int32]) -> IntArray:
    """Return one number for mask and row, ascending in the order of runs."""
    return (mask << 32) + row
