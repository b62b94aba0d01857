"""Small pictures of candidates, without Qt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam.views.thumbnails import draw_thumbnail, place_mask, thumbnail_window

RED = (255, 0, 0)


@st.composite
def bounds_in_images(draw):
    spans, sizes = [], []
    for _ in range(2):
        size = draw(st.integers(1, 300))
        first = draw(st.integers(0, size - 1))
        spans.append((first, draw(st.integers(first, size - 1))))
        sizes.append(size)
    (y0, y1), (x0, x1) = spans
    return (y0, x0, y1, x1), tuple(sizes)


@given(bounds_in_images())
def test_the_window_holds_all_of_the_mask_and_lies_in_the_image(case):
    (y0, x0, y1, x1), (height, width) = case

    top, left, bottom, right = thumbnail_window((y0, x0, y1, x1), (height, width))

    assert 0 <= top <= y0
    assert y1 < bottom <= height
    assert 0 <= left <= x0
    assert x1 < right <= width


def test_the_window_is_square_with_a_margin_where_the_image_is_large():
    assert thumbnail_window((100, 100, 119, 139), (1000, 1000)) == (80, 90, 140, 150)


@given(
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    st.tuples(st.integers(1, 6), st.integers(1, 6)),
)
def test_a_crop_is_cut_and_moved_like_the_image(offset_yx, hw):
    mask = np.ones(hw, bool)
    scene = np.zeros((40, 40), bool)
    y, x = offset_yx[0] + 15, offset_yx[1] + 15
    scene[y : y + hw[0], x : x + hw[1]] = True

    placed = place_mask(mask, (y, x), (12, 13, 20, 22))

    np.testing.assert_array_equal(placed, scene[12:20, 13:22])


def test_the_outline_has_its_colour_and_a_dark_line_around_it():
    pixels = np.full((20, 20), 128, np.uint8)
    mask = np.zeros((20, 20), bool)
    mask[5:15, 5:15] = True

    drawn = draw_thumbnail(pixels, mask, color=RED, side=20)

    np.testing.assert_array_equal(drawn[10, 5], RED)
    np.testing.assert_array_equal(drawn[10, 6], RED)
    np.testing.assert_array_equal(drawn[10, 4], (0, 0, 0))
    np.testing.assert_array_equal(drawn[10, [3, 10]], np.full((2, 3), 128))


def test_a_mask_that_fills_the_window_has_no_outline_at_its_edges():
    pixels = np.full((8, 8, 3), 50, np.uint8)

    drawn = draw_thumbnail(pixels, np.ones((8, 8), bool), color=RED, side=8)

    np.testing.assert_array_equal(drawn, pixels)


def test_image_and_mask_may_have_other_resolutions():
    pixels = np.zeros((30, 60, 3), np.uint8)
    pixels[:, 30:] = 200
    mask = np.zeros((3, 6), bool)
    mask[:, 3:] = True

    drawn = draw_thumbnail(pixels, mask, color=RED, side=24)

    assert drawn.shape == (24, 24, 3)
    assert not drawn[:6].any(), "a wide window leaves bands above and below"
    assert not drawn[18:].any()
    np.testing.assert_array_equal(drawn[12, 12], RED)
    np.testing.assert_array_equal(drawn[12, 20], (200, 200, 200))


def test_it_does_not_write_into_the_image():
    pixels = np.full((56, 56, 3), 9, np.uint8)
    mask = np.eye(56, dtype=bool)

    draw_thumbnail(pixels, mask, color=RED)

    assert (pixels == 9).all()


@pytest.mark.parametrize(
    ("pixels_shape", "mask_shape"),
    [((0, 5, 3), (5, 5)), ((5, 5), (0, 0)), ((5,), (5, 5)), ((5, 5), (5, 5, 1))],
)
def test_shapes_that_make_no_picture_are_named(pixels_shape, mask_shape):
    pixels, mask = np.zeros(pixels_shape, np.uint8), np.zeros(mask_shape, bool)

    with pytest.raises(ValueError, match=r"shape .* expected"):
        draw_thumbnail(pixels, mask, color=RED)
