from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tilesam.model.refining.sampling import resample, sample_map

RANDOM = np.random.default_rng(0).integers(0, 256, (12, 17, 3), np.uint8)


def grid(y, x):
    return np.meshgrid(
        np.asarray(y, np.float32), np.asarray(x, np.float32), indexing="ij"
    )


def test_at_its_own_pixels_an_image_is_itself():
    y, x = grid(range(12), range(17))
    assert_array_equal(resample(RANDOM, y, x, 1.0), RANDOM)


def test_beyond_the_border_an_image_is_mirrored():
    y, x = grid([-1, -2, 12, 13], [-1, -3, 17, 19])
    mirrored = RANDOM[np.ix_([0, 1, 11, 10], [0, 2, 16, 14])]
    assert_array_equal(resample(RANDOM, y, x, 1.0), mirrored)


def test_half_way_between_pixels_is_their_mean():
    image = np.zeros((1, 2, 3), np.uint8)
    image[0, 1] = 100
    assert_array_equal(resample(image, *grid([0], [0.5]), 2.0), [[[50, 50, 50]]])


def test_what_shrinks_is_averaged():
    # At the middles of blocks of 4 x 4 pixels are the means of the blocks.
    image = np.random.default_rng(1).integers(0, 256, (16, 24, 3), np.uint8)
    y, x = grid(np.arange(4) * 4 + 1.5, np.arange(6) * 4 + 1.5)
    means = image.reshape(4, 4, 6, 4, 3).mean(axis=(1, 3))
    found = resample(image, y, x, 1 / 4)
    assert np.abs(found - means).max() <= 0.51


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9])
def test_a_thin_image_is_shrunk_where_it_is(rows):
    # Column x has the value x // 2: its mean over 8 columns is 4 k + 1.5 in block k.
    line = (np.arange(480) // 2).astype(np.uint8)
    image = np.repeat(np.tile(line, (rows, 1))[..., None], 3, axis=-1)
    y, x = grid([(rows - 1) / 2], np.arange(60) * 8 + 3.5)
    found = resample(image, y, x, 1 / 8)[0, :, 0]
    assert np.abs(found - (4 * np.arange(60) + 1.5)).max() <= 0.51
    across = resample(image.transpose(1, 0, 2).copy(), x.T, y.T, 1 / 8)[:, 0, 0]
    assert_array_equal(across, found)


@given(scale=st.floats(0.05, 4.0), height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_flat_image_stays_flat_wherever_it_is_read(scale, height, width):
    image = np.full((height, width, 3), (10, 128, 255), np.uint8)
    y, x = grid(np.linspace(-5, height + 5, 7), np.linspace(-5, width + 5, 9))
    assert_array_equal(resample(image, y, x, scale) - image[:1, :1], 0)


def test_a_map_of_fewer_pixels_covers_the_frame():
    values = torch.arange(12.0).reshape(1, 3, 4)
    # Cells of 10 x 10 pixels: their middles are at 4.5, 14.5 ...
    y, x = grid([4.5, 14.5, 24.5], [4.5, 14.5, 24.5, 34.5])
    found = sample_map(values, y, x, (30, 40))
    assert_allclose(found, values, atol=1e-5)
    between = sample_map(values, *grid([4.5], [9.5]), (30, 40))
    assert_allclose(between, [[[0.5]]], atol=1e-5)


def test_beyond_its_border_a_map_goes_on():
    values = torch.arange(12.0).reshape(1, 3, 4)
    y, x = grid([-50, 80], [-50, 80])
    assert_allclose(sample_map(values, y, x, (30, 40)), [[[0, 3], [8, 11]]], atol=1e-5)
