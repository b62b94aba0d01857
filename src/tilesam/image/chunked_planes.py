"""One plane of an array whose chunks are kept in memory once they are decoded."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property, partial
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.image.chunk_grid import (
    block_steps,
    chunk_bounds,
    chunks_touching,
    even_bounds,
    largest,
    moved,
    overlap,
    spans,
)
from tilesam.image.dask_arrays import is_dask
from tilesam.image.retrying import read_with_retries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tilesam.image.chunk_cache import ChunkCache
    from tilesam.image.planes import Plane, SlicedPlane
    from tilesam.types import IntArray

MAX_READERS = 8
"""Chunks of one rectangle that are read at once: remote ones are slow to come."""

Box: TypeAlias = tuple[slice, slice, slice]
"""Rows, columns and channels of the image."""


class ChunkedPlane:
    """A plane that decodes whole chunks and keeps them.

    Parameters
    ----------
    plane
        The same plane, uncached.
    bounds
        Of the chunks along each axis of the array.
    cache
        Of decoded chunks, shared by all resolutions of the image.
    image_name
        For people.
    level
        Number of the resolution.
    """

    def __init__(
        self,
        plane: SlicedPlane,
        bounds: tuple[IntArray, ...],
        *,
        cache: ChunkCache,
        image_name: str,
        level: int,
    ) -> None:
        self._plane, self._cache = plane, cache
        self._array_bounds = bounds
        self._image_name, self._level = image_name, level
        layout = plane.layout
        # Of rows, columns and channels; a grey image is one chunk of one channel.
        self._bounds = (
            bounds[layout.y_axis],
            bounds[layout.x_axis],
            even_bounds(1, 1)
            if layout.channel_axis is None
            else bounds[layout.channel_axis],
        )

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self._plane.hw

    @property
    def chunk_bounds(self) -> tuple[IntArray, IntArray]:
        """Where chunks begin and end along the rows and the columns of the plane."""
        return self._bounds[0], self._bounds[1]

    @cached_property
    def decoded_bytes(self) -> int:
        """What has to be decoded to see one chunk's place in all used channels."""
        chunk = math.prod(largest(bounds) for bounds in self._array_bounds)
        channel_chunks = len(chunks_touching(self._bounds[2], self._plane.channels))
        return chunk * self._dtype.itemsize * channel_chunks

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the used channels of a rectangle, (h, w, C), as stored.

        Raises
        ------
        ImageReadError
            If a chunk cannot be read, however often it is tried.
        """
        wanted = rows, columns, self._plane.channels
        touched = map(chunks_touching, self._bounds, wanted)
        places = list(product(*touched))
        if len(places) == 1:
            box = self._box(places[0])
            return self._chunk(places[0])[_within(wanted, box)]
        filled = np.empty([part.stop - part.start for part in wanted], self._dtype)
        fill = partial(self._copy, into=filled, wanted=wanted)
        missing = sum((self._level, *place) not in self._cache for place in places)
        list(self._readers.map(fill, places) if missing > 1 else map(fill, places))
        return filled

    def blocks(self, rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
        """Yield groups of whole chunks, so that each chunk is decoded once."""
        bounds_y, bounds_x = self.chunk_bounds
        down, across = block_steps((largest(bounds_y), largest(bounds_x)))
        for y in spans(bounds_y, down, rows):
            for x in spans(bounds_x, across, columns):
                yield y, x

    @property
    def _dtype(self) -> np.dtype[Any]:
        dtype: np.dtype[Any] = np.dtype(self._plane.array.dtype)
        return dtype

    @cached_property
    def _readers(self) -> ThreadPoolExecutor:
        # Few at once where chunks are large: all of them are in memory together.
        at_once = self._cache.max_bytes // (4 * self.decoded_bytes)
        return ThreadPoolExecutor(min(MAX_READERS, max(1, at_once)), "image-chunks")

    def _copy(self, place: tuple[int, ...], into: NDArray[Any], wanted: Box) -> None:
        box = self._box(place)
        common = [overlap(part, side) for part, side in zip(wanted, box, strict=True)]
        rows, columns, channels = common
        target = _within((rows, columns, channels), wanted)
        into[target] = self._chunk(place)[_within((rows, columns, channels), box)]

    def _chunk(self, place: tuple[int, ...]) -> NDArray[Any]:
        """Return the used part of a chunk, from the cache or from the array."""
        rows, columns, channels = box = self._box(place)
        size = math.prod(part.stop - part.start for part in box) * self._dtype.itemsize
        read = partial(self._plane.read_channels, rows, columns, channels)
        return self._cache.get(
            (self._level, *place),
            size,
            lambda: _protected(read_with_retries(read, self._name(place))),
        )

    def _box(self, place: tuple[int, ...]) -> Box:
        """Return where a chunk lies in the plane, with only the channels in use."""
        rows, columns, channels = (
            slice(int(bounds[index]), int(bounds[index + 1]))
            for bounds, index in zip(self._bounds, place, strict=True)
        )
        return rows, columns, overlap(channels, self._plane.channels)

    def _name(self, place: tuple[int, ...]) -> str:
        """Return what people can look for: the chunk's index in the array itself."""
        layout = self._plane.layout
        index = {layout.y_axis: place[0], layout.x_axis: place[1]}
        if layout.channel_axis is not None:
            index[layout.channel_axis] = place[2]
        for axis, position in layout.plane:
            here = slice(position, position + 1)
            index[axis] = chunks_touching(self._array_bounds[axis], here).start
        numbers = tuple(index[axis] for axis in sorted(index))
        return f"{self._image_name}: level {self._level}, chunk {numbers}"


def build_plane(
    plane: SlicedPlane, *, cache: ChunkCache, image_name: str, level: int
) -> Plane:
    """Return a plane with its chunks cached, if it has chunks that are worth it.

    A dask array with blocks too large to keep is sliced instead: dask may well know
    how to read less than a block.
    """
    bounds = chunk_bounds(plane.array)
    if bounds is None:
        return plane
    chunked = ChunkedPlane(
        plane, bounds, cache=cache, image_name=image_name, level=level
    )
    if is_dask(plane.array) and chunked.decoded_bytes > cache.max_bytes:
        return replace(plane, is_costly=True)
    return chunked


def _within(parts: Box, origins: Box) -> Box:
    """Return slices as seen from where other ones start."""
    rows, columns, channels = map(moved, parts, (o.start for o in origins))
    return rows, columns, channels


def _protected(chunk: NDArray[Any]) -> NDArray[Any]:
    """Return a view that nobody can write into: others will be shown the same chunk."""
    view = chunk.view()
    view.flags.writeable = False
    return view
