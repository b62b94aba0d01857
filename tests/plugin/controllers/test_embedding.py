"""Runs that embed a region: estimate, progress, cancel, go on, errors."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.prompting import DEBOUNCE_SECONDS, PromptingController
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread
from tests.plugin.controllers.scene import (
    HW,
    SQUARES,
    extent,
    gate_encoder,
    middle,
    open_session,
)
from tilesam import Session
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model
from tilesam.types import Window

TILES = 25
"""Coverage of level 0."""

VIEW = Window(0, 0, 60, 100)


class Room:
    def __init__(self, window, engine, session=None):
        self.window = window
        self.session = open_session() if session is None else session
        self.state = EmbeddingState()
        self.controller = EmbeddingController(self.session, self.state, engine)

    def finish(self):
        self.window.wait_for(lambda: not self.state.is_running)


@pytest.fixture
def room(window, engine):
    return Room(window, engine)


def test_the_image_is_embedded_in_the_background(room):
    room.controller.start()
    assert room.state.is_running
    room.finish()
    assert len(room.state.stored) == TILES
    assert room.session.store.keys() == room.state.stored == room.state.planned
    assert (room.state.progress.done, room.state.progress.embedded) == (TILES, TILES)
    assert room.state.missing == room.state.in_work == frozenset()
    assert room.state.message == ""


def test_a_view_is_embedded_and_what_is_nearest_first(room):
    heard = []
    room.state.events.in_work.connect(lambda tiles: heard.append(set(tiles)))
    room.controller.start(VIEW, near_yx=(10, 90))
    room.finish()
    plan = room.session.plan(VIEW, near_yx=(10, 90))
    assert room.state.planned == set(plan)
    assert room.state.stored == set(plan)
    assert heard[0] == {plan[0]}
    assert heard[-1] == set()


def test_an_estimate_says_what_is_missing_before_anything_is_embedded(room):
    room.controller.estimate(VIEW)
    assert room.state.estimate is None
    room.window.wait_for(lambda: room.state.estimate)
    estimate = room.state.estimate
    assert estimate.tiles == estimate.missing == len(room.state.planned) > 1
    assert estimate.seconds > 0
    assert room.session.store.keys() == set()
    assert not room.state.is_running


def test_an_estimate_during_a_run_leaves_the_map_to_the_run(room):
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.wait_until_reached()
    room.controller.estimate(VIEW)
    encoder.open(100)
    room.window.wait_for(lambda: room.state.estimate)
    assert room.state.is_running
    assert len(room.state.planned) == TILES
    room.finish()


def test_after_closing_nothing_is_estimated_or_looked_for(room):
    room.controller.estimate(VIEW)
    room.session.embed(VIEW)
    room.controller.refresh()
    late = room.window.take_deliveries(2)
    room.controller.close()
    for delivery in late:
        delivery()
    assert room.state.estimate is None
    assert room.state.stored == frozenset()


def test_missing_tiles_are_shown_in_work_before_those_that_are_only_checked(room):
    plan = room.session.plan(VIEW)
    room.session.embeddings.get(plan[0])
    heard = []
    room.state.events.in_work.connect(lambda tiles: heard.append(set(tiles)))
    room.controller.start(VIEW)
    room.finish()
    assert heard[0] == {plan[1]}
    assert {plan[0]} not in heard
    assert room.state.progress.present == 1


def test_only_the_latest_estimate_counts(room):
    room.controller.estimate()
    room.controller.estimate(VIEW)
    room.window.wait_for(lambda: room.state.estimate)
    assert room.state.estimate.tiles == len(room.session.plan(VIEW))


def test_a_cancelled_run_leaves_what_is_done_and_the_next_goes_on(room):
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.open(3)
    room.window.wait_for(lambda: room.state.progress)
    room.controller.cancel()
    assert not room.state.is_running
    assert room.state.in_work == frozenset()
    encoder.open(100)
    room.controller.start()
    room.finish()
    assert len(room.state.stored) == TILES
    assert encoder.calls == TILES


def test_what_a_cancelled_run_had_finished_is_on_the_map(room):
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.wait_until_reached()
    room.controller.cancel()
    encoder.open(100)
    room.window.wait_for(lambda: room.state.stored)
    assert room.state.stored <= room.session.store.keys()
    assert room.state.progress is None
    assert not room.state.is_running


def test_another_run_takes_the_place_of_the_first(room):
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.wait_until_reached()
    room.controller.start(VIEW)
    encoder.open(100)
    room.finish()
    view = set(room.session.plan(VIEW))
    assert room.state.planned == view
    assert room.state.stored >= view
    assert len(room.state.stored) < TILES
    assert room.state.progress.done == len(view)


def test_an_error_ends_the_run_and_is_shown(window, engine):
    image = bright_rectangles(HW, SQUARES)
    room = Room(window, engine, Session.open(image, model=bright_region_model()))
    room.controller.start(VIEW)
    room.finish()
    assert room.state.message == ""
    image[:60] = 99
    room.controller.start(VIEW)
    room.finish()
    assert "the image was changed" in room.state.message
    assert room.state.in_work == frozenset()
    image[:] = bright_rectangles(HW, SQUARES)
    room.controller.start()
    room.finish()
    assert room.state.message == ""
    assert len(room.state.stored) == TILES


def test_a_region_beside_the_image_is_explained(room):
    room.controller.start(Window(900, 900, 5, 5))
    room.finish()
    assert "has no pixel of the image" in room.state.message
    room.controller.estimate(Window(900, 900, 5, 5))
    assert room.state.message == ""
    room.window.wait_for(lambda: room.state.message)
    assert room.state.estimate is None


def test_tiles_that_were_stored_earlier_are_found(room):
    room.session.embed(VIEW)
    room.controller.refresh()
    room.window.wait_for(lambda: room.state.stored)
    assert room.state.stored == set(room.session.plan(VIEW))


@pytest.mark.parametrize("skip", [True, False])
def test_background_can_be_left_out(window, engine, skip):
    glass = np.full((*HW, 3), 245, np.uint8)
    room = Room(window, engine, Session.open(glass, model=bright_region_model()))
    room.controller.start(skip_background=skip)
    room.finish()
    assert room.state.progress.skipped == (TILES if skip else 0)
    assert len(room.state.stored) == (0 if skip else TILES)


def test_a_prompt_is_answered_while_the_image_is_embedded(room, engine):
    state = AnnotationState()
    prompting = PromptingController(
        *(room.session, state, engine), later=room.window.later, tiles=room.state
    )
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.wait_until_reached()
    square = SQUARES[3]
    state.prompts = PromptSet().with_point(middle(square))
    room.window.pass_time(DEBOUNCE_SECONDS)
    encoder.open(4)
    room.window.wait_for(lambda: state.candidates)
    assert extent(state.candidates[0]) == square
    assert room.state.is_running
    assert len(room.session.store.keys()) < TILES
    encoder.open(100)
    room.finish()
    assert len(room.state.stored) == TILES
    prompting.close()


def test_a_run_ends_when_the_engine_is_stopped(room, engine):
    encoder = gate_encoder(room.session)
    room.controller.start()
    encoder.wait_until_reached()
    room.controller.close()
    encoder.open(100)
    assert engine.stop()
    assert not room.state.is_running
    assert len(room.session.store.keys()) < TILES


def test_two_sessions_embed_at_once(window, engine):
    other_engine = EngineThread(window.deliver)
    one = Room(window, engine)
    other = Room(window, other_engine, open_session((150, 150)))
    gates = [gate_encoder(room.session) for room in (one, other)]
    one.controller.start()
    other.controller.start()
    for gate in gates:
        gate.wait_until_reached()
    for gate in gates:
        gate.open(100)
    one.finish()
    other.finish()
    assert len(one.state.stored) == TILES
    assert len(other.state.stored) == len(other.session.plan())
    assert other_engine.stop()
