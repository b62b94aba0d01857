from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tilesam.training.photometry import vary_light

seeds = st.integers(0, 2**32 - 1)


def gradient(*, grey: bool) -> np.ndarray:
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 6, (24, 1))
    channels = [ramp] * 3 if grey else [ramp, ramp[:, ::-1], ramp // 2]
    return np.stack(channels, axis=-1)


def vary(image: np.ndarray, seed: int) -> np.ndarray:
    return vary_light(image, rng=np.random.default_rng(seed))


@given(seed=seeds, grey=st.booleans())
@settings(max_examples=40)
def test_shape_type_and_determinism(seed, grey):
    image = gradient(grey=grey)
    result = vary(image, seed)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, vary(image, seed))
    np.testing.assert_array_equal(image, gradient(grey=grey))


@given(seed=seeds)
@settings(max_examples=40)
def test_grey_stays_grey(seed):
    result = vary(gradient(grey=True), seed)
    assert (result == result[..., :1]).all()


def test_both_polarities_occur():
    image = gradient(grey=True)
    slopes = {
        bool(np.subtract(*vary(image, seed)[:, [28, 3], 0].mean(axis=0)) > 0)
        for seed in range(40)
    }
    assert slopes == {True, False}


@given(seed=seeds)
@settings(max_examples=40)
def test_a_dark_image_keeps_its_structure(seed):
    """What can be seen in ten grey levels can still be seen afterwards."""
    image = np.zeros((40, 40, 3), dtype=np.uint8)
    image[10:30, 10:30] = 12
    result = vary(image, seed).astype(float)
    inside, outside = result[14:26, 14:26].mean(), result[:6].mean()
    assert abs(inside - outside) >= 3


def test_constant_images_do_no_harm():
    for value in (0, 255):
        for seed in range(10):
            vary(np.full((8, 8, 3), value, dtype=np.uint8), seed)
