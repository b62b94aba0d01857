"""Which mask is part of which: a tree from masks that overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import IntArray


def find_parents(
    masks: RunMasks,
    pairs: IntArray,
    intersections: IntArray,
    *,
    min_containment: float = 0.9,
) -> IntArray:
    """Return for each mask the smallest larger one that it lies in.

    Parameters
    ----------
    masks
        N masks.
    pairs
        (P, 2) int64 numbers of those that may share pixels, in any order.
    intersections
        (P,) int64 how many pixels the two of each pair share.
    min_containment
        Share of a mask that must lie in its parent, in (0, 1].

    Returns
    -------
    IntArray
        (N,) int64, -1 where there is none. A parent has more pixels than its child, so
        that there are no cycles; of equally large ones the one that shares most pixels,
        then the first.
    """
    areas = masks.areas
    is_first_smaller = areas[pairs[:, 0]] < areas[pairs[:, 1]]
    child = np.where(is_first_smaller, pairs[:, 0], pairs[:, 1])
    parent = np.where(is_first_smaller, pairs[:, 1], pairs[:, 0])
    is_nested = (areas[child] < areas[parent]) & (intersections > 0)
    is_nested &= intersections >= min_containment * areas[child]
    child, parent = child[is_nested], parent[is_nested]
    shared = intersections[is_nested]
    order = np.lexsort((parent, -shared, areas[parent], child))
    first = order[np.diff(child[order], prepend=-1) != 0]
    parents = np.full(len(masks), -1)
    parents[child[first]] = parent[first]
    return parents
