"""How much of each mask lies in a rectangle of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import IntArray

MASKS_AT_ONCE = 2**16


def areas_within(
    masks: RunMasks, indices: IntArray, extents_yxyx: IntArray
) -> IntArray:
    """Return the area of the part of each chosen mask that lies in its rectangle.

    Parameters
    ----------
    masks
        N masks.
    indices
        (K,) int64 which of them; one may be asked about several times.
    extents_yxyx
        (K, 4) int64 a rectangle (y0, x0, y1, x1) for each.

    Returns
    -------
    IntArray
        (K,) int64.
    """
    areas = masks.areas[indices]
    own = masks.extents_yxyx[indices]
    is_whole = (own[:, :2] >= extents_yxyx[:, :2]).all(axis=1)
    is_whole &= (own[:, 2:] <= extents_yxyx[:, 2:]).all(axis=1)
    # Only what sticks out has to be looked at run by run.
    partly = np.flatnonzero(~is_whole)
    for start in range(0, len(partly), MASKS_AT_ONCE):
        chosen = partly[start : start + MASKS_AT_ONCE]
        areas[chosen] = _areas(masks.take(indices[chosen]), extents_yxyx[chosen])
    return areas


def _areas(masks: RunMasks, extents_yxyx: IntArray) -> IntArray:
    y0, x0, y1, x1 = extents_yxyx[masks.mask_of_run].T
    shown = np.minimum(masks.stops, x1) - np.maximum(masks.starts, x0)
    shown[(masks.rows < y0) | (masks.rows >= y1) | (shown < 0)] = 0
    before = np.concatenate([[0], np.cumsum(shown)])
    return np.diff(before[masks.offsets])
