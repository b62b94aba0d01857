from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tilesam import Window
from tilesam.model.preprocessing import points_yx_to_input_xy
from tilesam.model.refining.frames import cell_centres, corners_of, covered_hw

SIZE, SIDE = 64, 16

windows = st.builds(
    Window,
    st.integers(0, 10_000),
    st.integers(0, 10_000),
    st.integers(1, 500),
    st.integers(1, 500),
)


def test_a_square_window_is_covered_and_no_more():
    assert covered_hw(Window(5, 6, 32, 32), SIZE) == (32, 32)


def test_padding_below_a_flat_window_is_covered_too():
    # 20 x 40 becomes 32 x 64 of 64 x 64: twice the height is covered.
    assert covered_hw(Window(5, 6, 20, 40), SIZE) == (40, 40)


def test_cells_of_a_window_at_scale_one():
    y, x = cell_centres(SIDE, Window(100, 200, SIZE, SIZE), SIZE)
    # A cell has 4 x 4 pixels: the first ones are 0, 1, 2 and 3.
    assert_allclose(y, 100 + 1.5 + 4 * np.arange(SIDE))
    assert_allclose(x, 200 + 1.5 + 4 * np.arange(SIDE))


@given(windows)
def test_cells_lie_where_the_networks_own_frame_has_them(window):
    y, x = cell_centres(SIDE, window, SIZE)
    at_xy = points_yx_to_input_xy(np.stack([y, x], axis=1), window, SIZE)
    expected = 1.5 + 4 * np.arange(SIDE)
    assert_allclose(at_xy[:, 0], expected, atol=1e-6)
    assert_allclose(at_xy[:, 1], expected, atol=1e-6)


def test_corners_by_hand():
    logits = np.full((SIDE, SIDE), -1.0, np.float32)
    logits[2:5, 7:9] = 1.0
    low, high = corners_of(logits, Window(10, 0, SIZE, SIZE), SIZE)
    assert_allclose(low, [10 + 2 * 4 + 1.5, 7 * 4 + 1.5])
    assert_allclose(high, [10 + 4 * 4 + 1.5, 8 * 4 + 1.5])


@pytest.mark.parametrize("value", [0.0, -3.0])
def test_an_empty_mask_has_no_corners(value):
    logits = np.full((SIDE, SIDE), value, np.float32)
    assert corners_of(logits, Window(0, 0, SIZE, SIZE), SIZE) == []


@given(windows, st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))
def test_both_corners_of_one_cell_are_that_cell(window, row, column):
    logits = np.full((SIDE, SIDE), -1.0, np.float32)
    logits[row, column] = 1.0
    y, x = cell_centres(SIDE, window, SIZE)
    for corner in corners_of(logits, window, SIZE):
        assert_allclose(corner, [y[row], x[column]])
