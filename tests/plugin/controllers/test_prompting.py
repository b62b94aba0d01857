"""Prompts in, candidates out: order, lateness, refinement and what is embedded."""

from __future__ import annotations

import logging

import pytest

from napari_sam.controllers.prompting import (
    DEBOUNCE_SECONDS,
    IDLE_SECONDS,
    PromptingController,
    choose_base,
)
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tests.plugin.controllers.scene import (
    SQUARES,
    extent,
    gate_decoder,
    gate_encoder,
    middle,
    open_session,
)
from tests.plugin.fake_candidates import candidate
from tests.plugin.fake_window import wait_until
from tilesam import ImageReadError
from tilesam.types import TileKey

A, B, C, D = map(middle, SQUARES)
"""A and B lie in one tile, C and D in others."""


class Room:
    """A session with its state, its thread and the controller between them."""

    def __init__(self, window, engine, session=None):
        self.window = window
        self.session = open_session() if session is None else session
        self.state, self.tiles = AnnotationState(), EmbeddingState()
        self.controller = PromptingController(
            *(self.session, self.state, engine), later=window.later, tiles=self.tiles
        )

    def click(self, yx, label=1):
        self.state.prompts = self.state.prompts.with_point(yx, label)

    def send(self):
        self.window.pass_time(DEBOUNCE_SECONDS)

    def answer(self):
        self.send()
        self.window.wait_for(lambda: not self.state.is_busy)
        return [extent(found) for found in self.state.candidates]


@pytest.fixture
def room(window, engine):
    return Room(window, engine)


def test_a_click_is_answered_by_three_candidates_of_the_object_there(room):
    room.click(C)
    assert room.state.is_busy
    answer = room.answer()
    assert len(answer) == 3
    assert answer[0] == SQUARES[2]
    assert room.state.answered == room.state.prompts
    assert (room.state.chosen, room.state.message) == (0, "")


def test_a_point_that_is_dragged_is_asked_once_where_it_rests(room):
    decoder = gate_decoder(room.session)
    for x in range(120, 136):
        room.state.prompts = PromptSet().with_point((128, x))
        room.window.pass_time(DEBOUNCE_SECONDS / 4)
    decoder.open(100)
    assert room.answer()[0] == SQUARES[2]
    assert decoder.calls == 1


def test_nothing_is_computed_or_read_on_the_windows_thread(room):
    encoder = gate_encoder(room.session)
    room.click(C)
    room.send()
    encoder.wait_until_reached()
    assert room.window.make_deliveries() == 0
    assert room.state.is_busy
    encoder.open()
    assert room.answer()[0] == SQUARES[2]


def test_only_the_latest_of_several_questions_is_answered(room):
    encoder, decoder = gate_encoder(room.session), gate_decoder(room.session)
    room.click(C)
    room.send()
    encoder.wait_until_reached()
    room.state.prompts = PromptSet().with_point(D)
    room.send()
    encoder.open(10)
    decoder.open(10)
    assert room.answer()[0] == SQUARES[3]
    # What was superseded while its tile was embedded is not decoded any more.
    assert decoder.calls == 1


def test_an_answer_that_comes_after_a_newer_click_is_dropped(room):
    room.click(C)
    room.send()
    tile, late = room.window.take_deliveries(2)
    room.state.prompts = PromptSet().with_point(D)
    tile()
    late()
    assert room.state.candidates == ()
    assert room.state.is_busy
    assert room.answer()[0] == SQUARES[3]


def test_answers_that_arrive_in_the_wrong_order_do_no_harm(room):
    room.click(C)
    room.send()
    first = room.window.take_deliveries(2)
    room.state.prompts = PromptSet().with_point(D)
    room.send()
    second = room.window.take_deliveries(2)
    for delivery in [*reversed(second), *reversed(first)]:
        delivery()
    assert extent(room.state.candidates[0]) == SQUARES[3]
    assert room.state.answered == room.state.prompts


def test_prompts_that_are_taken_away_leave_nothing_and_are_not_answered_late(room):
    room.click(C)
    room.send()
    deliveries = room.window.take_deliveries(2)
    room.state.prompts = PromptSet()
    for delivery in deliveries:
        delivery()
    assert room.state.candidates == ()
    assert not room.state.is_busy
    assert room.tiles.in_work == frozenset()


def test_prompts_that_are_taken_away_before_they_were_asked_are_no_mistake(room):
    room.click(C)
    room.state.prompts = PromptSet()
    room.send()
    assert (room.state.message, room.state.is_busy) == ("", False)


def test_points_and_boxes_combine_freely(room):
    room.state.prompts = PromptSet().with_box((10, 10, 40, 60)).with_point(B, 0)
    assert room.answer()[0] == SQUARES[0]


@pytest.mark.parametrize(
    ("prompts", "message"),
    [
        (PromptSet().with_point((-40, 5)), "outside of the image"),
        (PromptSet().with_point(A, 0), "only 1 background point"),
        (PromptSet().with_box((5, 5, 5, 9)), "without area"),
    ],
)
def test_a_prompt_that_cannot_be_answered_is_explained(room, prompts, message):
    room.click(C)
    room.answer()
    room.state.prompts = prompts
    room.send()
    assert message in room.state.message
    assert room.state.candidates == ()
    assert not room.state.is_busy
    room.state.prompts = PromptSet().with_point(A)
    assert room.answer()[0] == SQUARES[0]
    assert room.state.message == ""


def test_an_error_of_the_engine_is_shown_and_the_same_can_be_asked_again(
    room, monkeypatch
):
    def fail(*_):
        raise ImageReadError("the image is gone; plug the disk in again")

    with monkeypatch.context() as patch:
        patch.setattr(room.session, "embeddings", type("Gone", (), {"get": fail})())
        room.click(C)
        assert room.answer() == []
    assert room.state.message == "the image is gone; plug the disk in again"
    assert room.tiles.in_work == frozenset()
    room.controller.ask_again()
    assert room.answer()[0] == SQUARES[2]


def test_an_error_that_nobody_foresaw_is_shown_and_logged(room, monkeypatch, caplog):
    def fail(_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(room.session, "answer", fail)
    room.click(C)
    with caplog.at_level(logging.ERROR):
        room.answer()
    assert "ZeroDivisionError: a bug" in room.state.message
    assert "Traceback" in caplog.text


def test_a_late_error_does_not_replace_a_newer_answer(room, monkeypatch):
    def fail(_):
        raise ImageReadError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(room.session, "answer", fail)
        room.click(C)
        room.send()
        late = room.window.take_deliveries(2)
    room.state.prompts = PromptSet().with_point(D)
    room.answer()
    for delivery in late:
        delivery()
    assert extent(room.state.candidates[0]) == SQUARES[3]
    assert room.state.message == ""


def asked_masks(session, monkeypatch):
    """Return a list that grows with the mask prompt of every question."""
    masks, answer = [], session.answer

    def note(prompts):
        masks.append(prompts.mask_input)
        return answer(prompts)

    monkeypatch.setattr(session, "answer", note)
    return masks


def test_a_further_point_refines_the_candidate_that_was_chosen(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    room.state.chosen = 1
    chosen = room.state.chosen_candidate
    room.click(B)
    room.answer()
    assert asked[0] is None
    assert asked[1].low_res_logits is chosen.low_res_logits


def test_a_point_that_comes_before_the_answer_keeps_what_is_refined(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    first = room.state.chosen_candidate
    room.click(B)
    room.click((40, 40), 0)
    room.answer()
    assert asked[-1].low_res_logits is first.low_res_logits


def test_a_point_that_was_moved_or_removed_asks_from_scratch(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    room.click(B)
    room.answer()
    room.state.prompts = PromptSet().with_point(A)
    assert room.answer()[0] == SQUARES[0]
    assert asked[-1] is None


def test_a_mask_with_a_point_that_was_removed_is_not_refined(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.click(B)
    room.answer()
    room.state.prompts = PromptSet().with_point(A)
    room.click((40, 40), 0)  # before there is an answer to A alone
    assert room.answer()[0] == SQUARES[0]
    assert asked == [None, None]


def test_an_empty_mask_is_not_refined():
    prompts = PromptSet().with_point(A)
    state = AnnotationState(prompts=prompts)
    state.show((candidate(mask_hw=(0, 0)),) * 3, prompts)
    assert choose_base(state, prompts.with_point(B), prompts) is None


def test_without_refinement_every_question_is_asked_from_scratch(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.state.refines = False
    room.click(A)
    room.answer()
    room.click(B)
    room.answer()
    assert asked == [None, None]


def test_refinement_that_is_switched_off_asks_again(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    room.click(B)
    room.answer()
    room.state.refines = False
    room.answer()
    assert [mask is None for mask in asked] == [True, False, True]


def test_the_chosen_mask_can_be_refined_without_another_point(room, monkeypatch):
    room.controller.refine()
    assert "click on an object first" in room.state.message
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    room.controller.refine()
    assert room.answer()[0] == SQUARES[0]
    assert asked[1] is not None


def test_the_next_object_is_not_refined_from_the_last(room, monkeypatch):
    asked = asked_masks(room.session, monkeypatch)
    room.click(A)
    room.answer()
    room.state.begin_object()
    room.click(D)
    assert room.answer()[0] == SQUARES[3]
    assert asked == [None, None]


def neighbours_of(room, yx):
    session = room.session
    tile = session.grid.choose((*yx, *yx))
    return set(session.plan(session.grid.window(tile), levels=[tile.level]))


def test_the_clicked_tile_is_embedded_first_and_its_neighbours_afterwards(room):
    room.click(C)
    room.answer()
    assert room.tiles.stored == {room.session.grid.choose((*C, *C))}
    assert room.session.embeddings.embedded_count == 1
    room.window.pass_time(IDLE_SECONDS)
    around = neighbours_of(room, C)
    assert len(around) == 9
    room.window.wait_for(lambda: room.tiles.stored >= around)
    assert room.session.store.keys() == room.tiles.stored == around
    assert room.session.embeddings.embedded_count == 9


def test_a_click_is_answered_between_two_neighbours(room):
    room.click(C)
    room.answer()
    encoder = gate_encoder(room.session)
    room.window.pass_time(IDLE_SECONDS)
    encoder.wait_until_reached()
    room.click((128, 130))
    room.send()
    encoder.open()
    room.window.wait_for(lambda: not room.state.is_busy)
    assert room.session.embeddings.embedded_count == 2
    assert room.state.candidates
    encoder.open(20)


def test_neighbours_wait_until_nobody_clicks(room):
    room.click(C)
    room.answer()
    for x in range(124, 130):
        room.window.pass_time(IDLE_SECONDS / 2)
        room.click((124, x))
        room.answer()
    assert room.session.embeddings.embedded_count == 1


def test_neighbours_of_an_earlier_click_make_way_for_those_of_a_later_one(room):
    room.click(D)
    room.answer()
    encoder = gate_encoder(room.session)
    room.window.pass_time(IDLE_SECONDS)
    encoder.wait_until_reached()
    room.state.begin_object()
    room.click(A)
    room.send()
    encoder.open(2)
    room.window.wait_for(lambda: not room.state.is_busy)
    room.window.pass_time(IDLE_SECONDS)
    encoder.open(30)
    around = neighbours_of(room, A)
    room.window.wait_for(lambda: room.tiles.stored >= around)
    assert len(neighbours_of(room, D) - room.tiles.stored) > 0


def test_an_accepted_object_does_not_keep_neighbours_from_being_embedded(room):
    room.click(C)
    room.answer()
    room.state.begin_object()
    room.window.pass_time(IDLE_SECONDS)
    room.window.wait_for(lambda: room.tiles.stored >= neighbours_of(room, C))


def test_neighbours_that_cannot_be_embedded_leave_the_answer(room, monkeypatch):
    room.click(C)
    room.answer()

    def fail(_):
        raise ImageReadError("a hole in the image")

    with monkeypatch.context() as patch:
        patch.setattr(room.session.embeddings, "get", fail)
        room.window.pass_time(IDLE_SECONDS)
        room.window.wait_for(lambda: room.state.message)
    assert room.state.message == "a hole in the image"
    assert len(room.state.candidates) == 3
    room.click((124, 124))
    room.answer()
    room.window.pass_time(IDLE_SECONDS)
    room.window.wait_for(lambda: room.tiles.stored >= neighbours_of(room, C))


def test_neighbours_are_looked_for_once_while_clicks_stay_in_a_tile(
    room, engine, monkeypatch
):
    plans, plan = [], room.session.plan

    def note(*args, **options):
        plans.append(options["near_yx"])
        return plan(*args, **options)

    monkeypatch.setattr(room.session, "plan", note)
    for yx in (C, (124, 124)):
        room.click(yx)
        room.answer()
        room.window.pass_time(IDLE_SECONDS)
    all_done = []
    last = Job(lambda: True, Priority.BACKGROUND, all_done.append, all_done.append)
    engine.submit(last)
    room.window.wait_for(lambda: all_done)
    assert plans == [C]


def test_neighbours_can_be_left_out(room):
    room.controller.embeds_neighbours = False
    room.click(C)
    room.answer()
    room.window.pass_time(10 * IDLE_SECONDS)
    room.click(A)
    room.answer()
    assert room.session.embeddings.embedded_count == 2


def test_the_map_shows_which_tile_is_embedded_for_a_click(room):
    encoder = gate_encoder(room.session)
    room.click(C)
    room.send()
    encoder.wait_until_reached()
    tile = room.session.grid.choose((*C, *C))
    assert room.tiles.in_work == {tile}
    room.state.prompts = PromptSet().with_point(D)
    assert room.tiles.in_work == frozenset()
    encoder.open(2)
    room.answer()
    # The first one is stored as well, although its answer came too late.
    assert room.tiles.stored == room.session.store.keys()
    assert len(room.tiles.stored) == 2


def test_in_an_image_of_one_tile_there_are_no_neighbours(window, engine):
    room = Room(window, engine, open_session((64, 64), SQUARES[:2]))
    room.click(A)
    assert room.answer()[0] == SQUARES[0]
    window.pass_time(IDLE_SECONDS)
    assert engine.stop()
    assert room.session.store.keys() == {TileKey(0, 0, 0)}


def test_a_closed_controller_neither_asks_nor_answers(room):
    room.click(C)
    room.send()
    deliveries = room.window.take_deliveries(2)
    room.click(B)
    room.controller.close()
    for delivery in deliveries:
        delivery()
    room.window.pass_time(1)
    room.click(D)
    room.window.pass_time(1)
    assert room.state.candidates == ()
    assert not room.state.is_busy
    assert room.session.embeddings.embedded_count == 1


def test_the_engine_is_stopped_while_it_embeds(window):
    engine = EngineThread(window.deliver)
    room = Room(window, engine)
    encoder = gate_encoder(room.session)
    room.click(C)
    room.send()
    encoder.wait_until_reached()
    assert not engine.stop(timeout=0)
    room.controller.close()
    encoder.open()
    assert engine.stop()
    room.click(D)
    window.pass_time(1)
    window.make_deliveries()
    assert room.state.candidates == ()


def test_two_sessions_at_once_do_not_meet(window, engine):
    other_engine = EngineThread(window.deliver)
    one = Room(window, engine)
    other = Room(window, other_engine, open_session((256, 256), SQUARES[2:3]))
    encoder = gate_encoder(one.session)
    one.click(A)
    other.click(C)
    one.send()
    window.wait_for(lambda: other.state.candidates)
    assert one.state.is_busy
    assert one.state.candidates == ()
    assert extent(other.state.candidates[0]) == SQUARES[2]
    encoder.open(20)
    wait_until(lambda: encoder.calls)
    window.wait_for(lambda: one.state.candidates)
    assert extent(one.state.candidates[0]) == SQUARES[0]
    assert other_engine.stop()
