"""One plane of an array, read as (h, w, C) straight from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.image.chunk_grid import BLOCK_PIXELS, BLOCK_WIDTH, even_bounds, spans
from tilesam.image.dask_arrays import computed, is_computed_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tilesam.image.arrays import ArrayLike
    from tilesam.image.axes import Layout


class Plane(Protocol):
    """One resolution of the shown plane."""

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels of this resolution."""

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the used channels of a rectangle, (h, w, C), as stored; do not write.

        Slices have a start and a stop inside the plane.
        """

    def blocks(self, rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
        """Yield rectangles that together are the given one, each good to read at once.

        They are cut at the same places of the plane whatever rectangle is asked for.
        """


@dataclass(frozen=True, eq=False)
class SlicedPlane:
    """A plane of an array that reads no more than what it is asked for.

    Parameters
    ----------
    array
        All of it.
    layout
        What its axes are.
    channels
        Those that are used.
    is_costly
        Whether much more than a small part may have to be computed to read it.
    """

    array: ArrayLike
    layout: Layout
    channels: slice
    is_costly: bool = False

    @property
    def hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        shape = self.array.shape
        return shape[self.layout.y_axis], shape[self.layout.x_axis]

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Return the used channels of a rectangle, (h, w, C), as stored."""
        return self.read_channels(rows, columns, self.channels)

    def read_channels(
        self, rows: slice, columns: slice, channels: slice
    ) -> NDArray[Any]:
        """Return some of the image's channels of a rectangle, (h, w, C)."""
        part = self.array[self.layout.key(rows, columns, channels)]
        if self._is_dask:
            part = computed(part)
        return self.layout.to_hwc(np.asarray(part))

    def blocks(self, rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
        """Yield bands of the rectangle: files without chunks are read best by rows."""
        width = min(self.hw[1], 4 * BLOCK_WIDTH)
        bounds_y = even_bounds(self.hw[0], max(1, BLOCK_PIXELS // width))
        bounds_x = even_bounds(self.hw[1], width)
        for y in spans(bounds_y, 1, rows):
            for x in spans(bounds_x, 1, columns):
                yield y, x

    @cached_property
    def _is_dask(self) -> bool:
        return is_computed_here(self.array)
