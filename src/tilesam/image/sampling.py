"""A coarse sample of an image's values, from few bytes, the same at every opening."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.image.chunked_planes import ChunkedPlane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.image.channels import ChannelChoice
    from tilesam.image.levels import Level
    from tilesam.image.planes import Plane
    from tilesam.types import BoolArray, IntArray

ENOUGH_PIXELS = 2**18
"""A level of the file with so many is sampled instead of a finer one."""

SIDE, BLOCKS, COSTLY_BLOCKS = 1024, 16, 3
"""At most 16 x 16 blocks are looked at, which together have 1024 x 1024 pixels; 3 x 3
where each of them is costly."""

DECODED_BYTES, FEWEST_CHUNKS = 64 * 1024**2, COSTLY_BLOCKS**2
"""Where whole chunks have to be decoded, about so much is, but not fewer than nine."""


def sample_values(
    levels: Sequence[Level], channels: ChannelChoice, *, nodata: float | None
) -> NDArray[Any]:
    """Return values from places spread evenly over the image.

    Parameters
    ----------
    levels
        Of the image, the finest first.
    channels
        Of which the shown ones are sampled.
    nodata
        Pixels of this value are left out, if there are others.

    Returns
    -------
    NDArray
        (n, C), as stored.
    """
    large = [level for level in levels if math.prod(level.plane.hw) >= ENOUGH_PIXELS]
    plane = (large or levels[:1])[-1].plane
    blocks = (channels.pick_shown(block) for block in _blocks(plane))
    sample = np.concatenate([b.reshape(-1, b.shape[-1]) for b in blocks])
    is_measured = ~is_nodata(sample, nodata)
    return sample[is_measured] if is_measured.any() else sample


def is_nodata(values: NDArray[Any], nodata: float | None) -> BoolArray:
    """Return where all channels (the last axis) have the value for "not measured"."""
    if nodata is None:
        return np.zeros(values.shape[:-1], np.bool_)
    if math.isnan(nodata):
        return np.asarray(np.isnan(values).all(axis=-1))
    # The file says a decimal number, its pixels what became of that in their type.
    kind = values.dtype if values.dtype.kind == "f" else np.dtype(np.float64)
    with np.errstate(over="ignore"):
        return np.asarray((values == np.float64(nodata).astype(kind)).all(axis=-1))


def _blocks(plane: Plane) -> list[NDArray[Any]]:
    if not isinstance(plane, ChunkedPlane):
        is_costly = getattr(plane, "is_costly", False)
        count = COSTLY_BLOCKS if is_costly else BLOCKS
        rows, columns = (_block_slices(size, count) for size in plane.hw)
        return [plane.read(y, x) for y in rows for x in columns]
    rows, columns = _chunk_slices(plane)
    pixels = SIDE**2 // (len(rows) * len(columns))
    return [_thinned(plane.read(y, x), pixels) for y in rows for x in columns]


def _block_slices(size: int, count: int) -> list[slice]:
    """Return `count` slices of 1024 pixels together, spread evenly over an axis."""
    length = SIDE // count
    if size <= SIDE:
        return [slice(0, size)]
    starts = np.linspace(0, size - length, count).astype(int)
    return [slice(int(start), int(start) + length) for start in starts]


def _chunk_slices(plane: ChunkedPlane) -> tuple[list[slice], list[slice]]:
    """Return the rows and columns of chunks, so few that their bytes are bounded."""
    bounds_y, bounds_x = plane.chunk_bounds
    affordable = DECODED_BYTES // plane.decoded_bytes
    count = min(max(affordable, FEWEST_CHUNKS), BLOCKS**2)
    many_y, many_x = len(bounds_y) - 1, len(bounds_x) - 1
    # A side with fewer chunks than its share leaves the rest to the other side.
    down = min(many_y, max(math.isqrt(count), count // many_x))
    across = min(many_x, count // down)
    return _spread(bounds_y, down), _spread(bounds_x, across)


def _spread(bounds: IntArray, count: int) -> list[slice]:
    """Return `count` chunks of an axis, in the middle of as many equal parts of it."""
    chunks = ((np.arange(count) + 0.5) * (len(bounds) - 1) / count).astype(int)
    return [slice(int(bounds[i]), int(bounds[i + 1])) for i in chunks]


def _thinned(block: NDArray[Any], pixels: int) -> NDArray[Any]:
    """Return about so many pixels of a block, evenly spaced."""
    step = max(1, math.ceil(math.sqrt(block.shape[0] * block.shape[1] / pixels)))
    return block[::step, ::step].copy()
