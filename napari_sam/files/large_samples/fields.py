"""What changes slowly: known on a coarse grid, and stretched to pixels between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.noise import Float32


@dataclass(frozen=True, eq=False)
class Grid:
    """Places around a part of a level, at multiples of a step whatever the part is.

    Parameters
    ----------
    level, y0, x0, shape
        The part, in pixels of the level.
    step
        Distance of places, in pixels of the finest level.
    margin
        How far beyond the part places are known, in the same.
    """

    level: int
    y0: int
    x0: int
    shape: tuple[int, int]
    step: int
    margin: int = 0

    @property
    def y(self) -> NDArray[np.float64]:
        """(h,) rows of the places, in pixels of the finest level."""
        return self._places(self.y0, self.shape[0])

    @property
    def x(self) -> NDArray[np.float64]:
        """(w,) columns of the places."""
        return self._places(self.x0, self.shape[1])

    @property
    def corner_yx(self) -> tuple[float, float]:
        """Where the first pixel of the part begins, in pixels of the finest level."""
        return float(self.y0 << self.level), float(self.x0 << self.level)

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """(y0, x0, y1, x1) of the part with its margin, in the same."""
        y0, x0 = self.y0 << self.level, self.x0 << self.level
        y1, x1 = (
            (self.y0 + self.shape[0]) << self.level,
            (self.x0 + self.shape[1]) << self.level,
        )
        m = self.margin
        return y0 - m, x0 - m, y1 + m, x1 + m

    def stretched(self, values: Float32) -> Float32:
        """Return what is known at the places at every pixel of the part."""
        rows, down = self._between(self.y0, self.shape[0])
        columns, across = self._between(self.x0, self.shape[1])
        top = values[rows]
        lines = top + (values[rows + 1] - top) * down[:, np.newaxis]
        left = lines.take(columns, axis=1)
        stretched = lines.take(columns + 1, axis=1)
        stretched -= left
        stretched *= across
        stretched += left
        return stretched

    def nearest(self, values: Float32, y: NDArray, x: NDArray) -> Float32:
        """Return what is known at the places next to (n,) others in the margin."""
        rows = np.rint(y / self.step).astype(np.int64) - self._first(self.y0)
        columns = np.rint(x / self.step).astype(np.int64) - self._first(self.x0)
        return values[rows, columns]

    def _first(self, start: int) -> int:
        return ((start << self.level) - self.margin) // self.step - 1

    def _places(self, start: int, length: int) -> NDArray[np.float64]:
        first = self._first(start)
        end = ((start + length) << self.level) + self.margin
        count = -(-end // self.step) + 2 - first
        return (first + np.arange(count)) * float(self.step)

    def _between(self, start: int, length: int) -> tuple[NDArray[np.int64], Float32]:
        """Return for each pixel the place before it, and how far behind it is."""
        pixels = (start + np.arange(length) + 0.5) * 2.0**self.level - 0.5
        position = pixels / self.step - self._first(start)
        before = np.floor(position).astype(np.int64)
        return before, (position - before).astype(np.float32)


def scattered(
    bounds: tuple[int, int, int, int], spacing: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of all cells of a lattice that reach into a box."""
    y0, x0, y1, x1 = bounds
    rows = np.arange(np.floor(y0 / spacing), np.ceil(y1 / spacing)).astype(np.int64)
    columns = np.arange(np.floor(x0 / spacing), np.ceil(x1 / spacing)).astype(np.int64)
    row, column = np.meshgrid(rows, columns, indexing="ij")
    return row.ravel(), column.ravel()
