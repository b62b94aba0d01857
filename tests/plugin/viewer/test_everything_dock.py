"""Segmenting everything in a real viewer, by the embedded model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from skimage import data

from napari_sam.annotators import close_all
from napari_sam.menu import show_dock, show_everything
from napari_sam.views.records import AskChoices
from tests.plugin.viewer.canvas import Person

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Iterator[Any]:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1100, 800)
    yield viewer
    close_all(viewer)


def test_find_everything_then_move_a_threshold(viewer: Any) -> None:
    image = viewer.add_image(data.coins(), name="coins", scale=(0.5, 0.5))
    dock = show_dock(viewer, "Segment everything")
    person, panel, annotator = Person(viewer), dock.everything, dock.annotator
    person.wait(lambda: annotator.session is not None)
    assert panel.keep.pred_iou_thresh == 0.5  # what the model recommends
    panel.set_ask(AskChoices(where="image", points_per_side=8))
    panel.run.click()
    assert panel.progress.is_running
    person.wait(lambda: annotator.everything.found is not None, seconds=120)
    found = annotator.everything.found
    layer = viewer.layers["everything: coins"]
    assert found.count > 3
    assert f"{found.count} objects" in panel.count.text()
    assert layer.features["index"].tolist() == list(range(1, found.count + 1))
    np.testing.assert_array_equal(np.unique(layer.data)[1:], layer.features["index"])
    # Objects lie on the image in the world.
    place = np.argwhere(layer.data == 1)[0]
    world = layer.data_to_world(place)
    np.testing.assert_allclose(image.world_to_data(world), place, atol=1e-6)

    decoded = annotator.everything.progress
    panel.keep_box.iou.setValue(0.75)
    person.wait(lambda: annotator.everything.found is not found)
    assert annotator.everything.found.count < found.count
    assert annotator.everything.progress is decoded
    assert viewer.layers["everything: coins"] is layer
    assert layer.data.max() == annotator.everything.found.count


def test_only_the_view_is_asked_about(viewer: Any) -> None:
    image = viewer.add_image(np.tile(data.coins(), (3, 3)), name="many coins")
    viewer.add_image(data.coins(), name="above", visible=False)
    viewer.layers.selection.active = image
    show_everything(viewer)
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-sam-tiles", "Segment everything"
    )
    assert dock.annotator.image is image
    person, annotator = Person(viewer), dock.annotator
    person.wait(lambda: annotator.session is not None)
    viewer.scene.camera.zoom = 8
    viewer.scene.camera.center = (60, 60)
    person.rest()
    dock.everything.set_ask(AskChoices(where="view", points_per_side=6))
    dock.everything.run.click()
    person.wait(lambda: annotator.everything.found is not None, seconds=120)
    region = annotator.everything.region
    assert region.y0 < 60 < region.y0 + region.height < 200
    assert region.x0 < 60 < region.x0 + region.width < 250
    assert annotator.everything.progress.total < len(annotator.session.plan())
