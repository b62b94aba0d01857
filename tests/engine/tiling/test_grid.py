from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.errors import TilingError
from tilesam.tiling import Grid
from tilesam.types import TileKey, Window

SIZE = 64
MARGIN = SIZE // 8

sides = st.one_of(st.integers(1, 300), st.integers(1, 100_000))
grids = st.builds(lambda h, w: Grid((h, w), SIZE), sides, sides)
small_grids = st.builds(
    lambda h, w: Grid((h, w), SIZE), st.integers(1, 150), st.integers(1, 150)
)


@st.composite
def grids_with_bounds(draw):
    """Draw a grid and the bounds of some prompts inside of its image."""
    grid = draw(grids)
    y = st.floats(-0.5, grid.image_hw[0] - 0.5)
    x = st.floats(-0.5, grid.image_hw[1] - 0.5)
    (y0, y1), (x0, x1) = sorted([draw(y), draw(y)]), sorted([draw(x), draw(x)])
    if draw(st.booleans()):  # small ones as often as any
        y1, x1 = min(y0 + 40, y1), min(x0 + 40, x1)
    return grid, (y0, x0, y1, x1)


def all_keys(grid: Grid, level: int) -> list[TileKey]:
    rows, columns = grid.shape(level)
    return [TileKey(level, iy, ix) for iy in range(rows) for ix in range(columns)]


def shown_rows(window: Window, grid: Grid) -> range:
    return range(window.y0, min(window.y0 + window.height, grid.image_hw[0]))


def shown_columns(window: Window, grid: Grid) -> range:
    return range(window.x0, min(window.x0 + window.width, grid.image_hw[1]))


@given(small_grids)
def test_coverage_shows_every_pixel(grid):
    for level in grid.levels:
        windows = [grid.window(key) for key in grid.coverage(level)]
        seen_rows = {y for window in windows for y in shown_rows(window, grid)}
        seen_columns = {x for window in windows for x in shown_columns(window, grid)}
        assert seen_rows == set(range(grid.image_hw[0]))
        assert seen_columns == set(range(grid.image_hw[1]))
        rows = {(w.y0, w.height) for w in windows}
        columns = {(w.x0, w.width) for w in windows}
        assert len(windows) == len(rows) * len(columns)  # no place is left out


@given(grids, st.data())
def test_neighbours_of_the_coverage_overlap_by_a_quarter(grid, data):
    level = data.draw(st.sampled_from(grid.levels))
    side = SIZE * 2**level if level >= 0 else SIZE // 2
    width = min(grid.image_hw[1], 40 * side)
    region = Window(0, 0, 1, width)
    starts = [grid.window(key).x0 for key in grid.coverage(level, region)]
    steps = [after - before for before, after in itertools.pairwise(starts)]
    # The last one is moved back to end with the image, and overlaps by more.
    assert all(step == side * 3 // 4 for step in steps[:-1])
    assert all(0 < step <= side * 3 // 4 for step in steps)


@given(grids, st.data())
def test_windows_lie_in_the_image_but_for_a_part_of_a_level_pixel(grid, data):
    level = data.draw(st.sampled_from(grid.levels))
    rows, columns = grid.shape(level)
    iy = data.draw(st.integers(0, rows - 1))
    ix = data.draw(st.integers(0, columns - 1))
    window = grid.window(TileKey(level, iy, ix))
    pixel = 2.0**level if level < grid.top_level else 1
    height, width = grid.image_hw
    assert 0 <= window.y0 < height
    assert 0 <= window.x0 < width
    assert window.y0 + window.height < height + max(pixel, 1)
    assert window.x0 + window.width < width + max(pixel, 1)
    if level < grid.top_level:
        assert max(window.height, window.width) == SIZE * pixel
    else:
        assert (window.height, window.width) == (height, width)


@given(small_grids)
def test_no_two_tiles_of_a_level_show_the_same(grid):
    for level in grid.levels:
        windows = [grid.window(key) for key in all_keys(grid, level)]
        assert len(set(windows)) == len(windows)


@given(grids_with_bounds())
def test_the_chosen_window_contains_the_prompts_with_their_margin(drawn):
    grid, bounds = drawn
    key = grid.choose(bounds)
    window = grid.window(key)
    height, width = grid.image_hw
    y0, x0, y1, x1 = bounds
    assert window.contains(bounds)
    if key.level == grid.top_level:
        return
    margin = MARGIN * 2**key.level
    assert window.y0 == 0 or y0 - margin >= window.y0 - 0.5
    assert window.x0 == 0 or x0 - margin >= window.x0 - 0.5
    bottom, right = window.y0 + window.height, window.x0 + window.width
    assert bottom >= height or y1 + margin <= bottom - 0.5
    assert right >= width or x1 + margin <= right - 0.5
    assert grid.serves(key, bounds)


@given(grids_with_bounds())
def test_no_finer_tile_would_have_served(drawn):
    grid, bounds = drawn
    level = grid.choose(bounds).level
    if level <= 0:
        return
    rows, columns = grid.shape(level - 1)
    y0, x0, _, _ = bounds
    near_y = int(y0 / (grid.stride * 2 ** (level - 1)))
    near_x = int(x0 / (grid.stride * 2 ** (level - 1)))
    # A window that shows the upper left corner begins within a window before it.
    assert not any(
        grid.serves(TileKey(level - 1, iy, ix), bounds)
        for iy in range(max(near_y - 5, 0), min(near_y + 2, rows))
        for ix in range(max(near_x - 5, 0), min(near_x + 2, columns))
    )


@given(grids_with_bounds())
def test_a_point_is_answered_by_a_coverage_tile_of_the_finest_level(drawn):
    grid, (y, x, _, _) = drawn
    key = grid.choose((y, x, y, x))
    assert key.level == grid.default_level
    assert grid.is_coverage(key)
    assert key in grid.coverage(key.level, Window(int(y), int(x), 1, 1))


@given(grids_with_bounds())
def test_the_choice_is_the_most_central_of_those_that_serve(drawn):
    grid, bounds = drawn
    key = grid.choose(bounds)
    if key.level == grid.top_level:
        return
    window = grid.window(key)
    _, columns = grid.shape(key.level)

    def off_centre(window: Window) -> float:
        # Bounds count as whole pixels of the level.
        scale = 2.0**key.level
        low, high = math.floor((bounds[1] + 0.5) / scale), bounds[3] + 0.5
        high = max(math.ceil(high / scale), low + 1)
        return abs(2 * window.x0 + window.width - (low + high) * scale)

    others = [
        TileKey(key.level, key.iy, ix)
        for ix in range(max(key.ix - 6, 0), min(key.ix + 7, columns))
    ]
    rivals = [
        other
        for other in others
        if grid.serves(other, bounds)
        and (grid.is_coverage(other) or not grid.is_coverage(key))
    ]
    best = min(off_centre(grid.window(other)) for other in rivals)
    # Half a pixel of the bounds may count as none or one.
    assert off_centre(window) <= best + 2 * 2**key.level


def test_golden_lattice_of_a_small_image():
    grid = Grid((150, 64), 64)
    assert list(grid.levels) == [-1, 0, 1, 2]
    assert grid.shape(0) == (7, 1)  # origins 0, 16, 32, 48, 64, 80, 86
    assert [grid.window(key).y0 for key in all_keys(grid, 0)] == [
        *(0, 16, 32, 48, 64, 80, 86)
    ]
    assert [key.iy for key in grid.coverage(0)] == [0, 3, 6]
    # 75 level pixels of 2: the last window begins at level pixel 11.
    assert grid.window(TileKey(1, 1, 0)) == Window(22, 0, 128, 64)
    assert grid.window(TileKey(2, 0, 0)) == Window(0, 0, 150, 64)
    assert grid.window(TileKey(-1, 0, 4)) == Window(0, 32, 32, 32)


@pytest.mark.parametrize(
    ("hw", "levels"),
    [
        ((1, 1), [-1]),
        ((32, 32), [-1]),
        ((33, 5), [-1, 0]),
        ((64, 64), [-1, 0]),
        ((65, 1), [-1, 0, 1]),
        ((128, 128), [-1, 0, 1]),
        ((129, 1), [-1, 0, 1, 2]),
    ],
)
def test_levels_end_where_one_window_shows_the_whole_image(hw, levels):
    grid = Grid(hw, 64)
    assert list(grid.levels) == levels
    assert grid.shape(levels[-1]) == (1, 1)
    assert grid.window(TileKey(levels[-1], 0, 0)) == Window(0, 0, *hw)


def test_a_strip_is_seen_at_full_resolution():
    grid = Grid((1, 100_000), 64)
    key = grid.choose((0, 99_999.5, 0, 99_999.5))
    assert key == TileKey(0, 0, grid.shape(0)[1] - 1)
    assert grid.window(key) == Window(0, 99_936, 1, 64)


def test_a_wide_prompt_goes_to_a_coarser_level():
    grid = Grid((1000, 1000), 64)
    # 48 pixels are a window without its margins; one begins at 496.
    assert grid.choose((504, 504, 510, 551)) == TileKey(0, 30, 31)
    assert grid.choose((504, 504, 510, 552)).level == 1
    assert grid.choose((504, 503, 510, 550)).level == 1
    assert grid.choose((0, 0, 999, 999)).level == grid.top_level


@pytest.mark.parametrize(
    ("diameter", "level"), [(3, -1), (4, 0), (16, 0), (17, 1), (64, 2), (1e9, 4)]
)
def test_a_typical_diameter_sets_the_level(diameter, level):
    assert Grid((1000, 1000), 64).level_for_diameter(diameter) == level


@pytest.mark.parametrize("diameter", [0, -1, math.nan, math.inf])
def test_an_impossible_diameter_is_refused(diameter):
    with pytest.raises(TilingError, match="positive number"):
        Grid((1000, 1000), 64).level_for_diameter(diameter)


@pytest.mark.parametrize(
    "key", [TileKey(5, 0, 0), TileKey(-2, 0, 0), TileKey(0, 60, 0), TileKey(0, 0, -1)]
)
def test_a_tile_that_does_not_exist_is_named(key):
    with pytest.raises(TilingError, match="there is no"):
        Grid((1000, 1000), 64).window(key)


@pytest.mark.parametrize(
    "bounds", [(-1, 0, 0, 0), (0, 0, 1000, 0), (0, 5, 0, 4), (0, 0, math.nan, 0)]
)
def test_bounds_outside_of_the_image_are_refused(bounds):
    with pytest.raises(TilingError, match="not inside the image"):
        Grid((1000, 1000), 64).choose(bounds)


def test_a_region_outside_of_the_image_is_refused():
    with pytest.raises(TilingError, match="no pixel"):
        Grid((1000, 1000), 64).coverage(0, Window(1000, 0, 10, 10))


@given(small_grids, st.data())
def test_coverage_of_a_region_is_what_touches_it(grid, data):
    level = data.draw(st.sampled_from(grid.levels))
    height, width = grid.image_hw
    y0 = data.draw(st.integers(0, height - 1))
    x0 = data.draw(st.integers(0, width - 1))
    region = Window(
        y0, x0, data.draw(st.integers(1, 100)), data.draw(st.integers(1, 9))
    )

    def touches(key: TileKey) -> bool:
        window = grid.window(key)
        rows = range(
            max(window.y0, y0), min(window.y0 + window.height, y0 + region.height)
        )
        columns = range(
            max(window.x0, x0), min(window.x0 + window.width, x0 + region.width)
        )
        return bool(rows) and bool(columns)

    expected = [key for key in grid.coverage(level) if touches(key)]
    found = grid.coverage(level, region)
    # A level pixel at the border of the region may show a pixel beyond it.
    assert set(expected) <= set(found)
    if level == grid.default_level:
        assert found == expected
