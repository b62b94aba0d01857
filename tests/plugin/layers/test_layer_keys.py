"""Keys of the plugin reach the plugin, and napari has its own back afterwards."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.key_bindings import KeymapHandler

from napari_sam.layers.layer_keys import bind_keys, unbind_keys

UNDO = "Control-Z"


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def layer(viewer):
    return viewer.add_labels(np.zeros((9, 9), np.uint8))


def press(viewer: ViewerModel, layer: Layer, key: str) -> None:
    """Press a key while a layer is active: napari asks the layer, then the viewer."""
    handler = KeymapHandler()
    handler.keymap_providers = [layer, viewer]
    handler.press_key(key)
    handler.release_key(key)


def test_undo_of_one_layer_is_the_plugins_and_that_of_others_naparis(viewer, layer):
    other, pressed = viewer.add_labels(np.zeros((9, 9), np.uint8)), []
    bind_keys(layer, {UNDO: lambda: pressed.append("undo")})
    layer.paint((4, 4), 1)
    other.paint((4, 4), 1)

    press(viewer, layer, UNDO)
    press(viewer, other, UNDO)

    assert pressed == ["undo"]
    assert layer.data[4, 4] == 1
    assert other.data[4, 4] == 0


def test_what_an_action_returns_is_not_called(viewer, layer):
    def never() -> None:
        raise AssertionError("taken for a callback of the release")

    bind_keys(layer, {"N": lambda: never})

    press(viewer, layer, "N")


def test_binding_again_replaces_and_unbinding_gives_back(viewer, layer):
    pressed = []
    bind_keys(layer, {UNDO: lambda: pressed.append(1)})
    bind_keys(layer, {UNDO: lambda: pressed.append(2)})
    layer.paint((4, 4), 1)
    press(viewer, layer, UNDO)
    assert pressed == [2]

    unbind_keys(layer, [UNDO])
    press(viewer, layer, UNDO)
    assert pressed == [2]
    assert layer.data[4, 4] == 0
