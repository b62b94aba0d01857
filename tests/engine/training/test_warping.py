from __future__ import annotations

import numpy as np
import pytest

from tilesam.training.datasets import Sample
from tilesam.training.warping import Warp, resample, separate_mirrored, warp_sample

QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


def numbered(height: int, width: int) -> Sample:
    """An image in which every pixel has a grey level, and a label, of its own."""
    labels = np.arange(1, height * width + 1, dtype=np.int32).reshape(height, width)
    image = np.repeat(labels[..., None].astype(np.uint8), 3, axis=-1)
    return Sample(image, labels[None], "numbers", "all")


def middle(height: int, width: int) -> np.ndarray:
    return np.array([(height - 1) / 2, (width - 1) / 2])


def test_the_identity_changes_nothing():
    sample = numbered(6, 6)
    warp = Warp(np.eye(2), middle(6, 6), 1.0)
    image, layers, outside = warp_sample(sample, warp, 6)
    np.testing.assert_array_equal(image, sample.image)
    np.testing.assert_array_equal(layers, sample.label_layers)
    assert not outside.any()


def test_a_quarter_turn_moves_every_pixel_as_numpy_does():
    sample = numbered(5, 5)
    warp = Warp(QUARTER_TURN, middle(5, 5), 1.0)
    image, layers, _ = warp_sample(sample, warp, 5)
    expected = np.rot90(sample.label_layers[0], k=-1)
    np.testing.assert_array_equal(layers[0], expected)
    np.testing.assert_array_equal(image[..., 0], expected)


def test_beyond_the_border_lies_the_mirror_image():
    sample = numbered(4, 4)
    warp = Warp(np.eye(2), middle(4, 4), 1.0)
    image, layers, outside = warp_sample(sample, warp, 8)
    expected = np.pad(sample.label_layers[0], 2, mode="symmetric")
    np.testing.assert_array_equal(layers[0], expected)
    np.testing.assert_array_equal(image[..., 0], expected)
    inside = np.zeros((4, 4), dtype=bool)
    np.testing.assert_array_equal(outside, np.pad(inside, 2, constant_values=True))


@pytest.mark.parametrize(
    ("pixel", "is_shown"), [((9, 9), True), ((13, 9), True), ((14, 9), False)]
)
def test_what_a_crop_surely_shows(pixel, is_shown):
    warp = Warp(np.eye(2), np.array([9.0, 9.0]), 1.0)
    assert warp.shows(np.array(pixel, dtype=np.float64), size=10) is is_shown


def test_shrinking_does_not_alias():
    checkers = (np.indices((400, 400)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = np.repeat(checkers[..., None], 3, axis=-1)
    y, x = np.indices((40, 40), dtype=np.float32) * 10
    result = resample(image, y, x, scale=0.1)
    assert np.abs(result.astype(int) - 128).max() <= 2


def test_mirror_images_are_new_objects_unless_they_continue_one():
    layer = np.zeros((6, 12), dtype=np.int32)
    layer[1:3, 1:3] = 2  # seen in the image
    layer[1:3, 9:11] = 2  # its mirror image, apart
    layer[4:6, 4:8] = 3  # continues across the border
    outside = np.zeros((6, 12), dtype=bool)
    outside[:, 6:] = True
    result = separate_mirrored(layer, outside)
    expected = layer.copy()
    expected[1:3, 9:11] = 4
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == np.int32
