"""Objects compared in the background, while a threshold and other work go on."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam.controllers.similarity import SimilarityController
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.similarity import Comparison, SimilarityState
from napari_sam.threads.engine_thread import Job, Priority
from tests.plugin.fake_window import Gate
from tilesam import Session
from tilesam.annotation.history import EditHistory
from tilesam.annotation.objects import ObjectLabels
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.targets import ArrayTarget
from tilesam.similarity import object_vectors
from tilesam.similarity.label_boxes import LabelBoxes
from tilesam.similarity.ranking import SimilarObjects
from tilesam.testing.models import tiny_random_model

HW = (160, 160)
OBJECTS = {3: (8, 8), 4: (8, 60), 5: (8, 110), 6: (70, 8), 7: (110, 110)}


def open_scene():
    """Return a session, and labels of bright and dark squares."""
    image = np.full(HW, 110, np.uint8)
    labels = np.zeros(HW, np.uint16)
    for label, (y, x) in OBJECTS.items():
        part = slice(y, y + 32), slice(x, x + 32)
        image[part] = 230 if label % 2 else 10
        labels[part] = label
    session = Session.open(image, model=tiny_random_model(3), labels=labels.copy())
    return session, labels


class Room:
    def __init__(self, window, engine):
        self.window, self.engine = window, engine
        self.session, self.labels = open_scene()
        self.target = ArrayTarget(self.labels)
        self.rows = ObjectRows(foreign_highest=7)
        self.history = EditHistory(self.target, self.rows)
        self.state, self.tiles = SimilarityState(), EmbeddingState()
        self.controller = SimilarityController(
            self.session, self.state, engine, tiles=self.tiles
        )
        self.controller.compare_in(self.history, self.target)

    def select(self, label):
        self.controller.select(label)
        assert self.state.is_running
        self.window.wait_for(lambda: not self.state.is_running)
        return self.state.comparison

    def delete(self, label):
        objects = ObjectLabels(self.target, self.rows)
        self.history.do(objects.delete(label, extent=((0, 160), (0, 160))))


@pytest.fixture
def room(window, engine):
    return Room(window, engine)


def gate_tokens(monkeypatch):
    gate = Gate(object_vectors.mask_tokens)
    monkeypatch.setattr(object_vectors, "mask_tokens", gate)
    return gate


def test_objects_are_ranked_as_the_session_ranks_them(room):
    comparison = room.select(3)
    expected = room.session.similar(3, None)
    assert comparison.ranked.labels.tolist() == expected.labels.tolist()
    np.testing.assert_array_equal(comparison.ranked.similarities, expected.similarities)
    assert comparison.total == len(OBJECTS)
    assert comparison.boxes.labels.tolist() == list(OBJECTS)
    assert comparison.boxes.extents_yxyx[0].tolist() == [8, 8, 40, 40]
    step = room.state.progress
    assert (step.done, step.total) == (5, 5)
    assert room.tiles.stored == frozenset(room.session.store.keys())


def test_the_picked_object_is_selected_whatever_the_threshold():
    ranked = SimilarObjects(4, np.array([9, 2, 7]), np.array([0.75, 0.5, -0.25]))
    boxes = LabelBoxes(np.array([2, 4, 7, 9]), np.zeros((4, 4), np.int64))
    comparison = Comparison(ranked, boxes)
    assert comparison.selected(0.5) == (4, 9, 2)
    assert comparison.selected(0.9) == (4,)
    assert [comparison.count(at) for at in (1.0, 0.75, 0.5, -1.0)] == [1, 2, 3, 4]


def test_what_went_wrong_is_said_and_forgotten_with_the_next_wish(room):
    assert room.select(99) is None
    assert "there is no object 99" in room.state.error
    assert room.select(3) is not None
    assert room.state.error == ""


def test_a_click_is_answered_between_two_batches(room, monkeypatch):
    monkeypatch.setattr(object_vectors, "AT_ONCE", 1)
    gate = gate_tokens(monkeypatch)
    clicked = []
    room.controller.select(3)
    gate.wait_until_reached()
    room.engine.submit(
        Job(
            lambda: gate.calls,
            Priority.PROMPT,
            on_result=clicked.append,
            on_error=pytest.fail,
        )
    )
    gate.open(times=100)
    room.window.wait_for(lambda: not room.state.is_running)
    assert clicked == [1]
    assert gate.calls == len(OBJECTS)


def test_a_run_that_is_left_ends_soon_and_is_not_lost(room, monkeypatch):
    monkeypatch.setattr(object_vectors, "AT_ONCE", 1)
    gate = gate_tokens(monkeypatch)
    room.controller.select(3)
    gate.wait_until_reached()
    room.controller.clear()
    assert not room.state.is_running
    gate.open(times=100)
    comparison = room.select(4)
    assert comparison.ranked.label == 4
    # The one object that was asked before the end was not asked again.
    assert gate.calls == len(OBJECTS)


def test_a_step_in_the_layer_ends_what_is_selected(room):
    room.select(3)
    room.delete(4)
    assert room.state.comparison is None
    assert room.select(3).total == len(OBJECTS) - 1
    room.history.undo()
    assert room.state.comparison is None
    assert room.select(3).total == len(OBJECTS)


def test_a_step_in_the_midst_of_a_run_makes_its_answer_late(room, monkeypatch):
    gate = gate_tokens(monkeypatch)
    room.controller.select(3)
    gate.wait_until_reached()
    room.delete(5)
    gate.open(times=100)
    assert not room.state.is_running
    assert 5 not in room.select(3).ranked.labels


def test_only_what_changed_is_asked_again(room, monkeypatch):
    room.select(3)
    asked = []
    tokens = object_vectors.mask_tokens
    monkeypatch.setattr(
        object_vectors,
        "mask_tokens",
        lambda *given: asked.append(len(given[2])) or tokens(*given),
    )
    room.delete(4)
    room.history.undo()
    room.select(5)
    assert asked == [1]


def test_objects_of_another_layer_are_compared_instead(room):
    room.select(3)
    other = np.where(room.labels > 0, room.labels + 10, 0)
    target = ArrayTarget(other.astype(np.uint16))
    history = EditHistory(target, ObjectRows(foreign_highest=17))
    room.controller.compare_in(history, target)
    assert room.state.comparison is None
    assert room.select(13).total == len(OBJECTS)
    room.controller.compare_in(history, target)
    assert room.state.comparison is not None
    room.delete(4)  # of the layer before
    assert room.state.comparison is not None


def test_without_objects_nothing_begins(room):
    room.select(3)
    room.controller.compare_in(None)
    assert room.state.comparison is None
    room.controller.select(3)
    assert not room.state.is_running


def test_what_is_closed_listens_no_more(room):
    room.select(3)
    room.controller.close()
    assert room.state.comparison is None
    assert len(room.history.changed) == 0
