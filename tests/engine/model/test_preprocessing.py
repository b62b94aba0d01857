from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from tilesam import Window
from tilesam.model.preprocessing import (
    PIXEL_MEAN,
    PIXEL_STD,
    boxes_yxyx_to_input_xyxy,
    logits_to_window,
    points_yx_to_input_xy,
    resized_hw,
    window_to_input,
)


@pytest.mark.parametrize(
    ("window_hw", "input_size", "expected"),
    [
        ((480, 640), 1024, (768, 1024)),
        ((1024, 1024), 1024, (1024, 1024)),
        ((3, 7), 512, (219, 512)),  # 219.43
        ((2048, 1000), 1024, (1024, 500)),
        ((1, 1), 64, (64, 64)),
        ((1, 10_000), 64, (1, 64)),
    ],
)
def test_the_longest_side_becomes_the_input_size(window_hw, input_size, expected):
    assert resized_hw(window_hw, input_size) == expected


def test_pixels_are_normalised_and_padded_with_zeros_right_and_below():
    window = np.full((32, 64, 3), (255, 0, 128), np.uint8)
    padded = window_to_input(window, 64)
    assert padded.shape == (3, 64, 64)
    assert padded.dtype == torch.float32
    expected = (np.array([255, 0, 128]) - PIXEL_MEAN) / PIXEL_STD
    assert_allclose(padded[:, 31, 63], expected, rtol=1e-6)
    assert torch.all(padded[:, 32:] == 0)


@pytest.mark.parametrize("window_hw", [(50, 60), (200, 150), (1, 9), (64, 64)])
def test_resizing_is_that_of_pillow(window_hw):
    window = np.random.default_rng(5).integers(0, 256, (*window_hw, 3), np.uint8)
    height, width = resized_hw(window_hw, 64)
    resized = Image.fromarray(window).resize((width, height), Image.Resampling.BILINEAR)
    values = window_to_input(window, 64)[:, :height, :width].permute(1, 2, 0).numpy()
    assert_allclose(values * PIXEL_STD + PIXEL_MEAN, np.asarray(resized), atol=1.01)


def test_read_only_windows_are_taken_without_a_warning():
    window = np.zeros((8, 8, 3), np.uint8)
    window.flags.writeable = False
    assert window_to_input(window, 64).shape == (3, 64, 64)


def test_at_scale_one_points_only_move():
    xy = points_yx_to_input_xy(np.array([[12.0, 34.0]]), Window(10, 30, 64, 64), 64)
    assert_array_equal(xy, [[4, 2]])


def test_pixel_centres_are_mapped_exactly():
    # Doubling: the first pixel becomes the input's pixels 0 and 1, its centre 0.5.
    window = Window(0, 0, 32, 16)
    xy = points_yx_to_input_xy(np.array([[0.0, 0.0], [31.5, 15.5]]), window, 64)
    assert_array_equal(xy, [[0.5, 0.5], [31.5, 63.5]])


def test_boxes_are_mapped_corner_by_corner():
    box = np.array([[-0.5, 3.5, 7.5, 15.5]])
    xyxy = boxes_yxyx_to_input_xyxy(box, Window(0, 0, 32, 32), 64)
    assert_array_equal(xyxy, [[7.5, -0.5, 31.5, 15.5]])


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    origin=st.tuples(st.integers(0, 50), st.integers(0, 50)),
)
def test_the_corners_of_a_window_are_those_of_its_input(height, width, origin):
    window = Window(*origin, height, width)
    corner = np.array([[height - 0.5, width - 0.5]]) + origin
    resized_height, resized_width = resized_hw((height, width), 64)
    xy = points_yx_to_input_xy(corner, window, 64)
    assert_allclose(xy, [[resized_width - 0.5, resized_height - 0.5]], atol=1e-9)


def test_a_bright_pixel_is_where_its_point_is_mapped():
    window = np.zeros((20, 30, 3), np.uint8)
    window[7, 22] = 255
    image = window_to_input(window, 64)[0]
    x, y = points_yx_to_input_xy(np.array([[7.0, 22.0]]), Window(0, 0, 20, 30), 64)[0]
    height, width = resized_hw((20, 30), 64)
    weights = (image - image[0, 0])[:height, :width].double()
    rows = torch.arange(height, dtype=torch.float64)
    columns = torch.arange(width, dtype=torch.float64)
    assert float((weights.sum(1) * rows).sum() / weights.sum()) == pytest.approx(
        y, abs=0.02
    )
    assert float((weights.sum(0) * columns).sum() / weights.sum()) == pytest.approx(
        x, abs=0.02
    )


def test_logits_go_back_to_the_window_without_the_padding():
    logits = torch.full((2, 16, 16), -1.0)
    logits[:, :8] = 1.0  # the upper half of the input is the window, the rest padding
    restored = logits_to_window(logits, (10, 20), 64)
    assert restored.shape == (2, 10, 20)
    assert torch.all(restored[:, :9] > 0)


@pytest.mark.parametrize("shape", [(16, 16), (3, 16, 16), (2, 3, 16, 16)])
def test_any_number_of_leading_axes_is_kept(shape):
    assert logits_to_window(torch.zeros(shape), (5, 7), 64).shape == (*shape[:-2], 5, 7)
