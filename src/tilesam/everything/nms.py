"""Of boxes that show nearly the same, keep the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.pairs import overlapping_extents

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tilesam.types import BoolArray, FloatArray, IntArray


def suppress(extents_yxyx: IntArray, scores: ArrayLike, iou_thresh: float) -> BoolArray:
    """Return which rectangles stay: the best first, then all that differ from those.

    Parameters
    ----------
    extents_yxyx
        (N, 4) int64, first pixels and one past the last.
    scores
        (N,), the higher the better; of equal ones the first.
    iou_thresh
        Rectangles with a higher IoU show the same.

    Returns
    -------
    BoolArray
        (N,).
    """
    keep = np.ones(len(extents_yxyx), np.bool_)
    pairs = overlapping_extents(extents_yxyx)
    pairs = pairs[box_iou(extents_yxyx, extents_yxyx, pairs) > iou_thresh]
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    better = np.sort(rank[pairs], axis=1)
    better = better[np.lexsort((better[:, 1], better[:, 0]))]
    first = np.searchsorted(better[:, 0], np.arange(len(order) + 1))
    # Only those that stay take others away, so that it has to go one by one.
    for place in np.unique(better[:, 0]):
        if keep[order[place]]:
            worse = better[first[place] : first[place + 1], 1]
            keep[order[worse]] = False
    return keep


def box_iou(a: IntArray, b: IntArray, pairs: IntArray) -> FloatArray:
    """Return the IoU of pairs of rectangles as the released generator measures it.

    Parameters
    ----------
    a, b
        (N, 4) and (K, 4) int64, first pixels and one past the last.
    pairs
        (P, 2) numbers of one of `a` and one of `b`.

    Returns
    -------
    FloatArray
        (P,) float64. A side is the distance between the centres of its first and its
        last pixel, one less than its pixels; where that leaves no area, rectangles
        are equal (1) or not (0).
    """
    of_a, of_b = a[pairs[:, 0]], b[pairs[:, 1]]
    low = np.maximum(of_a[:, :2], of_b[:, :2])
    high = np.minimum(of_a[:, 2:], of_b[:, 2:]) - 1
    shared = np.maximum(high - low, 0).prod(axis=1)
    union = _areas(of_a) + _areas(of_b) - shared
    is_equal = (of_a == of_b).all(axis=1)
    iou: FloatArray = np.where(union > 0, shared / np.maximum(union, 1), is_equal)
    return iou


def _areas(extents: IntArray) -> IntArray:
    areas: IntArray = (extents[:, 2:] - extents[:, :2] - 1).prod(axis=1)
    return areas
