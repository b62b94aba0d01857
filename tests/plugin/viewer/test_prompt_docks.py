"""Points and boxes in a real viewer, by mouse and keys, answered by the real model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from skimage import data

from napari_sam.annotators import close_all, open_session
from napari_sam.docks.prompt_docks import BoxPrompts, PointPrompts
from tests.plugin.viewer.canvas import Person
from tilesam.errors import ImageError

pytestmark = pytest.mark.gui

COIN, OTHER_COIN, GROUND = (120.0, 45.0), (45.0, 107.0), (8.0, 8.0)
"""Rows and columns of the middles of two coins, and of a place beside them."""

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Iterator[Any]:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1100, 800)
    yield viewer
    close_all(viewer)


def open_dock(viewer: Any, kind: type, **options: Any) -> tuple[Any, Person]:
    viewer.add_image(data.coins(), name="coins", **options)
    dock = kind(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    person = Person(viewer)
    person.wait(lambda: dock.annotator.session is not None)
    person.rest()
    viewer.reset_view()
    return dock, person


def state_of(dock: Any) -> Any:
    return dock.annotator.annotation


def is_answered(dock: Any, prompts: int) -> bool:
    state = state_of(dock)
    return (
        bool(state.candidates) and not state.is_busy and len(state.answered) == prompts
    )


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
    assert dock.objects.count.text() == "1 object"

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


def test_the_mask_lies_under_the_click_in_the_world(viewer: Any) -> None:
    dock, person = open_dock(
        viewer,
        PointPrompts,
        scale=(0.5, 0.5),
        rotate=30,
        translate=(7, -20),
        units=("um", "um"),
    )
    image = dock.annotator.image
    world = image.data_to_world(COIN)
    person.click(world)
    person.wait(lambda: is_answered(dock, 1))
    np.testing.assert_allclose(
        dock.annotator.prompt_layers.points.data[0], COIN, atol=2
    )
    layer = dock.annotator.candidate_layers.layer(0)
    pixel = np.rint(layer.world_to_data(world)).astype(int)
    assert layer.data[tuple(pixel)] == 1


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


def test_removing_prompts_ends_it(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    first = dock.annotator
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    viewer.layers.remove(first.prompt_layers.points)
    person.rest()
    assert first.is_closed
    assert dock.annotator is None
    assert [layer.name for layer in viewer.layers] == ["coins"]
    # With software OpenGL napari 0.9.2 ends the process when it draws a Points layer
    # after another one was removed; so nothing is drawn here any more.
    assert "choose an image" in dock.prompts.message.text()


def test_removing_candidates_only_hides_them(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    person.click(COIN)
    person.wait(lambda: is_answered(dock, 1))
    for rank in range(3):
        viewer.layers.remove(dock.annotator.candidate_layers.layer(rank))
    person.rest()
    person.click(OTHER_COIN)
    person.wait(lambda: is_answered(dock, 2))
    assert dock.annotator.candidate_layers.layer(0).visible


def test_two_images_have_prompts_of_their_own(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    first = dock.annotator
    second_image = viewer.add_image(data.coins()[::-1], name="upside down")
    dock.show_image(second_image)
    second = dock.annotator
    assert second is not first
    assert open_session(viewer, first.image) is first
    person.wait(lambda: second.session is not None)
    person.rest()
    person.click(COIN)
    person.wait(lambda: bool(second.annotation.candidates))
    assert not first.annotation.candidates
    with pytest.raises(ImageError, match="no image layer of this viewer"):
        open_session(viewer, second.prompt_layers.points)


@pytest.mark.parametrize("answer", ["keep", "overwrite", None])
def test_what_to_do_with_pixels_of_other_objects_is_asked(
    viewer: Any, monkeypatch: pytest.MonkeyPatch, answer: str | None
) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    annotator = dock.annotator
    # Chosen before there is a layer, it holds for the one that is chosen then.
    dock.objects.policy_changed.emit("ask")
    labels = viewer.add_labels(np.zeros((303, 384), np.uint32), name="theirs")
    labels.data[110:130, 30:45] = 7
    assert "theirs" in [
        dock.objects.layers.itemText(i) for i in range(dock.objects.layers.count())
    ]
    dock.objects.layer_chosen.emit(labels)
    assert dock.objects.policy == "ask"
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
