"""An array that is drawn where it is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tilesam.image.chunk_cache import ChunkCache

CHUNK = 512
"""Side of what is drawn in one go."""

COARSEST = 1024
"""The coarsest level has no side longer than this."""

CACHE_BYTES = 2**27


class Scene(Protocol):
    """What can be drawn: any part, at any level, again and again the same."""

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width of the finest level in pixels."""
        ...

    def draw(
        self, level: int, y0: int, x0: int, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return a part of a level, (h, w, 3); y0 and x0 in pixels of that level."""
        ...


class DrawnLevel:
    """One resolution of a scene as an array of RGB.

    Parameters
    ----------
    scene
        Is asked for whole chunks.
    level
        A pixel stands for 2^level x 2^level of the finest one.
    cache
        Of chunks that were drawn, shared by all levels.
    """

    dtype = np.dtype(np.uint8)
    ndim = 3
    chunks = (CHUNK, CHUNK, 3)

    def __init__(self, scene: Scene, level: int, cache: ChunkCache) -> None:
        self._scene, self._level, self._cache = scene, level, cache
        height, width = scene.hw
        self.shape = (-(-height >> level), -(-width >> level), 3)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.uint8]:
        """Return a part; whole numbers and slices, as of NumPy."""
        rows, columns, channels = _completed(key)
        (y0, y1), (x0, x1) = (
            _bounds(rows, self.shape[0]),
            _bounds(columns, self.shape[1]),
        )
        drawn = self._drawn(y0, y1, x0, x1)
        inner = _moved(rows, y0, self.shape[0]), _moved(columns, x0, self.shape[1])
        return drawn[(*inner, channels)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Draw all of it."""
        del copy  # it is always a new one
        return self[:].astype(dtype or self.dtype, copy=False)

    def __deepcopy__(self, memo: dict[int, Any]) -> DrawnLevel:
        """Return itself: nobody can change it."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the recipe, not what was drawn."""
        return _rebuilt, (self._scene, self._level)

    def _drawn(self, y0: int, y1: int, x0: int, x1: int) -> NDArray[np.uint8]:
        filled = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        for top, left in product(_starts(y0, y1), _starts(x0, x1)):
            chunk = self._chunk(top, left)
            a, b = max(top, y0), min(top + chunk.shape[0], y1)
            c, d = max(left, x0), min(left + chunk.shape[1], x1)
            filled[a - y0 : b - y0, c - x0 : d - x0] = chunk[
                a - top : b - top, c - left : d - left
            ]
        return filled

    def _chunk(self, top: int, left: int) -> NDArray[np.uint8]:
        height, width, _ = self.shape
        hw = min(CHUNK, height - top), min(CHUNK, width - left)
        draw = partial(self._scene.draw, self._level, top, left, hw)
        return self._cache.get((self._level, top, left), 3 * hw[0] * hw[1], draw)


def levels_of(scene: Scene) -> list[DrawnLevel]:
    """Return a scene at all resolutions, the finest first."""
    cache = ChunkCache(CACHE_BYTES)
    count = 1
    while max(scene.hw) >> (count - 1) > COARSEST:
        count += 1
    return [DrawnLevel(scene, level, cache) for level in range(count)]


def _rebuilt(scene: Scene, level: int) -> DrawnLevel:
    return DrawnLevel(scene, level, ChunkCache(CACHE_BYTES))


def _completed(key: Any) -> tuple[Any, Any, Any]:
    parts = key if isinstance(key, tuple) else (key,)
    if any(part is Ellipsis for part in parts):
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        fill = (slice(None),) * (4 - len(parts))
        parts = (*parts[:at], *fill, *parts[at + 1 :])
    parts = (*parts, *(slice(None),) * (3 - len(parts)))
    if len(parts) != 3:
        raise IndexError(f"{key} has too many indices for rows, columns and channels")
    return parts


def _bounds(part: Any, length: int) -> tuple[int, int]:
    """Return the first position of a slice or number, and one past the last."""
    if isinstance(part, slice):
        positions = range(*part.indices(length))
        if not positions:
            return 0, 0
        return min(positions[0], positions[-1]), max(positions[0], positions[-1]) + 1
    at = range(length)[int(part)]
    return at, at + 1


def _moved(part: Any, start: int, length: int) -> Any:
    """Return a slice or number as seen from where a box begins."""
    if not isinstance(part, slice):
        return range(length)[int(part)] - start
    first, stop, step = part.indices(length)
    end = stop - start if stop >= start else None
    return slice(first - start, end, step) if range(first, stop, step) else slice(0, 0)


def _starts(start: int, stop: int) -> Iterator[int]:
    return iter(range(start - start % CHUNK, stop, CHUNK))
