"""A plan of the country: blocks between roads, and what the land is used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.noise import Float32, chance, noise_at

BLOCK = 1600.0
"""Distance of country roads, in pixels."""

FIELDS, VILLAGE = range(2)

LOTS = 13
"""Along a street of a village."""

STREETS = 4
"""In a block of a village, all of them from left to right."""

SEED = 31

CROPS = np.array(
    [
        (196, 176, 112),
        (172, 158, 98),
        (116, 140, 70),
        (92, 124, 62),
        (136, 150, 84),
        (150, 122, 92),
        (126, 104, 80),
        (186, 178, 96),
        (104, 132, 76),
    ],
    np.float32,
)
LAWNS = np.array(
    [(112, 134, 78), (124, 142, 86), (102, 126, 72), (134, 144, 98)], np.float32
)


def bend_x(y: NDArray) -> NDArray[np.float64]:
    """Return how far roads from top to bottom are bent to the left at rows."""
    return 150 * np.sin(y * (2 * np.pi / 5300)) + 60 * np.sin(y * (2 * np.pi / 2100))


def bend_y(x: NDArray) -> NDArray[np.float64]:
    """Return how far roads from left to right are bent up at columns."""
    return 170 * np.sin(x * (2 * np.pi / 6100)) + 70 * np.sin(x * (2 * np.pi / 1900))


def straightened(y: NDArray, x: NDArray) -> tuple[NDArray, NDArray]:
    """Return (v, u), in which roads are straight, of places."""
    return y + bend_y(x), x + bend_x(y)


def bent(v: NDArray, u: NDArray) -> tuple[NDArray, NDArray]:
    """Return (y, x) of places in which roads are straight."""
    y, x = v, u
    # Bends are gentle, so that this comes closer by three quarters with every turn.
    for _ in range(12):
        y, x = v - bend_y(x), u - bend_x(y)
    return y, x


def to_road(v: NDArray, u: NDArray) -> NDArray:
    """Return how far the middle of a road is from places within a block."""
    half = BLOCK / 2
    return half - np.maximum(np.abs(v - half), np.abs(u - half))


def to_street(v: NDArray) -> NDArray:
    """Return how far the middle of a street is from rows within a village's block."""
    streets = v * (STREETS / BLOCK)
    return np.abs(streets - np.floor(streets) - 0.5) * (BLOCK / STREETS)


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of a part of the country, and the parcels in them.

    Parameters
    ----------
    first
        Number of the first row and column of blocks.
    use
        (r, c) `FIELDS` or `VILLAGE`.
    is_upright
        (r, c) whether parcels lie side by side.
    parcel_count
        (r, c)
    """

    first: tuple[int, int]
    use: NDArray[np.int64]
    is_upright: NDArray[np.bool_]
    parcel_count: NDArray[np.int64]

    @classmethod
    def around(cls, bounds: tuple[float, float, float, float]) -> Blocks:
        """Return the blocks that reach into a box of v and u."""
        v0, u0, v1, u1 = bounds
        rows = np.arange(int(v0 // BLOCK), int(v1 // BLOCK) + 1)
        columns = np.arange(int(u0 // BLOCK), int(u1 // BLOCK) + 1)
        row, column = np.meshgrid(rows, columns, indexing="ij")
        use = land_use(row, column)
        upright = chance(SEED + 1, row, column) < 0.5
        count = 2 + (chance(SEED + 2, row, column) * 5).astype(np.int64)
        is_village = use == VILLAGE
        return cls(
            (int(rows[0]), int(columns[0])),
            use,
            np.where(is_village, True, upright),
            np.where(is_village, LOTS, count),
        )

    @property
    def places(self) -> tuple[NDArray, NDArray]:
        """Rows and columns of all blocks, (r, c)."""
        shape = self.use.shape
        row, column = np.indices(shape)
        return row + self.first[0], column + self.first[1]

    @property
    def first_parcels(self) -> NDArray[np.int64]:
        """(r, c) number of the first parcel of each block."""
        counts = self.parcel_count.ravel()
        return (np.cumsum(counts) - counts).reshape(self.use.shape)

    def parcel_colors(self) -> Float32:
        """Return (n, 3) red, green and blue of all parcels."""
        counts = self.parcel_count.ravel()
        row, column, use = (
            np.repeat(values.ravel(), counts) for values in (*self.places, self.use)
        )
        number = np.arange(len(row)) - np.repeat(self.first_parcels.ravel(), counts)
        pick, light = (chance(SEED + k, row, column, number) for k in (3, 4))
        crops = CROPS[(pick * len(CROPS)).astype(np.int64)]
        lawns = LAWNS[(pick * len(LAWNS)).astype(np.int64)]
        colors = np.where((use == VILLAGE)[:, np.newaxis], lawns, crops)
        return (colors * (0.92 + 0.16 * light[:, np.newaxis])).astype(np.float32)


def land_use(row: NDArray, column: NDArray) -> NDArray[np.int64]:
    """Return what blocks are used for; villages lie together."""
    y, x = (row + 0.5) * BLOCK, (column + 0.5) * BLOCK
    return np.where(noise_at(SEED + 5, y, x, 5400.0) > 0.32, VILLAGE, FIELDS)
