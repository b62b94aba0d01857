from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam import EmbeddingError, TilingError
from tilesam.embedding.order import plan_tiles
from tilesam.tiling import Grid
from tilesam.types import TileKey, Window

GRID = Grid((1000, 700), 64)


def distance(grid, key, near_yx):
    window = grid.window(key)
    y = window.y0 + (window.height - 1) / 2
    x = window.x0 + (window.width - 1) / 2
    return math.hypot(y - near_yx[0], x - near_yx[1])


@given(
    hw=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    near_yx=st.tuples(st.floats(-100, 800), st.floats(-100, 800)),
)
def test_every_coverage_tile_comes_once_the_nearer_the_sooner(hw, near_yx):
    grid = Grid(hw, 64)
    plan = plan_tiles(grid, near_yx=near_yx)
    assert sorted(plan) == sorted(grid.coverage(grid.default_level))
    distances = [distance(grid, key, near_yx) for key in plan]
    assert all(a <= b + 1e-6 for a, b in itertools.pairwise(distances))


def test_without_a_place_it_begins_in_the_middle():
    plan = plan_tiles(GRID)
    assert GRID.window(plan[0]).contains((499.5, 349.5, 499.5, 349.5))


def test_equally_near_tiles_come_row_by_row():
    plan = plan_tiles(Grid((304, 304), 64), near_yx=(151.5, 151.5))
    corners = [TileKey(0, iy, ix) for iy in (0, 15) for ix in (0, 15)]
    assert plan[-4:] == corners


def test_a_region_is_covered_and_nothing_else():
    region = Window(300, 200, 100, 120)
    plan = plan_tiles(GRID, region=region)
    assert sorted(plan) == sorted(GRID.coverage(0, region))
    assert GRID.window(plan[0]).contains((350, 260, 350, 260))


def test_levels_come_one_after_the_other_in_the_given_order():
    plan = plan_tiles(GRID, levels=[2, 0, 2])
    assert [key.level for key in plan] == sorted(
        (key.level for key in plan), reverse=True
    )
    assert sorted(plan) == sorted([*GRID.coverage(2), *GRID.coverage(0)])


def test_a_very_small_image_has_one_tile():
    grid = Grid((20, 10), 64)
    assert plan_tiles(grid) == [TileKey(-1, 0, 0)]


@pytest.mark.parametrize("near_yx", [(math.nan, 1), (1, math.inf)])
def test_no_place_is_refused(near_yx):
    with pytest.raises(EmbeddingError, match="near_yx"):
        plan_tiles(GRID, near_yx=near_yx)


def test_no_level_and_no_region_are_refused():
    with pytest.raises(TilingError):
        plan_tiles(GRID, levels=[99])
    with pytest.raises(TilingError):
        plan_tiles(GRID, region=Window(5000, 0, 10, 10))
