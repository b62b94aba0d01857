"""Glands: rings of epithelium around a lumen, one in each cell of a lattice at most."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.noise import Float32, chance, noise_at

CELL_HW = (640.0, 690.0)
"""Of the lattice, whose rows are shifted by chance and bent."""

LARGEST = 288.0
"""Farthest from its centre that a gland reaches, in pixels."""

WALL = 110.0
"""Depth at which the lumen begins; depths in smaller glands are scaled to this."""

OUTSIDE = -60.0
"""Depth where there is no gland near."""

BENT = 400
"""Farthest that a row is bent from a straight line, in pixels."""

SEED = 11


@dataclass(frozen=True, eq=False)
class Glands:
    """(n,) glands, by their centres, radii and how they deviate from circles."""

    y: NDArray
    x: NDArray
    radius: NDArray
    two: NDArray
    three: NDArray
    phase: NDArray
    is_there: NDArray[np.bool_]

    def radius_towards(self, cosine: NDArray, sine: NDArray) -> NDArray:
        """Return how far glands reach in directions, broadcast."""
        c2, s2 = cosine**2 - sine**2, 2 * cosine * sine
        c3, s3 = c2 * cosine - s2 * sine, s2 * cosine + c2 * sine
        co, si = np.cos(self.phase), np.sin(self.phase)
        bulge = 1 + self.two * (c2 * co + s2 * si) + self.three * (c3 * si - s3 * co)
        return self.radius * bulge

    @property
    def wall(self) -> NDArray:
        """(n,) how thick the epithelium is, in pixels."""
        return np.minimum(WALL, 0.55 * self.radius)

    def take(self, chosen: Any) -> Glands:
        """Return some of them, in whatever shape the choice has."""
        return Glands(*(getattr(self, part.name)[chosen] for part in fields(self)))


def glands_of(row: NDArray, column: NDArray) -> Glands:
    """Return the glands in cells of the lattice."""
    r1, r2, r3, r4, r5, r6, r7 = (chance(SEED + k, row, column) for k in range(7))
    height, width = CELL_HW
    y = (row + 0.5) * height + (r1 - 0.5) * 2 * (height / 2 - LARGEST)
    x = (column + 0.5 + _shift(row)) * width + (r2 - 0.5) * 2 * (width / 2 - LARGEST)
    two, three = 0.15 * r4, 0.05 * r5
    radius = LARGEST / (1 + two + three) * (0.6 + 0.4 * r3)
    is_there = (noise_at(SEED + 8, y, x, 5200.0) > -0.25) & (r7 < 0.86)
    return Glands(y, x, radius, two, three, r6 * np.float32(2 * np.pi), is_there)


def glands_around(bounds: tuple[int, int, int, int]) -> Glands:
    """Return all glands that reach into a box, (y0, x0, y1, x1), and some around."""
    y0, x0, y1, x1 = bounds
    low, high = (side // CELL_HW[0] for side in (y0 - BENT, y1 + BENT))
    rows = np.arange(low, high + 1).astype(np.int64)
    first, last = x0 // CELL_HW[1] - 1, x1 // CELL_HW[1] + 1
    columns = np.arange(first, last).astype(np.int64)
    row, column = np.meshgrid(rows, columns, indexing="ij")
    glands = glands_of(row.ravel(), column.ravel())
    return glands.take(np.flatnonzero(glands.is_there))


def gland_depth(y: NDArray, x: NDArray) -> Float32:
    """Return how deep in a gland the places of a grid lie.

    Parameters
    ----------
    y, x
        (h,) and (w,) in pixels of the finest level.

    Returns
    -------
    NDArray
        (h, w): 0 at its edge, `WALL` and more in its lumen, negative outside.
    """
    height, width = CELL_HW
    bent_y = y[:, np.newaxis] + bend(x)
    row = np.floor(bent_y / height).astype(np.int64)
    column = np.floor(x / width - _shift(row)).astype(np.int64)
    first_row, first_column = int(row.min()), int(column.min())
    rows = np.arange(first_row, int(row.max()) + 1)
    columns = np.arange(first_column, int(column.max()) + 1)
    table = glands_of(*np.meshgrid(rows, columns, indexing="ij"))
    here = table.take((row - first_row, column - first_column))
    dy = (bent_y - here.y).astype(np.float32)
    dx = (x - here.x).astype(np.float32)
    distance = np.hypot(dy, dx) + np.float32(1e-3)
    depth = here.radius_towards(dx / distance, dy / distance) - distance
    inside = np.clip(depth * (WALL / here.wall), OUTSIDE, None)
    return np.where(here.is_there, inside, OUTSIDE).astype(np.float32)


def bend(x: NDArray) -> NDArray[np.float64]:
    """Return how far rows of glands are bent up at columns, in pixels."""
    return 280 * np.sin(x * (2 * np.pi / 6100)) + 110 * np.sin(x * (2 * np.pi / 2300))


def _shift(row: NDArray) -> Float32:
    return chance(SEED + 9, row)
