from __future__ import annotations

import numpy as np
import pytest

from tilesam.embedding.background import is_background


def glass(hw=(96, 90), *, noise=2.0, tint=(243, 241, 244)):
    rng = np.random.default_rng(0)
    values = np.array(tint) + rng.normal(0, noise, (*hw, 3))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def with_shading(image, drop):
    ramp = np.linspace(0, drop, image.shape[1])[None, :, None]
    return (image - ramp).astype(np.uint8)


def test_glass_is_background():
    assert is_background(glass(), 1.0)
    assert is_background(glass(tint=(255, 255, 255), noise=0), 1.0)
    assert is_background(with_shading(glass(), 10), 1.0)


def test_no_data_at_all_is_background_whatever_stands_for_it():
    black = np.zeros((64, 64, 3), np.uint8)
    assert is_background(black, 0.0)
    assert not is_background(black, 1.0)
    assert not is_background(black, 0.01)


@pytest.mark.parametrize(
    ("rows", "columns", "colour"),
    [
        (slice(40, 44), slice(40, 44), (150, 120, 160)),  # a nucleus of four pixels
        (slice(94, 96), slice(0, 90), (200, 190, 205)),  # a rim at the edge
        (slice(20, 60), slice(20, 60), (245, 225, 238)),  # pale eosin
    ],
)
def test_anything_on_the_glass_speaks_for_embedding(rows, columns, colour):
    image = glass()
    image[rows, columns] = colour
    assert not is_background(image, 1.0)


def test_what_is_not_bright_smooth_and_without_colour_is_no_glass():
    assert not is_background(glass(tint=(128, 128, 128)), 1.0)
    assert not is_background(glass(noise=15), 1.0)
    assert not is_background(glass(tint=(250, 250, 225)), 1.0)
    assert not is_background(with_shading(glass(), 28), 1.0)
    assert not is_background(np.full((64, 64, 3), 20, np.uint8), 1.0)


def test_an_image_smaller_than_a_block_has_an_answer():
    assert is_background(glass((3, 5)), 1.0)
