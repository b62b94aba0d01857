"""Ranges of numbers, many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import IntArray


def concatenated_ranges(starts: IntArray, counts: IntArray) -> IntArray:
    """Return start, start + 1 ... of each range, one range after the other.

    Parameters
    ----------
    starts, counts
        (K,) int64: where each range begins and how many numbers it has.

    Returns
    -------
    IntArray
        (sum of counts,) int64.
    """
    counts = np.asarray(counts, np.int64)
    shifts = np.asarray(starts, np.int64) - (np.cumsum(counts) - counts)
    numbers: IntArray = np.arange(int(counts.sum()), dtype=np.int64)
    numbers += np.repeat(shifts, counts)
    return numbers
