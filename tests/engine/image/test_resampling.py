from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tilesam import ImageError, Window
from tilesam.image import open_image
from tilesam.image.levels import coarsest
from tilesam.image.resampling import resample
from tilesam.testing.image_files import mean_pyramid


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """Cut small images into as many blocks as large ones are cut into."""
    with pytest.MonkeyPatch.context() as patch:
        for module in ("chunk_grid", "planes"):
            patch.setattr(f"tilesam.image.{module}.BLOCK_PIXELS", 60)
            patch.setattr(f"tilesam.image.{module}.BLOCK_WIDTH", 3)
        patch.setattr("tilesam.image.resampling.WORKING_VALUES", 40)
        yield


def overlaps(start, extent, out, length):
    """Return the share of each pixel of an axis that each result's pixel covers."""
    shares = np.zeros((out, length))
    for i in range(out):
        low, high = start + i * extent / out, start + (i + 1) * extent / out
        for j in range(length):
            shares[i, j] = max(0.0, min(high, j + 1) - max(low, j))
    return shares


def mean_by_hand(image, window, out_hw):
    """Return (out_h, out_w, C) area-weighted means of what exists of a window."""
    rows = overlaps(window.y0, window.height, out_hw[0], image.shape[0])
    columns = overlaps(window.x0, window.width, out_hw[1], image.shape[1])
    sums = np.einsum("iy,jx,yxc->ijc", rows, columns, image.astype(np.float64))
    return sums / np.einsum("iy,jx->ij", rows, columns)[..., None]


def values_of(source, window, out_hw):
    """Return what is resampled before it becomes 8 bits."""
    scales = window.height / out_hw[0], window.width / out_hw[1]
    level = coarsest(source.levels, wanted=scales)
    return resample(
        level, window, out_hw, full_hw=source.hw, channels=source.channel_choice
    )


def random_image(seed, height, width, dtype=np.uint8):
    values = np.random.default_rng(seed).uniform(0, 256, (height, width, 3))
    return values.astype(dtype)


LIMITS = (0, 256)
SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def shrunken_windows(draw, max_side=23):
    """Draw the size of an image, a window in it and a smaller size."""
    sides, starts, extents, outs = [], [], [], []
    for _ in range(2):
        sides.append(draw(st.integers(1, max_side)))
        starts.append(draw(st.integers(0, sides[-1] - 1)))
        extents.append(draw(st.integers(1, sides[-1] - starts[-1])))
        outs.append(draw(st.integers(1, extents[-1])))
    return sides, Window(*starts, *extents), tuple(outs)


@given(SEEDS, shrunken_windows(), st.sampled_from([None, (4, 4, 3), (1, 30, 1)]))
def test_shrinking_is_the_mean_of_what_each_pixel_covers(record, seed, drawn, chunks):
    image_hw, window, out_hw = drawn
    image = random_image(seed, *image_hw)
    source = open_image(record(image, chunks))
    seen = source.read_resampled(window, out_hw)
    expected = mean_by_hand(image, window, out_hw)
    assert seen.shape == (*out_hw, 3)
    assert np.abs(seen - expected).max() <= 0.5 + 1e-9


@given(
    SEEDS,
    st.tuples(st.integers(9, 40), st.integers(9, 40)),
    st.sampled_from([2, 3, 4]),
    st.sampled_from([np.uint8, np.uint16, np.float64]),
    st.sampled_from([None, (4, 4, 3), (7, 5, 2)]),
    st.data(),
)
def test_equal_places_have_equal_values_in_all_windows(
    record, seed, image_hw, scale, dtype, chunks, data
):
    image = random_image(seed, *image_hw, dtype)
    source = open_image(record(image, chunks), contrast_limits=LIMITS)
    whole_hw = tuple(-(-side // scale) for side in image_hw)
    whole = values_of(source, Window(0, 0, *(n * scale for n in whole_hw)), whole_hw)
    y0, x0 = (data.draw(st.integers(0, side - 1)) for side in whole_hw)
    h = data.draw(st.integers(1, whole_hw[0] - y0))
    w = data.draw(st.integers(1, whole_hw[1] - x0))
    window = Window(y0 * scale, x0 * scale, h * scale, w * scale)
    part = values_of(source, window, (h, w))
    assert_array_equal(part, whole[y0 : y0 + h, x0 : x0 + w])


@given(SEEDS, st.sampled_from([4, 32]), st.integers(0, 5), st.integers(1, 6), st.data())
def test_equal_places_are_equal_where_levels_are_no_powers_of_two(
    record, seed, scale, start, extent, data
):
    image = random_image(seed, 6 * scale + 5, 6 * scale, np.float64)
    levels = mean_pyramid(image, axes="yxc", level_count=2, factor=3)
    chunks = data.draw(st.sampled_from([None, (5, 4, 3)]))
    source = open_image(
        [record(level, chunks) for level in levels], contrast_limits=LIMITS
    )
    whole = values_of(source, Window(0, 0, 7 * scale, 6 * scale), (7, 6))
    extent = min(extent, 6 - start)
    window = Window(start * scale, 0, extent * scale, extent * scale)
    part = values_of(source, window, (extent, extent))
    assert_array_equal(part, whole[start : start + extent, :extent])


@given(SEEDS, st.integers(2, 30), st.integers(2, 30), st.sampled_from([2, 4, 8]))
def test_what_sticks_out_of_the_image_is_left_out_of_means(seed, height, width, scale):
    image = random_image(seed, height, width)
    out_hw = -(-height // scale), -(-width // scale)
    window = Window(0, 0, out_hw[0] * scale, out_hw[1] * scale)
    expected = mean_by_hand(image, window, out_hw)
    assert_allclose(values_of(open_image(image), window, out_hw), expected)


@given(
    SEEDS,
    st.tuples(st.integers(6, 40), st.integers(6, 40)),
    st.sampled_from([2, 3, 5]),
    st.sampled_from([1, 4 / 3, 2, 3]),
)
def test_the_files_pyramid_agrees_with_the_true_one(seed, image_hw, factor, further):
    image = random_image(seed, *(n * factor for n in image_hw), np.float64)
    levels = mean_pyramid(image, axes="yxc", level_count=2, factor=factor)
    out_hw = tuple(max(1, int(n / further)) for n in image_hw)
    window = Window(0, 0, *image.shape[:2])
    from_file = values_of(open_image(levels, contrast_limits=LIMITS), window, out_hw)
    if all(side % out == 0 for side, out in zip(image_hw, out_hw, strict=True)):
        true = values_of(open_image(image, contrast_limits=LIMITS), window, out_hw)
        assert_allclose(from_file, true)
    # Where places fall between the pixels of a level it is a mean of that level's.
    exact = Window(0, 0, *image_hw)
    assert_allclose(from_file, mean_by_hand(levels[1], exact, out_hw))


@given(SEEDS, st.integers(36, 60), st.integers(36, 60), st.integers(2, 4))
def test_pixels_at_the_edge_of_a_level_weigh_what_they_stand_for(
    seed, height, width, factor
):
    image = random_image(seed, height, width, np.float64)
    up = mean_pyramid(image, axes="yxc", level_count=2, factor=factor)
    source = open_image(up, contrast_limits=LIMITS)
    seen = values_of(source, Window(0, 0, height, width), (1, 1))
    assert_allclose(seen[0, 0], image.mean(axis=(0, 1)))


def test_the_last_pixel_of_a_level_that_was_cut_short_stands_for_the_rest():
    coarse = np.array([[10, 80]], np.uint8).repeat(2, axis=0)
    source = open_image([np.zeros((4, 5), np.uint8), coarse], contrast_limits=LIMITS)
    seen = values_of(source, Window(0, 0, 4, 5), (1, 1))
    assert seen[0, 0, 0] == pytest.approx((2 * 10 + 3 * 80) / 5)


@pytest.mark.parametrize("y0", [4, 8, 20])
def test_equal_places_are_equal_where_pixels_are_shared(y0):
    # Three pixels of the result for four of the image.
    source = open_image(random_image(6, 40, 40, np.float64), contrast_limits=LIMITS)
    whole = values_of(source, Window(0, 0, 40, 40), (30, 30))
    part = values_of(source, Window(y0, 0, 12, 16), (9, 12))
    assert_array_equal(part, whole[y0 * 3 // 4 : y0 * 3 // 4 + 9, :12])


@pytest.mark.parametrize("image_hw", [(64, 96), (61, 95)])
def test_a_rounded_pyramid_is_off_by_no_more_than_its_rounding(image_hw):
    image = random_image(1, *image_hw)
    source = open_image(mean_pyramid(image, axes="yxc", level_count=4))
    out_hw = tuple(-(-n // 8) for n in image_hw)
    window = Window(0, 0, *(n * 8 for n in out_hw))
    seen = source.read_resampled(window, out_hw).astype(int)
    expected = mean_by_hand(image, window, out_hw)
    # Edges of a rounded-up pyramid are means of means, each of fewer pixels.
    inner = np.s_[: image_hw[0] // 8, : image_hw[1] // 8]
    assert np.abs(seen - expected)[inner].max() <= 0.5 + 3 * 0.5


@given(SEEDS, st.integers(1, 20), st.integers(1, 20), st.sampled_from([1.3, 2, 3.7]))
def test_enlarging_a_whole_image_is_torchs_bilinear(seed, height, width, scale):
    image = random_image(seed, height, width, np.float64)
    out_hw = math.ceil(height * scale), math.ceil(width * scale)
    source = open_image(image, contrast_limits=LIMITS)
    seen = values_of(source, Window(0, 0, height, width), out_hw)
    planes = torch.from_numpy(image).permute(2, 0, 1)[None]
    expected = torch.nn.functional.interpolate(
        planes, out_hw, mode="bilinear", align_corners=False
    )
    assert_allclose(seen, expected[0].permute(1, 2, 0).numpy())


def test_enlarging_looks_beyond_the_window():
    source = open_image(random_image(4, 20, 30))
    whole = source.read_resampled(Window(0, 0, 20, 30), (40, 60))
    part = source.read_resampled(Window(5, 7, 6, 8), (12, 16))
    assert_array_equal(part, whole[10:22, 14:30])


def test_one_side_may_grow_while_the_other_shrinks():
    image = random_image(5, 4, 40)
    seen = values_of(open_image(image), Window(0, 0, 4, 40), (8, 10))
    shrunk = values_of(open_image(image), Window(0, 0, 4, 40), (4, 10))
    assert_allclose(seen[1:-1:2], shrunk[:-1] * 0.75 + shrunk[1:] * 0.25, atol=64)
    assert_allclose(seen[0], shrunk[0])
    assert_allclose(seen[1], shrunk[0] * 0.75 + shrunk[1] * 0.25)


def test_at_its_own_size_a_window_is_itself():
    source = open_image(np.linspace(0, 1, 600).reshape(20, 30))
    window = Window(3, 4, 10, 11)
    assert_array_equal(
        source.read_resampled(window, (10, 11)), source.read_window(window)
    )


def test_limits_apply_to_means_and_not_to_pixels():
    image = np.zeros((2, 2))
    image[0, 0] = 1000
    source = open_image(image, contrast_limits=(0, 500))
    assert source.read_resampled(Window(0, 0, 2, 2), (1, 1))[0, 0, 0] == 128


def test_a_strip_of_one_row_is_shrunk_along_itself():
    image = np.repeat(np.arange(1000) % 251, 100)[None].astype(np.uint8)
    source = open_image(image, contrast_limits=(0, 255))
    seen = source.read_resampled(Window(0, 0, 1, 100_000), (1, 1000))
    assert_array_equal(seen[0, :, 0], np.arange(1000) % 251)


def test_nan_and_infinity_spread_to_their_mean_and_no_further():
    image = np.ones((4, 8))
    image[0, 0], image[0, 2], image[0, 4], image[1, 4] = np.nan, np.inf, np.inf, -np.inf
    source = open_image(image, contrast_limits=(0, 2))
    seen = source.read_resampled(Window(0, 0, 4, 8), (2, 4))[..., 0]
    assert_array_equal(seen, [[0, 255, 0, 128], [128, 128, 128, 128]])


@pytest.mark.parametrize(
    ("window", "out_hw", "message"),
    [
        (Window(0, 0, 8, 8), (0, 4), "at least one pixel"),
        (Window(0, 0, 8, 0), (1, 4), "not inside"),
        (Window(-2, 0, 8, 8), (4, 4), "not inside"),
        (Window(12, 0, 12, 8), (6, 4), "not inside"),
        (Window(12, 0, 10, 8), (5, 4), "not inside"),
        (Window(20, 0, 2, 2), (1, 1), "not inside"),
    ],
)
def test_windows_that_stick_out_too_far_are_refused(window, out_hw, message):
    source = open_image(np.zeros((20, 30, 3), np.uint8))
    with pytest.raises(ImageError, match=message):
        source.read_resampled(window, out_hw)


def test_a_window_may_stick_out_by_less_than_a_pixel_of_the_result():
    source = open_image(np.full((20, 30, 3), 7, np.uint8))
    seen = source.read_resampled(Window(12, 0, 9, 8), (4, 4))
    assert (seen == 7).all()
