"""Join masks into larger ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import IntArray

    Int32Array = NDArray[np.int32]


def union_by_group(masks: RunMasks, group_of: IntArray, count: int) -> RunMasks:
    """Return for each group the pixels that any of its masks has.

    Parameters
    ----------
    masks
        N masks.
    group_of
        (N,) int64 in 0 to `count` - 1, or -1 for masks that are left out.
    count
        Number of groups; those without a mask become empty.
    """
    group = np.asarray(group_of, np.int64)[masks.mask_of_run]
    chosen = np.flatnonzero(group >= 0)
    order = chosen[
        np.lexsort((masks.starts[chosen], masks.rows[chosen], group[chosen]))
    ]
    group, rows = group[order], masks.rows[order]
    starts, stops = masks.starts[order], masks.stops[order]
    first = _first_of_joint(group, rows, starts, stops)
    if not len(first):
        return RunMasks.empty(count)
    offsets = np.searchsorted(group[first], np.arange(count + 1))
    return RunMasks(
        offsets.astype(np.int64),
        rows[first],
        starts[first],
        np.maximum.reduceat(stops, first),
    )


def _first_of_joint(
    group: IntArray, rows: Int32Array, starts: Int32Array, stops: Int32Array
) -> IntArray:
    """Return where runs begin that neither overlap nor touch what is before them."""
    if not len(rows):
        return np.zeros(0, np.int64)
    is_new_row = np.ones(len(rows), np.bool_)
    is_new_row[1:] = (group[1:] != group[:-1]) | (rows[1:] != rows[:-1])
    # Each row is lifted above the one before, so that one running maximum serves all.
    lift = np.cumsum(is_new_row) * (int(stops.max()) - int(starts.min()) + 2)
    reached = np.maximum.accumulate(stops + lift)
    is_first = is_new_row
    is_first[1:] |= (starts + lift)[1:] > reached[:-1]
    return np.flatnonzero(is_first)
