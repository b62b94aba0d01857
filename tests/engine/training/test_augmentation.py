from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, minimum_filter

from tilesam.training import augmentation
from tilesam.training.augmentation import (
    PADDING_RGB,
    Zoom,
    augment,
    evaluation_view,
    promptable_ids,
)
from tilesam.training.datasets import Sample

LEVELS = np.array([20, 220, 120], dtype=np.uint8)
"""Grey of background, object 1 and object 2 in `two_squares`."""

seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([32, 48, 65])
zooms = st.sampled_from(
    [
        Zoom(),
        Zoom(object_probability=1.0),
        Zoom(object_probability=0.0, jitter_scale=(0.5, 1.0)),
        Zoom(object_probability=0.0, jitter_scale=(0.1, 2.0)),
    ]
)


def two_squares(height: int = 60, width: int = 80) -> Sample:
    """An image whose grey levels tell the labels; layer 1 is a part of object 1."""
    labels = np.zeros((2, height, width), dtype=np.int32)
    labels[0, 5:40, 8:45] = 1
    labels[0, 25:55, 50:78] = 2
    labels[1, 15:30, 15:30] = 5
    image = np.repeat(LEVELS[labels[0]][..., None], 3, axis=-1)
    return Sample(image, labels, "squares", "two")


def augment_seeded(sample: Sample, seed: int, **arguments) -> Sample:
    return augment(sample, rng=np.random.default_rng(seed), **arguments)


def keep_light(image: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
    return image


@pytest.fixture
def same_light(monkeypatch):
    monkeypatch.setattr(augmentation, "vary_light", keep_light)


@given(seed=seeds, size=sizes, zoom=zooms)
@settings(max_examples=30)
def test_shape_type_and_ids(seed, size, zoom):
    sample = two_squares()
    result = augment_seeded(sample, seed, size=size, zoom=zoom)
    assert result.image.shape == (size, size, 3)
    assert result.image.dtype == np.uint8
    assert result.label_layers.shape == (2, size, size)
    assert result.label_layers.dtype == np.int32
    assert (result.domain, result.name) == ("squares", "two")
    # An object is always in the crop; mirrored copies have ids above the largest.
    assert result.label_layers.any()
    assert set(np.unique(result.label_layers[1])) <= {0, 5, 6, 7, 8, 9}


@given(seed=seeds, zoom=zooms)
@settings(max_examples=15)
def test_equal_seeds_give_equal_crops(seed, zoom):
    first, second = (
        augment_seeded(two_squares(), seed, size=40, zoom=zoom) for _ in range(2)
    )
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.label_layers, second.label_layers)


def test_different_seeds_give_different_crops():
    first, second = (augment_seeded(two_squares(), seed, size=40) for seed in (1, 2))
    assert (first.image != second.image).any()


@given(seed=seeds, zoom=zooms)
@settings(max_examples=15)
def test_the_sample_is_left_alone(seed, zoom):
    sample, untouched = two_squares(), two_squares()
    augment_seeded(sample, seed, size=40, zoom=zoom)
    np.testing.assert_array_equal(sample.image, untouched.image)
    np.testing.assert_array_equal(sample.label_layers, untouched.label_layers)


@pytest.mark.usefixtures("same_light")
@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("scale", [0.6, 1.0, 3.0])
def test_labels_are_warped_like_the_image(seed, scale):
    zoom = Zoom(object_probability=0.0, jitter_scale=(scale, scale))
    result = augment_seeded(two_squares(), seed, size=96, zoom=zoom)
    labels, grey = result.label_layers[0], result.image[..., 0].astype(int)
    padded = (result.image == PADDING_RGB).all(axis=-1)
    for value in (1, 2):
        # Away from edges, where both are interpolated, they must agree exactly.
        core = binary_erosion(labels == value, iterations=4)
        assert (np.abs(grey[core] - LEVELS[value]) <= 1).all()
    ground = (labels == 0) & ~padded
    core = binary_erosion(ground, iterations=4)
    assert (np.abs(grey[core] - LEVELS[0]) <= 1).all()


@pytest.mark.usefixtures("same_light")
@pytest.mark.parametrize("seed", range(10))
def test_parts_stay_in_their_wholes(seed):
    result = augment_seeded(two_squares(), seed, size=64)
    whole, part = result.label_layers
    assert (whole[part > 0] > 0).all()


@pytest.mark.parametrize("seed", range(10))
def test_a_zoomed_object_has_the_size_asked_for(seed):
    labels = np.zeros((1, 400, 400), dtype=np.int32)
    labels[0, 180:220, 195:205] = 3
    sample = Sample(np.zeros((400, 400, 3), np.uint8), labels, "bar", "bar")
    zoom = Zoom(object_probability=1.0, object_fraction=(0.4, 0.4))
    result = augment_seeded(sample, seed, size=100, zoom=zoom)
    # 40 x 10 pixels become 40 x 10, give or take the shear.
    assert 300 <= (result.label_layers == 3).sum() <= 520


def test_magnification_is_limited():
    labels = np.zeros((1, 50, 50), dtype=np.int32)
    labels[0, 20:24, 20:24] = 1
    sample = Sample(np.zeros((50, 50, 3), np.uint8), labels, "dot", "dot")
    zoom = Zoom(1.0, object_fraction=(0.5, 0.5), largest_magnification=2.0)
    result = augment_seeded(sample, 0, size=100, zoom=zoom)
    assert (result.label_layers == 1).sum() <= 1.5 * 16 * 4


def test_sample_without_objects():
    sample = Sample(
        np.full((30, 30, 3), 7, np.uint8), np.zeros((1, 30, 30), np.int32), "e", "e"
    )
    result = augment_seeded(sample, 0, size=32)
    assert not result.label_layers.any()


def test_evaluation_view_pads_right_and_bottom():
    result = evaluation_view(two_squares(60, 80), 160)
    assert result.image.shape == (160, 160, 3)
    assert (result.image[120:] == PADDING_RGB).all()
    assert not result.label_layers[:, 120:].any()
    expected = two_squares(60, 80).label_layers.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(result.label_layers[:, :120], expected)


def test_evaluation_view_rounds_as_the_network_does():
    sample = Sample(
        np.full((3, 7, 3), 9, np.uint8), np.ones((1, 3, 7), np.int32), "e", "e"
    )
    result = evaluation_view(sample, 32)
    # 3 * 32 / 7 = 13.7, rounded to 14.
    assert (result.label_layers[0].sum(axis=0) == 14).all()
    assert (result.image[:14] == 9).all()


def test_evaluation_view_of_a_thin_image_keeps_a_row():
    sample = Sample(
        np.full((1, 99, 3), 9, np.uint8), np.ones((1, 1, 99), np.int32), "e", "e"
    )
    result = evaluation_view(sample, 32)
    np.testing.assert_array_equal(result.label_layers[0].sum(axis=0), np.ones(32))


def test_evaluation_view_of_a_fitting_image_changes_nothing():
    sample = two_squares(64, 64)
    result = evaluation_view(sample, 64)
    np.testing.assert_array_equal(result.image, sample.image)
    np.testing.assert_array_equal(result.label_layers, sample.label_layers)


def test_promptable_ids_by_hand():
    layer = np.zeros((10, 10), dtype=np.int32)
    layer[0, :5] = 4
    layer[2:4] = 9
    np.testing.assert_array_equal(promptable_ids(layer, min_area=5), [4, 9])
    np.testing.assert_array_equal(promptable_ids(layer, min_area=6), [9])
    np.testing.assert_array_equal(
        promptable_ids(layer, min_area=5, max_fraction=0.1), [4]
    )
    assert len(promptable_ids(np.zeros((4, 4), dtype=np.int32))) == 0


def test_no_padding_between_object_and_mirror():
    """Where the crop mirrors, no pixel has the colour of padding."""
    sample = two_squares()
    zoom = Zoom(object_probability=0.0, jitter_scale=(0.9, 0.9))
    kinds = set()
    for seed in range(20):
        image = augment_seeded(sample, seed, size=64, zoom=zoom).image
        is_padding = (image == PADDING_RGB).all(axis=-1)
        kinds.add(bool(minimum_filter(is_padding, 5).any()))
    assert kinds == {True, False}
