"""Somebody deletes and renames layers of the plugin while it is at work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.everything import EverythingController
from napari_sam.docks.everything_dock import SegmentEverything
from napari_sam.docks.prompt_docks import BoxPrompts, PointPrompts
from napari_sam.docks.tiles_dock import TilesAndModel
from tests.plugin.viewer.annotating import (
    COIN,
    OTHER_COIN,
    click_object,
    hold_encoder,
    is_answered,
    many_coins,
    open_dock,
    state_of,
    value_at,
)
from tests.plugin.viewer.canvas import Person
from tests.plugin.viewer.test_closing import logged_errors, open_at_the_end

pytestmark = pytest.mark.gui

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.parametrize("name", ["points", "boxes"])
def test_without_its_prompts_an_annotation_ends(viewer: Any, name: str) -> None:
    dock, person = open_dock(viewer, PointPrompts if name == "points" else BoxPrompts)
    first = dock.annotator
    dock.annotator.prompt_layers.points.add(COIN)
    person.wait(lambda: is_answered(dock, 1))
    viewer.layers.remove(getattr(first.prompt_layers, name))
    person.rest()
    assert first.is_closed
    assert dock.annotator is None
    assert [layer.name for layer in viewer.layers] == ["coins"]
    # With software OpenGL napari 0.9.2 ends the process when it draws a Points layer
    # after another one was removed; so nothing is drawn here any more.
    assert "Choose the image to begin again" in dock.prompts.message.text()


def test_candidates_that_were_deleted_come_back(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    click_object(dock, person, COIN)
    for rank in range(3):
        viewer.layers.remove(dock.annotator.candidate_layers.layer(rank))
    person.rest()
    # What is not seen is still chosen, and can be accepted.
    person.press(Qt.Key.Key_C)
    assert state_of(dock).chosen == 1
    assert click_object(dock, person, OTHER_COIN).visible


def test_objects_that_were_deleted_are_begun_anew(
    viewer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    click_object(dock, person, COIN)
    person.press(Qt.Key.Key_Q)
    first = annotator.objects.current.layer
    click_object(dock, person, OTHER_COIN)
    viewer.layers.remove(first)
    assert annotator.objects.current is None
    assert dock.objects.panel.count.text() == "0 objects"
    person.press(Qt.Key.Key_Z, CTRL)  # there is nothing to undo any more
    assert (first.data == 1).any()
    assert state_of(dock).candidates
    annotator.prompt_layers.use_points()
    person.press(Qt.Key.Key_Q)
    second = annotator.objects.current.layer
    assert second is not first
    assert second in viewer.layers
    assert value_at(second, OTHER_COIN) == 1
    assert not value_at(second, COIN)
    assert logged_errors(caplog) == []


def test_everything_else_that_it_draws_may_be_deleted(viewer: Any) -> None:
    dock, person = open_dock(viewer, SegmentEverything)
    annotator, region = dock.annotator, dock.annotator.region
    run_everything(dock, person)
    found = viewer.layers["everything: coins"]
    annotator.tile_map.show()
    for layer in (annotator.tile_map.layer, found):
        viewer.layers.remove(layer)
        person.rest(0.02)
    assert annotator.tile_map.layer is None
    run_everything(dock, person)
    again = viewer.layers["everything: coins"]
    assert again is not found
    np.testing.assert_array_equal(again.data, found.data)
    annotator.tile_map.show()
    assert annotator.tile_map.layer in viewer.layers

    region.draw()
    region.layer.add_rectangles(np.array([(10, 10), (10, 60), (50, 60), (50, 10)]))
    assert annotator.window("region") is not None
    # Nothing is drawn from here on: see above, Shapes have points, too.
    viewer.layers.remove(region.layer)
    assert annotator.window("region") is None
    region.draw()
    assert region.layer in viewer.layers


def run_everything(dock: Any, person: Person) -> None:
    state = dock.annotator.everything
    state.found = None
    state.settings = replace(state.settings, points_per_side=4)
    dock.annotator.controller(EverythingController).run()
    person.wait(lambda: state.found is not None and not state.is_resolving)


@pytest.mark.parametrize("kind", [TilesAndModel, SegmentEverything])
def test_the_image_is_removed_while_all_of_it_is_worked_on(
    viewer: Any, caplog: pytest.LogCaptureFixture, kind: type
) -> None:
    dock, person = open_dock(viewer, kind, many_coins())
    annotator = dock.annotator
    above = viewer.add_labels(np.zeros((606, 768), np.uint8), name="theirs")
    gate = hold_encoder(dock)
    if kind is TilesAndModel:
        annotator.controller(EmbeddingController).start()
    else:
        annotator.controller(EverythingController).run()
    person.wait(lambda: gate.calls == 1)
    open_at_the_end(gate, annotator)
    viewer.layers.remove(annotator.image)
    person.rest(0.3)
    assert annotator.is_closed
    assert dock.annotator is None
    assert list(viewer.layers) == [above]
    assert logged_errors(caplog) == []


def test_renamed_layers_are_known_by_themselves(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    candidate = click_object(dock, person, COIN)
    person.press(Qt.Key.Key_Q)
    objects = annotator.objects.current.layer
    mine = {
        annotator.image: "my image",
        annotator.prompt_layers.points: "my points",
        annotator.prompt_layers.boxes: "my boxes",
        candidate: "my candidate",
        objects: "my objects",
    }
    for layer, name in mine.items():
        layer.name = name
    # Names of layers that are gone are taken by others.
    viewer.add_labels(np.zeros((303, 384), np.uint8), name="objects: coins")
    viewer.add_image(np.zeros((303, 384), np.uint8), name="coins")
    annotator.prompt_layers.use_points()

    assert click_object(dock, person, OTHER_COIN) is candidate
    person.press(Qt.Key.Key_Q)
    assert annotator.objects.current.layer is objects
    assert value_at(objects, OTHER_COIN) == 2
    assert {layer: layer.name for layer in mine} == mine
    assert dock.images.currentText() == "my image"
    texts = [
        dock.objects.panel.layers.itemText(i)
        for i in range(dock.objects.panel.layers.count())
    ]
    assert "my objects" in texts
    assert not any("candidate" in text for text in texts)
