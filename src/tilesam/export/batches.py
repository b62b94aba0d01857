"""Many objects, a few at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import IntArray

RUNS_AT_ONCE = 2**14
"""What is made of so many runs takes about ten megabytes."""


def in_batches(masks: RunMasks, rows: IntArray) -> Iterator[tuple[IntArray, RunMasks]]:
    """Yield some of the masks in parts of about `RUNS_AT_ONCE` runs.

    Parameters
    ----------
    masks
        N masks.
    rows
        (K,) int64, which of them and in which order.

    Yields
    ------
    tuple
        Part of `rows`, and the masks of these; at least one, however large it is.
    """
    # An empty mask counts too, so that no batch has too many of them.
    before = np.cumsum(masks.run_counts[rows] + 1)
    start = 0
    while start < len(rows):
        done = before[start - 1] if start else 0
        stop = int(np.searchsorted(before, done + RUNS_AT_ONCE, "right"))
        part = rows[start : max(stop, start + 1)]
        yield part, masks.take(part)
        start += len(part)
