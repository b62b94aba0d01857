"""Several viewers, images and docks at once: none disturbs another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from skimage import data

from napari_sam.annotators import open_session
from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.docks.prompt_docks import BoxPrompts, PointPrompts
from napari_sam.menu import show_boxes, show_dock, show_points
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
    wait_until_open,
)
from tests.plugin.viewer.canvas import Person
from tilesam.errors import ImageError

pytestmark = pytest.mark.gui


def test_two_viewers_know_nothing_of_each_other(
    open_viewer: Callable[..., Any],
) -> None:
    left, right = open_viewer(), open_viewer()
    dock, person = open_dock(left, PointPrompts)
    other_dock, other_person = open_dock(right, PointPrompts, scale=(2, 2))
    # Both wait at once, each for its own answer.
    person.click(COIN)
    other_person.click((2 * OTHER_COIN[0], 2 * OTHER_COIN[1]))
    person.wait(lambda: is_answered(dock, 1) and is_answered(other_dock, 1))
    shown = dock.annotator.candidate_layers.layer(0)
    other = other_dock.annotator.candidate_layers.layer(0)
    assert value_at(shown, COIN) == 1
    assert not value_at(shown, OTHER_COIN)
    assert value_at(other, np.multiply(OTHER_COIN, 2)) == 1
    assert shown not in right.layers

    person.press(Qt.Key.Key_Q)
    assert dock.annotator.objects.current is not None
    assert other_dock.annotator.objects.current is None
    other_person.press(Qt.Key.Key_C)
    assert (state_of(dock).chosen, state_of(other_dock).chosen) == (0, 1)

    # Of two canvases that were drawn, vispy 0.17 deletes buffers of the other one with
    # those of a viewer that is closed: nothing is drawn here any more.
    other_person.window.hide()
    left.close()
    assert dock.annotator is None
    assert not other_dock.annotator.is_closed
    other_dock.annotator.prompt_layers.points.add(COIN)
    person.wait(lambda: is_answered(other_dock, 2))
    other_dock.prompts.accept.click()
    assert len(other_dock.annotator.objects.current) == 1


def test_the_same_layer_in_two_viewers(open_viewer: Callable[..., Any]) -> None:
    left, right = open_viewer(), open_viewer()
    dock, person = open_dock(left, PointPrompts)
    with pytest.raises(ImageError, match="no image layer of this viewer"):
        open_session(right, dock.annotator.image)
    right.add_layer(dock.annotator.image)
    second = open_session(right, dock.annotator.image)
    person.wait(lambda: second.session is not None)
    assert second is not dock.annotator
    left.layers.clear()
    assert dock.annotator is None
    assert not second.is_closed


def test_two_images_have_prompts_of_their_own(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    first = dock.annotator
    second_image = viewer.add_image(data.coins()[::-1], name="upside down")
    dock.show_image(second_image)
    second = dock.annotator
    assert second is not first
    assert open_session(viewer, first.image) is first
    wait_until_open(dock, person)
    person.click(COIN)
    person.wait(lambda: bool(second.annotation.candidates))
    assert not first.annotation.candidates
    with pytest.raises(ImageError, match="no image layer of this viewer"):
        open_session(viewer, second.prompt_layers.points)


def test_two_docks_for_two_images(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    beside = viewer.add_image(data.coins(), name="beside", translate=(0, 400))
    other_dock = PointPrompts(viewer)
    viewer.window.add_dock_widget(other_dock, area="left")
    other_dock.show_image(beside)
    wait_until_open(other_dock, person)
    viewer.reset_view()
    first, second = dock.annotator, other_dock.annotator
    assert (first.image.name, second.image.name) == ("coins", "beside")

    first.prompt_layers.use_points()
    click_object(dock, person, COIN)
    second.prompt_layers.use_points()
    there = (OTHER_COIN[0], OTHER_COIN[1] + 400)
    click_object(other_dock, person, there)
    # Each has what was asked of it, and both are seen.
    assert dock.prompts.counts.text() == other_dock.prompts.counts.text()
    shown = [first.candidate_layers.layer(0), second.candidate_layers.layer(0)]
    assert all(layer.visible for layer in shown)
    assert value_at(shown[0], COIN) == value_at(shown[1], there) == 1

    # Keys go where the active layer belongs.
    person.press(Qt.Key.Key_Q)
    assert first.objects.current is None
    assert value_at(second.objects.current.layer, there) == 1
    dock.prompts.accept.click()
    assert value_at(first.objects.current.layer, COIN) == 1
    assert len(second.objects.current) == 1

    viewer.layers.remove(beside)
    assert second.is_closed
    assert other_dock.annotator in (None, first)
    assert not first.is_closed


def test_two_docks_for_one_image_show_the_same(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    boxes = BoxPrompts(viewer)
    viewer.window.add_dock_widget(boxes, area="left")
    person.rest()
    assert boxes.annotator is dock.annotator
    dock.annotator.prompt_layers.use_points()
    click_object(dock, person, COIN)
    assert boxes.prompts.candidates.chosen_rank == 0
    assert boxes.prompts.counts.text() == dock.prompts.counts.text()
    # Points and a box are one question.
    dock.annotator.prompt_layers.use_boxes()
    person.drag((95.0, 20.0), (147.0, 72.0))
    person.wait(lambda: is_answered(dock, 2))
    assert len(state_of(dock).answered.boxes_yxyx) == 1
    boxes.prompts.accept.click()
    assert (
        dock.objects.panel.count.text()
        == boxes.objects.panel.count.text()
        == "1 object"
    )
    assert value_at(dock.annotator.objects.current.layer, COIN) == 1


def test_a_dock_that_is_opened_again_is_the_same(viewer: Any) -> None:
    viewer.add_image(data.coins(), name="coins")
    show_points(viewer)
    dock = show_dock(viewer, "Point prompts")
    assert show_dock(viewer, "Point prompts") is dock
    annotator = dock.annotator
    viewer.layers.selection.active = annotator.image
    show_boxes(viewer)
    boxes = show_dock(viewer, "Box prompts")
    assert boxes is not dock
    assert boxes.annotator is annotator

    # Closed and opened again, in the midst of the same annotation.
    viewer.window.remove_dock_widget(dock.parent())
    assert not annotator.is_closed
    viewer.layers.selection.active = annotator.image
    again = show_dock(viewer, "Point prompts")
    assert again.annotator is annotator
    Person(viewer).rest()  # tools are taken up a moment later
    layers = [layer.name for layer in viewer.layers]
    assert len(set(layers)) == len(layers)
    assert {"boxes: coins", "coins", "points: coins"} <= set(layers)


def test_images_are_switched_to_and_fro_during_work(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts, many_coins())
    first = dock.annotator
    second_image = viewer.add_image(data.coins(), name="single", translate=(0, 800))
    gate = hold_encoder(dock)
    first.controller(EmbeddingController).start()
    person.wait(gate.is_reached)
    for _ in range(3):
        dock.show_image(second_image)
        person.rest(0.02)
        dock.show_image(first.image)
        person.rest(0.02)
    assert dock.annotator is first
    dock.show_image(second_image)
    # The other one is answered while the first one's work goes on.
    wait_until_open(dock, person)
    viewer.reset_view()
    second = dock.annotator
    candidate = click_object(dock, person, (COIN[0], COIN[1] + 800))
    assert value_at(candidate, (COIN[0], COIN[1] + 800)) == 1
    assert first.embedding.is_running
    assert not first.annotation.candidates

    gate.open(times=1000)
    person.wait(lambda: not first.embedding.is_running)
    assert len(first.embedding.stored) == len(first.session.plan())
    dock.show_image(first.image)
    assert dock.prompts.candidates.rows == ()
    dock.show_image(second_image)
    assert dock.annotator is second
    assert len(dock.prompts.candidates.rows) == 3


def test_answers_for_one_image_are_no_objects_of_another(viewer: Any) -> None:
    first, person = open_dock(viewer, PointPrompts, name="first")
    click_object(first, person, COIN)
    second, person = open_dock(viewer, PointPrompts, many_coins(1), name="second")
    second.show_image(viewer.layers["second"])
    wait_until_open(second, person)
    boxes = second.objects.panel.layers
    assert [boxes.itemText(i) for i in range(boxes.count())] == []
    viewer.layers["second"].name = "renamed"
    names = [first.images.itemText(i) for i in range(first.images.count())]
    assert names == ["renamed", "first"]


def test_a_menu_entry_finds_the_dock_that_is_open(viewer: Any) -> None:
    viewer.add_image(many_coins(1), name="coins")
    dock = PointPrompts(viewer)
    viewer.window.add_dock_widget(dock, name="Point prompts (SAM tiles)")
    assert show_dock(viewer, "Point prompts") is dock
