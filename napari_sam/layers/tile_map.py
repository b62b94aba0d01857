"""A map of the lattice: which places are embedded, and where work goes on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilesam.types import TileKey, Window

if TYPE_CHECKING:
    from tilesam.tiling import Grid

CELLS_PER_WINDOW = 8
"""The margin of a window in which it leaves prompts to its neighbours is one cell."""


class TileMark(IntEnum):
    """What is known of a place; a higher number wins where tiles overlap."""

    UNKNOWN = 0
    MISSING = 1
    STORED = 2
    IN_WORK = 3


class TileMap(NamedTuple):
    """An image of a level's lattice.

    Parameters
    ----------
    marks
        (h, w) uint8 of `TileMark`, one for each cell.
    cell
        Side of a cell in pixels of the image.
    """

    marks: NDArray[np.uint8]
    cell: int


def draw_tile_map(
    grid: Grid,
    level: int,
    *,
    stored: Iterable[TileKey] = (),
    in_work: Iterable[TileKey] = (),
    missing: Iterable[TileKey] = (),
) -> TileMap:
    """Draw the tiles of a level, each as far as it answers prompts.

    Parameters
    ----------
    grid
        The lattice over the image.
    level
        Tiles of other levels are left out, and of this one those that are not among
        the tiles which together show the image.
    stored, in_work, missing
        What is known of which tiles.

    Returns
    -------
    TileMap
        An eighth of a window is left to the neighbours on every side that is not the
        image's edge. No array is larger than the image over the square of a cell.

    Raises
    ------
    TilingError
        If there is no such level.
    """
    step = grid.input_size // CELLS_PER_WINDOW
    cell = step << level if level >= 0 else max(step >> -level, 1)
    if level == grid.top_level:
        cell = max(-(-max(grid.image_hw) // CELLS_PER_WINDOW), 1)
    grid.shape(level)  # says it if there is no such level
    marks = np.zeros([-(-side // cell) for side in grid.image_hw], np.uint8)
    for mark, keys in (
        (TileMark.MISSING, missing),
        (TileMark.STORED, stored),
        (TileMark.IN_WORK, in_work),
    ):
        for key in keys:
            if key.level == level and grid.is_coverage(key):
                marks[_core(grid.window(key), grid.image_hw, cell)] = mark
    return TileMap(marks, cell)


def _core(window: Window, image_hw: tuple[int, int], cell: int) -> tuple[slice, slice]:
    """Return the cells of a window without its margins."""
    starts, sides = (window.y0, window.x0), (window.height, window.width)
    rows, columns = (
        slice(
            -(-start // cell) + (start > 0),
            (start + side) // cell - 1 if start + side < end else None,
        )
        for start, side, end in zip(starts, sides, image_hw, strict=True)
    )
    return rows, columns
