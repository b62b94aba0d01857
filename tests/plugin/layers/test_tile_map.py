from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam.layers.tile_map import TileMark, draw_tile_map
from tilesam.errors import TilingError
from tilesam.tiling import Grid
from tilesam.types import TileKey

sides = st.integers(1, 1500)


@given(sides, sides, st.integers(-1, 3))
def test_all_tiles_together_leave_no_place_out(h: int, w: int, level: int) -> None:
    grid = Grid((h, w), 128)
    if level not in grid.levels:
        return
    marks, cell = draw_tile_map(grid, level, stored=grid.coverage(level))
    assert marks.shape == (-(-h // cell), -(-w // cell))
    assert (marks == TileMark.STORED).all()


def test_what_is_known_of_each_tile() -> None:
    grid = Grid((128, 400), 128)
    first, second, third, fourth = grid.coverage(0)
    marks, cell = draw_tile_map(
        grid, 0, stored=[first, third], in_work=[second], missing=[second, fourth]
    )
    assert (marks.shape, cell) == ((8, 25), 16)
    assert (marks == marks[0]).all()
    # The first ends at pixel 128 and leaves its last 16 to the second.
    assert marks[0, :7].tolist() == [TileMark.STORED] * 7
    assert marks[0, 7] == TileMark.IN_WORK
    assert marks[0, -1] == TileMark.MISSING


def test_other_levels_and_other_positions_are_left_out() -> None:
    grid = Grid((1000, 1000), 128)
    elsewhere = [TileKey(1, 0, 0), TileKey(0, 1, 1), TileKey(0, 2, 3)]
    marks, _ = draw_tile_map(grid, 0, stored=elsewhere)
    assert not marks.any()
    with pytest.raises(TilingError, match="no level 9"):
        draw_tile_map(grid, 9)


def test_the_map_of_a_huge_image_is_small() -> None:
    grid = Grid((100_000, 100_000), 1024)
    marks, cell = draw_tile_map(grid, 0, missing=grid.coverage(0))
    assert cell == 128
    assert marks.nbytes == 782**2
    assert (marks == TileMark.MISSING).all()
    whole, cell = draw_tile_map(grid, grid.top_level, stored=[TileKey(7, 0, 0)])
    assert np.prod(whole.shape) == 64
    assert (whole == TileMark.STORED).all()
