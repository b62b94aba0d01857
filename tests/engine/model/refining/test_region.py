from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tilesam import Window
from tilesam.image import open_image
from tilesam.model.refining.region import (
    SMALLEST_SIDE,
    read_region,
    region_around,
    sources,
    to_region,
    visible_part,
)

SIZE = 32
IMAGE = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)

sides = st.floats(0, 3_000)
starts = st.floats(-0.5, 20_000)
bounds = st.tuples(starts, starts, sides, sides).map(
    lambda drawn: (drawn[0], drawn[1], drawn[0] + drawn[2], drawn[1] + drawn[3])
)


class Slope:
    """A huge image: grey values rise from left to right, or from top to bottom."""

    def __init__(self, side, axis):
        self.hw = (side, side)
        self.axis = axis
        self.asked = []

    def read_resampled(self, window, out_hw):
        """Return means, as images do; see `ArraySource.read_resampled`."""
        self.asked.append((window, out_hw))
        shrinks = window.height / out_hw[0], window.width / out_hw[1]
        for axis, (start, length) in enumerate(
            [(window.y0, window.height), (window.x0, window.width)]
        ):
            assert 0 <= start < self.hw[axis]
            # An image may be left by less than one pixel of the result.
            over = start + length - self.hw[axis]
            assert over <= 0 or over < shrinks[axis]
        start = (window.y0, window.x0)[self.axis]
        shrink = shrinks[self.axis]
        at = start + (np.arange(out_hw[self.axis]) + 0.5) * shrink - 0.5
        values = self.value_at(np.minimum(at, self.hw[self.axis] - 1))
        values = values[:, None] if self.axis == 0 else values[None]
        shape = (*out_hw, 3)
        return np.broadcast_to(values[..., None], shape).round().astype(np.uint8)

    def value_at(self, position):
        return np.asarray(position) / self.hw[self.axis] * 250


@given(bounds, st.floats(1.0, 4.0))
def test_a_region_covers_what_it_is_around(bounds_yxyx, expansion):
    region = region_around(bounds_yxyx, expansion)
    assert region.contains(bounds_yxyx)


@given(bounds, st.floats(1.0, 4.0))
def test_a_region_is_a_square_of_the_side_that_was_asked_for(bounds_yxyx, expansion):
    y0, x0, y1, x1 = bounds_yxyx
    region = region_around(bounds_yxyx, expansion)
    assert region.height == region.width >= SMALLEST_SIDE
    wanted = max((max(y1 - y0, x1 - x0) + 1) * expansion, SMALLEST_SIDE)
    assert wanted <= region.height < wanted + 1


@given(bounds, st.floats(1.0, 4.0))
def test_a_region_is_around_the_middle(bounds_yxyx, expansion):
    y0, x0, y1, x1 = bounds_yxyx
    region = region_around(bounds_yxyx, expansion)
    assert abs(region.y0 + (region.height - 1) / 2 - (y0 + y1) / 2) <= 0.51
    assert abs(region.x0 + (region.width - 1) / 2 - (x0 + x1) / 2) <= 0.51


def test_a_region_by_hand():
    # 9 x 11 pixels; 22 pixels around column 9 + 5.5 = 14.5 and row 4 + 4.5.
    assert region_around((4, 9, 12, 19), 2.0) == Window(-2, 4, 22, 22)


@given(
    st.integers(-500, 20_000),
    st.integers(-500, 20_000),
    st.integers(1, 3_000),
    st.integers(1, 256),
)
def test_to_region_undoes_sources(y0, x0, side, size):
    region = Window(y0, x0, side, side)
    y, x = sources(region, size)
    found = to_region(np.stack([y, x], axis=-1).astype(np.float64), region, size)
    steps = np.arange(size)
    # float32 places 20,000 pixels from the origin are known to 0.002 of a pixel.
    tolerance = 1e-3 + 0.003 * size / side
    assert_allclose(
        found[..., 0], np.broadcast_to(steps[:, None], y.shape), atol=tolerance
    )
    assert_allclose(
        found[..., 1], np.broadcast_to(steps[None], x.shape), atol=tolerance
    )


def test_corners_of_a_region_are_where_its_pixels_end():
    region = Window(10, 20, 8, 8)
    corners = to_region(np.array([[9.5, 19.5], [17.5, 27.5]]), region, SIZE)
    assert_allclose(corners, [[-0.5, -0.5], [SIZE - 0.5, SIZE - 0.5]])


@given(st.integers(0, 90 - SIZE), st.integers(0, 120 - SIZE))
def test_inside_the_image_at_its_own_scale_the_very_pixels_are_read(y, x):
    source = open_image(IMAGE, channel_axis=2)
    pixels, inside = read_region(source, Window(y, x, SIZE, SIZE), SIZE)
    assert_array_equal(pixels, IMAGE[y : y + SIZE, x : x + SIZE])
    assert inside.all()


@given(st.integers(-SIZE + 1, 89), st.integers(-SIZE + 1, 119))
def test_what_sticks_out_of_the_image_is_mirrored_and_marked(y, x):
    source = open_image(IMAGE, channel_axis=2)
    pixels, inside = read_region(source, Window(y, x, SIZE, SIZE), SIZE)
    padded = np.pad(IMAGE, ((SIZE, SIZE), (SIZE, SIZE), (0, 0)), constant_values=0)
    is_image = np.pad(np.ones((90, 120), bool), SIZE)
    place = np.s_[y + SIZE : y + 2 * SIZE, x + SIZE : x + 2 * SIZE]
    assert_array_equal(inside, is_image[place])
    assert_array_equal(pixels[inside], padded[place][inside])
    # The first row beyond the border is the last one before it.
    for axis, start in enumerate((y, x)):
        length = IMAGE.shape[axis]
        for border, other in ((-1, 0), (length, length - 1)):
            if start <= min(border, other) and max(border, other) < start + SIZE:
                lines = np.moveaxis(pixels, axis, 0)
                assert_array_equal(lines[border - start], lines[other - start])


@pytest.mark.parametrize("hw", [(1, 1), (3, 5), (2, 40), (40, 2)])
@pytest.mark.parametrize("side", [8, 31, 64, 400, 1000])
def test_an_image_may_be_smaller_than_the_region(hw, side):
    image = np.full((*hw, 3), 77, np.uint8)
    source = open_image(image, channel_axis=2)
    region = Window(hw[0] // 2 - side // 2, hw[1] // 2 - side // 2, side, side)
    pixels, inside = read_region(source, region, SIZE)
    assert (pixels == 77).all()
    y, x = sources(region, SIZE)
    expected = (y >= -0.5) & (y <= hw[0] - 0.5) & (x >= -0.5) & (x <= hw[1] - 0.5)
    assert_array_equal(inside, expected)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("side", [40, 100, 1_000, 12_345, 90_000])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.9])
def test_pixels_are_those_of_their_place_however_much_they_shrink(axis, side, place):
    source = Slope(100_000, axis)
    start = int(place * 100_000)
    region = Window(start, start, side, side)
    pixels, inside = read_region(source, region, SIZE)
    expected = source.value_at(np.clip(sources(region, SIZE)[axis], 0, 99_999))
    # Where the slope is mirrored, at the border, it is not a slope.
    off = np.abs(pixels[..., 0] - expected)[inside]
    one_pixel = 250 / 100_000 * side / SIZE
    assert off.max() <= 1.01 + one_pixel
    assert np.median(off) <= 0.6


def test_of_a_huge_region_not_more_is_asked_than_of_a_large_one():
    counts = []
    for side in (10**3, 10**4, 10**5, 10**6):
        source = Slope(10**7, 1)
        read_region(source, Window(5_000, 5_000, side, side), SIZE)
        ((_, (height, width)),) = source.asked
        counts.append(height * width)
        # Enough for every pixel of the region to be seen.
        assert min(height, width) >= SIZE
    assert max(counts) <= (16 * SIZE) ** 2
    assert max(counts) <= 4.1 * min(counts)


def test_the_visible_part_with_its_margin_stays_in_the_image():
    assert visible_part(Window(-4, 90, 20, 20), (50, 100), 3) == Window(0, 87, 19, 13)
    assert visible_part(Window(5, 5, 2, 2), (50, 100), 1) == Window(4, 4, 4, 4)
