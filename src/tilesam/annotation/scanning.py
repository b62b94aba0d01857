"""Looking through a whole label array, block by block: once, and never per edit."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.annotation.rows import Extent

BLOCK_SIDE = 2048
"""Blocks begin at multiples of this, as chunks mostly do."""

SCAN_PIXELS = 2**28
"""Up to this arrays are looked through without being asked."""


@dataclass(frozen=True)
class LabelScan:
    """How far an array has been looked through.

    Parameters
    ----------
    done, total
        Blocks.
    highest
        The highest label so far.
    """

    done: int
    total: int
    highest: int


def blocks_of(extent: Extent) -> Iterator[tuple[slice, ...]]:
    """Yield a box in blocks of one plane and at most `BLOCK_SIDE` pixels a side."""
    *planes, rows, columns = extent
    axes = [
        *([slice(at, at + 1) for at in range(*plane)] for plane in planes),
        *(_parts(*side) for side in (rows, columns)),
    ]
    yield from itertools.product(*axes)


def whole_extent(shape: tuple[int, ...]) -> Extent:
    """Return the box of a whole array."""
    return tuple((0, int(length)) for length in shape)


def scan_labels(array: Any) -> Iterator[LabelScan]:
    """Yield after every block how far an array has been looked through.

    Parameters
    ----------
    array
        Anything with shape and slices: NumPy, zarr, dask or a `LabelTarget`'s array.
    """
    if is_blank(array):
        yield LabelScan(1, 1, 0)
        return
    blocks = list(blocks_of(whole_extent(array.shape)))
    highest = 0
    for done, block in enumerate(blocks, start=1):
        highest = max(highest, int(np.asarray(array[block]).max(initial=0)))
        yield LabelScan(done, len(blocks), highest)


def highest_label(array: Any, *, max_pixels: int = SCAN_PIXELS) -> int:
    """Return the highest label of an array, 0 if there is none.

    Parameters
    ----------
    array
        See `scan_labels`.
    max_pixels
        How many pixels may be looked at. A zarr array that nothing was written to is
        known to be empty whatever its size.

    Raises
    ------
    AnnotationError
        If the array has more pixels; take `scan_labels` in the background.
    """
    pixels = math.prod(array.shape)
    if pixels > max_pixels and not is_blank(array):
        raise AnnotationError(
            f"the labels have {pixels} pixels, and looking through more than "
            f"{max_pixels} takes a while; pass the highest label if it is known, or "
            "find it with scan_labels in the background"
        )
    return max(scan.highest for scan in scan_labels(array))


def is_blank(array: Any) -> bool:
    """Return whether an array is a zarr to which nothing has been written yet."""
    if getattr(array, "fill_value", None) != 0:
        return False
    return bool(getattr(array, "nchunks_initialized", -1) == 0)


def find_extent(array: Any, label: int) -> Extent | None:
    """Return the smallest box around a label, looking through the whole array.

    Returns
    -------
    Extent or None
        None if no pixel has the label.
    """
    boxes = [
        tuple((int(i.min()) + s.start, int(i.max()) + s.start + 1) for i, s in pairs)
        for block in blocks_of(whole_extent(array.shape))
        if len((found := np.nonzero(np.asarray(array[block]) == label))[0])
        for pairs in [list(zip(found, block, strict=True))]
    ]
    return joined(*boxes) if boxes else None


def joined(*extents: Extent) -> Extent:
    """Return the smallest box around boxes."""
    return tuple(
        (min(start for start, _ in axis), max(stop for _, stop in axis))
        for axis in zip(*extents, strict=True)
    )


def _parts(start: int, stop: int) -> list[slice]:
    edges = range(start - start % BLOCK_SIDE, stop, BLOCK_SIDE)
    return [slice(max(edge, start), min(edge + BLOCK_SIDE, stop)) for edge in edges]
