from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from torch.nn import functional

from tests.engine.model.refining.scripted import SURE, paste
from tilesam import Window
from tilesam.model.refining.frames import cell_centres
from tilesam.model.refining.refined import Refined, crop_refined, to_window
from tilesam.model.reprojection import OUTSIDE_LOGIT
from tilesam.model.upsampling import crop_mask

WINDOW = Window(0, 0, 64, 64)


def refined(logits, region):
    return Refined(region, logits.astype(np.float32), 0.5)


def test_a_mask_of_pixel_by_pixel_logits_is_cut_to_its_box():
    logits = np.full((16, 16), -1.0)
    logits[4:7, 5:10] = 1.0
    crop = crop_refined(refined(logits, Window(100, 200, 16, 16)), (500, 500))
    assert crop.mask.shape == (3, 5)
    assert crop.mask.all()
    assert crop.offset_yx == (104, 205)
    assert crop.stability_score == 0  # no logit beyond +1


def test_each_pixel_of_an_enlarged_region_is_many_logits():
    # 8 x 8 pixels as 32 x 32: pixel (2, 3) is rows 8 to 11, columns 12 to 15.
    logits = np.full((32, 32), -4.0)
    logits[8:12, 12:16] = 4.0
    crop = crop_refined(refined(logits, Window(10, 20, 8, 8)), (100, 100))
    assert_array_equal(crop.mask, [[True]])
    assert crop.offset_yx == (12, 23)
    assert crop.stability_score == 1


@pytest.mark.parametrize(
    ("region", "offset_yx", "shape"),
    [
        (Window(-5, 40, 16, 16), (0, 40), (11, 16)),  # above
        (Window(40, -9, 16, 16), (40, 0), (16, 7)),  # left
        (Window(90, 95, 16, 16), (90, 95), (10, 5)),  # below and right
        (Window(-30, -20, 160, 160), (0, 0), (100, 100)),  # all around
    ],
)
def test_what_sticks_out_of_the_image_is_in_no_mask(region, offset_yx, shape):
    crop = crop_refined(refined(np.full((16, 16), 2.0), region), (100, 100))
    assert crop.mask.shape == shape
    assert crop.mask.all()
    assert crop.offset_yx == offset_yx
    assert crop.stability_score == 1


@pytest.mark.parametrize("logit", [-2.0, 0.0])
def test_an_empty_mask_is_nowhere(logit):
    crop = crop_refined(
        refined(np.full((16, 16), logit), Window(-5, 40, 16, 16)), (100, 100)
    )
    assert crop.mask.shape == (0, 0)
    assert crop.offset_yx == (0, 0)


def test_an_object_beyond_the_image_alone_is_nowhere():
    logits = np.full((16, 16), -4.0)
    logits[:5] = 4.0
    crop = crop_refined(refined(logits, Window(-8, 0, 16, 16)), (100, 100))
    assert crop.mask.shape == (0, 0)
    assert crop.offset_yx == (0, 0)


@given(
    seed=st.integers(0, 1_000),
    y0=st.integers(-30, 60),
    x0=st.integers(-30, 60),
    side=st.integers(8, 90),
)
def test_a_mask_is_that_of_all_logits_in_pixels_of_the_image(seed, y0, x0, side):
    noise = torch.randn(1, 1, 5, 5, generator=torch.Generator().manual_seed(seed))
    logits = functional.interpolate(noise * 4, (32, 32), mode="bicubic")
    crop = crop_refined(
        refined(logits[0, 0].numpy(), Window(y0, x0, side, side)), (60, 70)
    )
    found = paste(crop.mask, crop.offset_yx, (60, 70))
    whole = functional.interpolate(logits, (side, side), mode="bilinear")[0, 0].numpy()
    image = np.full((60 + 200, 70 + 200), -1.0)
    image[y0 + 100 : y0 + 100 + side, x0 + 100 : x0 + 100 + side] = whole
    image = image[100:160, 100:170]
    is_clear = np.abs(image) > 1e-4
    assert_array_equal(found[is_clear], image[is_clear] > 0)


@pytest.mark.parametrize("size", [64, 128])
def test_logits_of_the_very_window_are_means(size):
    logits = np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)
    found = to_window(Refined(WINDOW, logits, 0.5), WINDOW, 16, input_size=64)
    step = size // 16
    means = logits.reshape(16, step, 16, step).mean(axis=(1, 3))
    assert_allclose(found, means, atol=1e-5)


def test_what_the_region_does_not_show_is_surely_ground():
    region = Window(16, 24, 32, 32)
    logits = np.full((32, 32), 3.0, np.float32)
    found = to_window(Refined(region, logits, 0.5), WINDOW, 16, input_size=64)
    expected = np.full((16, 16), OUTSIDE_LOGIT, np.float32)
    expected[4:12, 6:14] = 3.0
    assert_allclose(found, expected, atol=1e-5)


def test_in_a_wide_region_a_window_shows_its_part():
    # A cell is half a pixel of the region: halfway between, or at the same place.
    slope = np.tile(np.arange(32, dtype=np.float32), (32, 1))
    region = Window(-100, -100, 256, 256)
    found = to_window(Refined(region, slope, 0.5), WINDOW, 16, input_size=64)
    x = cell_centres(16, WINDOW, 64)[1]
    assert_allclose(found, np.tile((x + 100.5) / 8 - 0.5, (16, 1)), atol=1e-4)


@pytest.mark.parametrize("size", [32, 96, 112, 160])
@pytest.mark.parametrize("side", [8, 10, 16, 40])
def test_a_small_region_is_seen_as_a_whole(size, side):
    slope = np.tile(np.linspace(-5, 5, size, dtype=np.float32), (size, 1))
    window = Window(0, 0, 256, 256)
    region = Window(128 - side // 2, 128 - side // 2, side, side)
    found = to_window(Refined(region, slope, 0.5), window, 64, input_size=256)
    is_known = found > OUTSIDE_LOGIT
    assert is_known.sum() == (side // 4) ** 2
    columns = found[32][is_known[32]]
    # What rises from -5 to 5 rises, and is as far below zero as above it.
    assert (np.diff(columns) > 0).all()
    assert_allclose(columns, -columns[::-1], atol=1e-3)
    x = cell_centres(64, window, 256)[1][is_known[32]]
    expected = ((x - region.x0 + 0.5) / side - 0.5) * 10
    assert np.abs(columns - expected).max() <= 10 / side + 0.2


@given(
    y0=st.integers(0, 30),
    x0=st.integers(0, 30),
    side=st.integers(16, 60),
    rectangle=st.tuples(
        *(
            st.integers(2, 9),
            st.integers(2, 9),
            st.integers(18, 30),
            st.integers(18, 30),
        )
    ),
)
def test_a_mask_handed_back_is_about_the_mask_that_was_shown(y0, x0, side, rectangle):
    window, region = Window(0, 0, 128, 128), Window(y0, x0, side, side)
    logits = np.full((32, 32), -SURE, np.float32)
    top, left, bottom, right = rectangle
    logits[top:bottom, left:right] = SURE
    found = Refined(region, logits, 0.5)
    shown = crop_refined(found, (128, 128))
    handed = crop_mask(
        to_window(found, window, 64, input_size=256),
        window_hw=(128, 128),
        input_size=256,
    )
    first, second = (paste(c.mask, c.offset_yx, (128, 128)) for c in (shown, handed))
    # Cells of 2 x 2 pixels: a side may move by one of them.
    sides = [(bottom - top) * side / 32, (right - left) * side / 32]
    allowed = 2 * 2 * (sum(sides) + 4)
    assert (first ^ second).sum() <= allowed
