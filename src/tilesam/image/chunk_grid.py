"""Where the chunks of an array begin and end along each axis."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.types import IntArray

BLOCK_PIXELS = 2**21
"""About how many pixels of a level are worked on at once."""

BLOCK_WIDTH = 2048


def chunk_bounds(array: Any) -> tuple[IntArray, ...] | None:
    """Return the bounds of an array's chunks along each axis; None if it has none.

    Parameters
    ----------
    array
        With `chunks` as zarr and h5py (one size for each axis) or as dask (all sizes
        of each axis), or without.

    Returns
    -------
    tuple of IntArray
        Ascending, from 0 to the axis' size: n + 1 bounds of n chunks.
    """
    sizes = getattr(array, "chunks", None)
    if not isinstance(sizes, tuple) or len(sizes) != len(array.shape):
        return None
    return tuple(
        np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        if isinstance(size, tuple)
        else even_bounds(length, size)
        for size, length in zip(sizes, array.shape, strict=True)
    )


def even_bounds(length: int, size: int) -> IntArray:
    """Return the bounds of chunks of one size, the last of which may be smaller."""
    return np.append(np.arange(0, length, size), length).astype(np.int64)


def chunks_touching(bounds: IntArray, span: slice) -> range:
    """Return which chunks of an axis hold a part of start..stop."""
    first = int(np.searchsorted(bounds, span.start, side="right")) - 1
    return range(first, int(np.searchsorted(bounds, span.stop, side="left")))


def overlap(first: slice, second: slice) -> slice:
    """Return what two slices have in common."""
    return slice(max(first.start, second.start), min(first.stop, second.stop))


def moved(part: slice, origin: int) -> slice:
    """Return a slice as seen from another origin."""
    return slice(part.start - origin, part.stop - origin)


def largest(bounds: IntArray) -> int:
    """Return the size of an axis' largest chunk."""
    return int(np.diff(bounds).max())


def block_steps(chunk_hw: tuple[int, int]) -> tuple[int, int]:
    """Return how many chunks, down and across, make one block to work on."""
    height, width = chunk_hw
    across = max(1, BLOCK_WIDTH // width)
    return max(1, BLOCK_PIXELS // (across * width * height)), across


def spans(bounds: IntArray, step: int, within: slice) -> Iterator[slice]:
    """Yield the parts of start..stop, cut at every `step`-th bound from the first on.

    The cuts do not depend on where start..stop begins, so that sums over the parts
    come out the same to the last bit for everything that two windows both show.
    """
    touched = chunks_touching(bounds, within)
    first_cut = (touched.start // step + 1) * step
    cuts = [int(bounds[cut]) for cut in range(first_cut, touched.stop, step)]
    for start, stop in pairwise([within.start, *cuts, within.stop]):
        yield slice(start, stop)
