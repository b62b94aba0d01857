"""Which tiles of an image to embed, and which of them first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tilesam.errors import EmbeddingError
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.tiling import Grid
    from tilesam.types import TileKey


def plan_tiles(
    grid: Grid,
    *,
    region: Window | None = None,
    near_yx: tuple[float, float] | None = None,
    levels: Sequence[int] | None = None,
) -> list[TileKey]:
    """Return the tiles that together show a region, those near to a place first.

    Parameters
    ----------
    grid
        The lattice over the image.
    region
        Part of the image, cut at its edges; by default all of it.
    near_yx
        A place in pixels of the image, for example the middle of what is on the
        screen; it may lie beside the image. By default the middle of the region.
    levels
        One after the other, in this order; by default the grid's default level alone.

    Returns
    -------
    list of TileKey
        Each tile once. Within a level by the distance of the tile's middle, equally
        near ones row by row: the same arguments give the same list.

    Raises
    ------
    TilingError
        If there is no such level, or the region has no pixel of the image.
    EmbeddingError
        If `near_yx` is no place.
    """
    chosen = (grid.default_level,) if levels is None else tuple(dict.fromkeys(levels))
    centre = _middle(region or Window(0, 0, *grid.image_hw))
    near = centre if near_yx is None else near_yx
    if not all(math.isfinite(coordinate) for coordinate in near):
        raise EmbeddingError(
            f"near_yx is {near_yx}; expected two finite numbers, in pixels; leave it "
            "out to begin in the middle"
        )
    return [
        key
        for level in chosen
        for key in sorted(
            grid.coverage(level, region),
            key=lambda key: (_distance(grid.window(key), near), key),
        )
    ]


def _middle(window: Window) -> tuple[float, float]:
    """Return the middle of a window, pixel centres being at integers."""
    y, x = window.y0 + window.height / 2, window.x0 + window.width / 2
    return y - 0.5, x - 0.5


def _distance(window: Window, yx: tuple[float, float]) -> float:
    """Return the square of the distance of a window's middle from a place."""
    # Squares of half-integers are exact, so that equally near tiles tie.
    y, x = _middle(window)
    return float((y - yx[0]) ** 2 + (x - yx[1]) ** 2)
