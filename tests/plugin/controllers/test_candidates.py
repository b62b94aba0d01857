"""Looking at candidates, accepting one, questions about overlaps."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from napari_sam.controllers.candidates import CandidatesController
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.prompts import PromptSet
from tests.plugin.controllers.scene import open_session
from tests.plugin.fake_candidates import candidate
from tilesam.annotation.history import EditHistory
from tilesam.annotation.objects import ObjectLabels
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.targets import ArrayTarget

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Room:
    def __init__(self, policy="keep"):
        self.labels = np.zeros((256, 256), np.uint16)
        target, self.rows = ArrayTarget(self.labels), ObjectRows()
        self.objects = ObjectLabels(target, self.rows, policy=policy)
        self.history = EditHistory(target, self.rows)
        self.state = AnnotationState()
        self.controller = CandidatesController(
            *(open_session(), self.state, self.objects, self.history),
            clock=lambda: NOON,
        )
        self.accepted = []
        self.controller.accepted.connect(self.accepted.append)

    def ask(self, *yx):
        self.state.prompts = self.state.prompts.with_point(yx)
        self.state.begin_request()

    def show(self, **where):
        self.state.show(
            tuple(candidate(iou=iou, **where) for iou in (0.9, 0.8, 0.7)),
            self.state.prompts,
        )

    def ask_and_show(self, *yx, **where):
        self.ask(*yx)
        self.show(**where)


@pytest.fixture
def room():
    return Room()


def test_candidates_are_shown_in_turn_both_ways(room):
    room.ask_and_show(5, 5)
    seen = []
    for step in (1, 1, 1, -1):
        room.controller.cycle(step)
        seen.append(room.state.chosen)
    assert seen == [1, 2, 0, 2]


def test_only_candidates_that_are_there_can_be_chosen(room):
    room.controller.cycle()
    room.controller.choose(1)
    assert room.state.chosen == 0
    room.ask_and_show(5, 5)
    for rank in (2, 3, -1):
        room.controller.choose(rank)
    assert room.state.chosen == 2


def test_accept_paints_the_chosen_one_and_begins_the_next_object(room):
    room.ask_and_show(5, 5, offset_yx=(4, 6), mask_hw=(8, 3))
    room.controller.choose(1)
    edit = room.controller.accept()
    assert room.accepted == [edit]
    expected = np.zeros_like(room.labels)
    expected[4:12, 6:9] = 1
    np.testing.assert_array_equal(room.labels, expected)
    row = room.rows.get(1)
    assert row.predicted_iou == 0.8
    assert row.model_name == "bright_region"
    assert row.points_yx == ((5.0, 5.0),)
    assert row.created == "2026-03-01T12:00:00+00:00"
    assert (len(room.state.prompts), room.state.candidates) == (0, ())
    assert room.history.can_undo


def test_an_accepted_object_can_be_undone_and_the_next_has_its_own_label(room):
    for offset in ((4, 4), (40, 40)):
        room.ask_and_show(*offset, offset_yx=offset)
        room.controller.accept()
    assert np.unique(room.labels).tolist() == [0, 1, 2]
    room.history.undo()
    room.history.undo()
    assert not room.labels.any()


def test_a_mask_can_be_added_to_an_object(room):
    for offset, label in (((4, 4), None), ((40, 40), 1)):
        room.ask_and_show(*offset, offset_yx=offset)
        room.controller.accept(label=label)
    assert np.unique(room.labels).tolist() == [0, 1]
    assert room.rows.get(1).area == 128


def test_without_candidates_or_labels_it_says_what_to_do(room):
    assert room.controller.accept() is None
    assert "click on an object first" in room.state.message
    room.ask_and_show(5, 5)
    room.controller.paint_into(None, None)
    assert room.controller.accept() is None
    assert "choose a labels layer" in room.state.message
    assert len(room.state.candidates) == 3
    room.controller.paint_into(room.objects, room.history)
    assert room.controller.accept() is not None


def test_a_mask_that_cannot_be_painted_stays_and_says_why(room):
    room.labels[:] = 7
    room.ask_and_show(5, 5)
    assert room.controller.accept() is None
    assert "other objects have all pixels" in room.state.message
    assert len(room.state.candidates) == 3
    assert room.accepted == []
    room.controller.choose(1)
    assert room.state.message == ""


@pytest.mark.parametrize(("policy", "owner"), [("keep", 7), ("overwrite", 1)])
def test_a_question_about_other_objects_is_asked_and_answered(policy, owner):
    room = Room("ask")
    room.rows = room.objects.rows
    room.labels[4:8, 4:12] = 7
    room.ask_and_show(5, 5)
    assert room.controller.accept() is None
    question = room.state.question
    assert (question.labels, question.pixels) == ((7,), 32)
    assert not (room.labels == 8).any()
    edit = room.controller.accept(policy)
    assert edit is not None
    assert room.state.question is None
    new = room.labels[8, 4]
    assert room.labels[4, 4] == (7 if owner == 7 else new)


@pytest.mark.parametrize("change", ["cycle", "leave_question", "reject", "next_object"])
def test_a_question_goes_when_it_is_not_about_what_is_shown(change):
    room = Room("ask")
    room.labels[4:8, 4:12] = 7
    room.ask_and_show(5, 5)
    room.controller.accept()
    getattr(room.controller, change)()
    assert room.state.question is None


def test_a_question_goes_when_the_prompts_change():
    room = Room("ask")
    room.labels[4:8, 4:12] = 7
    room.ask_and_show(5, 5)
    room.controller.accept()
    room.ask(9, 9)
    assert room.state.question is None


def test_rejected_candidates_go_and_prompts_stay(room):
    room.ask_and_show(5, 5)
    generation = room.state.generation
    room.state.base = room.state.chosen_candidate.mask_input
    room.controller.reject()
    assert room.state.base is None
    assert room.state.candidates == ()
    assert len(room.state.prompts) == 1
    assert room.state.generation > generation
    assert not room.labels.any()


def test_accept_before_the_answer_is_there_accepts_the_answer(room):
    room.ask(5, 5)
    assert room.controller.accept() is None
    assert not room.labels.any()
    room.show()
    assert room.labels[4, 4] == 1
    assert len(room.accepted) == 1
    assert not room.state.is_busy
    assert len(room.state.prompts) == 0


def test_accept_before_the_answer_never_paints_the_answer_to_other_prompts(room):
    room.ask_and_show(5, 5)
    room.ask(9, 9)
    room.controller.accept()
    room.ask(11, 11)
    room.show()
    assert not room.labels.any()
    assert len(room.state.candidates) == 3
    room.controller.accept()
    assert room.labels.any()


@pytest.mark.parametrize("end", ["fail", "reject", "next_object", "close"])
def test_accept_before_an_answer_that_never_comes_is_forgotten(room, end):
    room.ask(5, 5)
    room.controller.accept()
    if end == "fail":
        room.state.fail("the image is gone")
        assert room.state.message == "the image is gone"
    else:
        getattr(room.controller, end)()
    room.state.prompts = PromptSet()
    room.ask(5, 5)
    room.show()
    assert not room.labels.any()
    assert len(room.state.candidates) == 3
