"""Segmenting everything in a real viewer, by the embedded model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from skimage import data

from napari_sam.menu import show_dock, show_everything
from napari_sam.views.records import AskChoices
from tests.plugin.viewer.canvas import Person

pytestmark = pytest.mark.gui


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


def test_all_of_a_view_are_accepted_and_taken_back_as_one_step(viewer: Any) -> None:
    viewer.add_image(np.tile(data.coins(), (2, 2)), name="coins")
    dock = show_dock(viewer, "Segment everything")
    person, panel, annotator = Person(viewer), dock.everything, dock.annotator
    person.wait(lambda: annotator.session is not None)
    viewer.scene.camera.zoom = 4
    viewer.scene.camera.center = (150, 200)
    person.rest()
    panel.set_ask(AskChoices(where="view", points_per_side=8))
    panel.run.click()
    person.wait(lambda: annotator.everything.found is not None, seconds=120)
    found = annotator.everything.found
    assert found.labels.shape != (606, 768)
    panel.accept.click()
    objects = annotator.objects.current
    y0, x0 = found.offset_yx
    height, width = found.labels.shape
    part = objects.layer.data[y0 : y0 + height, x0 : x0 + width]
    np.testing.assert_array_equal(part, found.labels)
    assert np.count_nonzero(objects.layer.data) == np.count_nonzero(found.labels)
    assert len(objects) == found.count
    assert {row.prompt_kind for row in objects.rows} == {"everything"}
    assert not viewer.layers["everything: coins"].visible
    assert annotator.keeper.path is not None  # it is saved already

    # What is a part only cannot be the objects layer.
    annotator.choose_objects(viewer.layers["everything: coins"])
    assert "expected (606, 768)" in annotator.annotation.message
    assert annotator.objects.current is objects

    annotator.undo()
    assert not objects.layer.data.any()
    assert len(objects) == 0
    annotator.redo()
    assert len(objects) == found.count
