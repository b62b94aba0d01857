"""Points and boxes in a real viewer, by mouse and keys, answered by the real model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam.docks.prompt_docks import BoxPrompts, PointPrompts
from tests.plugin.viewer.annotating import (
    COIN,
    GROUND,
    OTHER_COIN,
    click_object,
    is_answered,
    open_dock,
    state_of,
)

pytestmark = pytest.mark.gui

OTHER_GROUND, BESIDE_THE_MIDDLE = (155.0, 50.0), (130.0, 52.0)

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


def test_click_cycle_accept_undo_redo(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    names = [layer.name for layer in viewer.layers]
    assert sum(name.startswith("candidate ") for name in names) == 3
    assert dock.prompts.candidates.chosen_rank == 0
    person.wait(lambda: dock.prompts.candidates.rows[0].thumbnail is not None)
    visible = [x.name for x in viewer.layers if "candidate" in x.name and x.visible]
    assert visible == [annotator.candidate_layers.layer(0).name]
    # The mask of the best candidate is under the click.
    best = state_of(dock).candidates[0]
    y, x = (round(c - o) for c, o in zip(COIN, best.offset_yx, strict=True))
    assert best.mask[y, x]

    person.press(Qt.Key.Key_C)
    assert state_of(dock).chosen == 1
    assert annotator.candidate_layers.layer(1).visible
    assert not annotator.candidate_layers.layer(0).visible
    chosen = state_of(dock).candidates[1]

    person.press(Qt.Key.Key_Q)
    labels = annotator.objects.current.layer
    assert (labels.data == 1).sum() == chosen.area
    # Later answers lie above what was accepted.
    order = [layer.name for layer in viewer.layers]
    assert order.index(labels.name) < order.index("candidate 3")
    shown = [x for x in viewer.layers if x.name.startswith("candidate") and x.visible]
    assert shown == []
    assert len(annotator.prompt_layers.points.data) == 0
    assert labels.features["prompt_kind"].tolist() == ["points"]
    assert dock.objects.panel.count.text() == "1 object"

    person.press(Qt.Key.Key_Z, CTRL)
    assert not labels.data.any()
    person.press(Qt.Key.Key_Z, CTRL | SHIFT)
    assert (labels.data == 1).sum() == chosen.area


def test_accepting_before_the_answer_is_there(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    person.click(COIN)
    assert state_of(dock).is_busy
    person.press(Qt.Key.Key_Q)
    person.wait(lambda: len(dock.annotator.objects.current) == 1)
    assert dock.annotator.objects.current.layer.data[tuple(map(int, COIN))] == 1


def test_a_negative_point_and_a_second_object(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    person.click(GROUND, SHIFT)
    person.wait(lambda: is_answered(dock, 2))
    assert state_of(dock).prompts.point_labels == (1, 0)
    points = dock.annotator.prompt_layers.points
    assert points.features["polarity"].tolist() == ["positive", "negative"]
    assert "+1" in dock.prompts.counts.text()
    # The key turns all further points, and the modifier turns one of those back.
    person.press(Qt.Key.Key_T)
    person.click(OTHER_GROUND)
    person.wait(lambda: is_answered(dock, 3))
    person.click(BESIDE_THE_MIDDLE, SHIFT)
    person.wait(lambda: is_answered(dock, 4))
    assert state_of(dock).prompts.point_labels == (1, 0, 0, 1)
    person.press(Qt.Key.Key_T)
    dock.prompts.accept.click()
    person.click(OTHER_COIN)
    person.wait(lambda: is_answered(dock, 1))
    dock.prompts.accept.click()
    labels = dock.annotator.objects.current.layer.data
    assert labels[tuple(map(int, COIN))] == 1
    assert labels[tuple(map(int, OTHER_COIN))] == 2


def test_a_box(viewer: Any) -> None:
    dock, person = open_dock(viewer, BoxPrompts)
    person.drag((95.0, 20.0), (147.0, 72.0))
    person.wait(lambda: is_answered(dock, 1))
    assert len(state_of(dock).prompts.boxes_yxyx) == 1
    best = state_of(dock).candidates[0]
    assert best.token == 0
    y0, x0, y1, x1 = best.bounds_yxyx
    assert abs(y0 - 95) < 15
    assert abs(x1 - 72) < 15
    assert y1 > 130
    assert x0 < 35


def test_removing_the_image_ends_it(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    dock.prompts.accept.click()
    person.click(OTHER_COIN)  # and do not wait for the answer
    viewer.layers.remove(annotator.image)
    person.rest()
    assert annotator.is_closed
    assert dock.annotator is None
    assert [layer.name for layer in viewer.layers] == ["objects: coins"]
    assert "Open or choose an image" in dock.prompts.message.text()


@pytest.mark.parametrize("answer", ["keep", "overwrite", None])
def test_what_to_do_with_pixels_of_other_objects_is_asked(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, answer: str | None
) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    # Chosen before there is a layer, it holds for the one that is chosen then.
    dock.objects.panel.policy_changed.emit("ask")
    labels = viewer.add_labels(np.zeros((303, 384), np.uint32), name="theirs")
    labels.data[110:130, 30:45] = 7
    assert "theirs" in [
        dock.objects.panel.layers.itemText(i)
        for i in range(dock.objects.panel.layers.count())
    ]
    dock.objects.panel.layer_chosen.emit(labels)
    assert dock.objects.panel.policy == "ask"
    annotator.prompt_layers.use_points()
    asked = []
    monkeypatch.setattr(
        "napari_sam.docks.prompt_docks.ask_overlap",
        lambda _parent, labels, pixels: asked.append((list(labels), pixels)) or answer,
    )
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    dock.prompts.accept.click()
    person.wait(lambda: asked)
    person.rest()
    ((names, pixels),) = asked
    assert names == [7]
    assert 0 < pixels <= 300
    sevens = (labels.data == 7).sum()
    assert sevens == (300 - pixels if answer == "overwrite" else 300)
    assert (labels.data == 8).any() == (answer is not None)
    assert bool(state_of(dock).candidates) == (answer is None)


def test_a_click_beside_the_image_is_taken_back_and_the_next_one_counts(
    viewer: Any,
) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    points = dock.annotator.prompt_layers.points
    person.click((-12.0, 45.0))
    person.rest()
    assert len(points.data) == 0
    assert "no image where you clicked" in dock.annotator.annotation.message
    click_object(dock, person, COIN)
    assert len(points.data) == 1
    assert dock.annotator.annotation.message == ""
