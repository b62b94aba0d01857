"""What was found is shown anew with every threshold, and nobody's work with it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam.layers.found_layer import FoundLayer
from napari_sam.layers.painted_levels import painted_levels
from napari_sam.state.everything import FoundObjects
from tilesam.annotation import ArrayTarget, objects_segmentation
from tilesam.everything.settings import EverythingSettings

SCALE = (0.5, 0.25)


@pytest.fixture
def image():
    return Image(np.zeros((40, 60), np.uint8), name="cells", scale=SCALE, rotate=20)


@pytest.fixture
def layers(image):
    viewer = ViewerModel()
    viewer.add_layer(image)
    return viewer.layers


def found(*labels: int, is_large: bool = False) -> FoundObjects:
    array = np.zeros((40, 60), np.uint32)
    for label in labels:
        array[4 * label : 4 * label + 3, 10:20] = label
    segmentation = objects_segmentation(ArrayTarget(array), model_name="tiny")
    extent, offset_yx = (2, 5, 40, 60), (2, 5)
    settings = EverythingSettings()
    if is_large:
        levels = tuple(painted_levels(segmentation, extent))
        return FoundObjects(segmentation, None, offset_yx, settings, levels)
    crop = segmentation.labels(extent)
    return FoundObjects(segmentation, crop, offset_yx, settings)


def test_objects_lie_on_their_pixels_and_say_where_they_come_from(layers, image):
    shown = FoundLayer(layers, image)
    shown.show(found(1, 3), ())
    world = image.data_to_world((13.0, 15.0))
    assert shown.layer.get_value(world, world=True) == 3
    features = shown.layer.features
    assert list(features["index"]) == [1, 3]
    assert set(features["prompt_kind"]) == {"everything"}
    assert set(features["model_name"]) == {"tiny"}


def test_other_thresholds_fill_the_same_layer(layers, image):
    shown = FoundLayer(layers, image)
    shown.show(found(1, 3), ())
    first = shown.layer
    shown.show(found(2), ())
    assert shown.layer is first
    assert list(first.features["index"]) == [2]
    assert set(np.unique(first.data)) == {0, 2}


@pytest.mark.parametrize("how", ["painted", "chosen", "deleted"])
def test_what_is_somebody_s_own_is_left_alone(layers, image, how):
    chosen = []
    shown = FoundLayer(layers, image, is_taken=lambda layer: layer in chosen)
    shown.show(found(1, 3), ())
    first = shown.layer
    if how == "painted":
        first.data_setitem((np.array([0]), np.array([0])), 9)
    elif how == "chosen":
        chosen.append(first)
    else:
        layers.remove(first)
    before = first.data.copy()
    shown.show(found(2), ())
    assert shown.layer is not first
    assert shown.layer in layers
    np.testing.assert_array_equal(first.data, before)


def test_a_large_result_has_several_resolutions(layers, image, monkeypatch):
    monkeypatch.setattr("napari_sam.layers.painted_levels.CHUNK", 16)
    shown = FoundLayer(layers, image)
    shown.show(found(1), ())
    small = shown.layer
    shown.show(found(1, 3, is_large=True), ())
    assert small not in layers
    assert shown.layer.multiscale
    assert np.asarray(shown.layer.data[0]).shape == (38, 55)
    assert list(shown.layer.features["index"]) == [1, 3]
