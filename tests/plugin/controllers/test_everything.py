"""Everything in the background: once decoded, thresholds move at will."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_sam.controllers import decoding
from napari_sam.controllers.everything import (
    DEBOUNCE_SECONDS,
    EverythingController,
)
from napari_sam.controllers.prompting import DEBOUNCE_SECONDS as CLICK_SECONDS
from napari_sam.controllers.prompting import PromptingController
from napari_sam.layers import painted_levels
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import EverythingState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread
from tests.plugin.controllers import scene
from tests.plugin.controllers.scene import extent, gate_encoder, middle
from tests.plugin.fake_window import Gate
from tilesam.everything.settings import EverythingSettings
from tilesam.types import Window

SETTINGS = EverythingSettings(
    points_per_side=6, pred_iou_thresh=0.6, stability_score_thresh=0.5
)
# Fewer tiles than in other tests: every one is asked many times.
HW = (160, 160)
SQUARES = [(16, 16, 32, 32), (16, 40, 32, 56), (112, 112, 128, 128), (120, 16, 136, 32)]
LEFT = Window(0, 0, 160, 50)


def open_session(image_hw=HW, squares=SQUARES):
    return scene.open_session(image_hw, squares)


class Room:
    def __init__(self, window, engine, session=None):
        self.window = window
        self.session = open_session() if session is None else session
        self.state = EverythingState(settings=SETTINGS)
        self.tiles = EmbeddingState()
        self.controller = EverythingController(
            *(self.session, self.state, engine),
            later=window.later,
            tiles=self.tiles,
            image_name="squares",
        )

    def run(self, region=None):
        self.controller.run(region)
        self.finish()

    def finish(self):
        before = self.state.found
        self.window.wait_for(
            lambda: not (self.state.is_running or self.state.is_resolving)
        )
        return self.state.found is not before

    def set(self, **settings):
        self.state.settings = replace(self.state.settings, **settings)

    def settle(self):
        self.window.pass_time(DEBOUNCE_SECONDS)
        return self.finish()


@pytest.fixture
def room(window, engine):
    return Room(window, engine)


def gate_tiles(monkeypatch):
    gate = Gate(decoding.segment_tile)
    monkeypatch.setattr(decoding, "segment_tile", gate)
    return gate


def forbid_decoding(monkeypatch):
    def fail(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr("tilesam.everything.work.decode_tile", fail)


def test_everything_is_what_the_session_finds(room):
    room.run()
    expected = open_session().everything(settings=SETTINGS)
    found = room.state.found
    np.testing.assert_array_equal(found.labels, expected.labels())
    assert found.offset_yx == (0, 0)
    assert found.count == len(expected) >= len(SQUARES)
    assert found.segmentation.image_name == "squares"
    for y, x in map(middle, SQUARES):
        assert found.labels[int(y), int(x)]


def test_progress_is_told_tile_by_tile(room, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run()
    assert room.state.is_running
    gate.open()
    room.window.wait_for(lambda: room.state.progress)
    assert room.state.progress.done == 1
    total = len(room.session.plan_everything())
    gate.open(total)
    room.finish()
    assert room.state.progress.done == room.state.progress.total == total
    assert gate.calls == total
    assert room.tiles.stored == room.session.store.keys()


def test_a_region_has_its_objects_whole(room):
    room.run(LEFT)
    found = room.state.found
    assert room.state.region == LEFT
    (y0, x0), (height, width) = found.offset_yx, found.labels.shape
    assert (y0, x0) == (0, 0)
    assert (height, width) >= (160, 50)
    expected = open_session().everything(LEFT, settings=SETTINGS)
    np.testing.assert_array_equal(
        found.labels, expected.labels((y0, x0, y0 + height, x0 + width))
    )
    kept = expected.labels()
    kept[y0 : y0 + height, x0 : x0 + width] = 0
    assert not kept.any()


def test_labels_of_a_huge_region_are_left_to_be_painted_part_by_part(room, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_PAINTED_PIXELS", 1000)
    room.run()
    found, expected = room.state.found, open_session().everything(settings=SETTINGS)
    assert found.labels is None
    for step, level in enumerate(found.levels):
        np.testing.assert_array_equal(level.compute(), expected.labels(step=2**step))


def test_a_huge_region_is_shown_at_several_resolutions(room, monkeypatch):
    monkeypatch.setattr(decoding, "MOST_PAINTED_PIXELS", 1000)
    monkeypatch.setattr(painted_levels, "CHUNK", 32)
    room.run(LEFT)
    found = room.state.found
    whole = found.segmentation.labels()
    y0, x0 = found.offset_yx
    height, width = found.levels[0].shape
    part = whole[y0 : y0 + height, x0 : x0 + width]
    assert len(found.levels) > 2
    assert part.any()
    for step, level in enumerate(found.levels):
        stride = slice(None, None, 2**step)
        np.testing.assert_array_equal(level.compute(), part[stride, stride])


def test_the_thresholds_that_a_model_recommends_are_filled_in(window, engine):
    session = open_session()
    state = EverythingState()
    EverythingController(session, state, engine, later=window.later)
    config = session.model.network.config
    assert state.settings.pred_iou_thresh == config.pred_iou_thresh
    assert state.settings.stability_score_thresh == config.stability_score_thresh


def test_thresholds_move_without_decoding_again(room, monkeypatch):
    room.run()
    before = room.state.found.segmentation.funnel.confident
    forbid_decoding(monkeypatch)
    room.set(pred_iou_thresh=0.85)
    assert room.settle()
    assert room.state.found.settings.pred_iou_thresh == 0.85
    assert room.state.found.segmentation.funnel.confident < before
    room.set(pred_iou_thresh=0.4)
    assert room.settle()
    assert room.state.found.segmentation.funnel.confident >= before


def test_a_slider_that_is_dragged_makes_objects_once(room, monkeypatch):
    room.run()
    find, calls = decoding.find_objects, []

    def note(decoded, settings, **options):
        calls.append(settings.pred_iou_thresh)
        return find(decoded, settings, **options)

    monkeypatch.setattr("napari_sam.controllers.everything.find_objects", note)
    for threshold in np.linspace(0.5, 0.9, 9):
        room.set(pred_iou_thresh=float(threshold))
        room.window.pass_time(DEBOUNCE_SECONDS / 3)
        assert not room.state.is_resolving
    room.settle()
    assert calls == [0.9]


def test_only_the_objects_of_the_latest_thresholds_are_shown(room):
    room.run()
    room.set(pred_iou_thresh=0.85)
    room.window.pass_time(DEBOUNCE_SECONDS)
    (late,) = room.window.take_deliveries(1)
    room.set(pred_iou_thresh=0.5)
    late()
    assert room.state.found.settings.pred_iou_thresh == 0.6
    room.settle()
    assert room.state.found.settings.pred_iou_thresh == 0.5
    late()
    assert room.state.found.settings.pred_iou_thresh == 0.5


def test_thresholds_that_leave_nothing_say_which_one(room):
    room.run()
    room.set(pred_iou_thresh=0.99)
    room.settle()
    assert room.state.found.count == 0
    assert "pred_iou_thresh 0.99 removed everything" in room.state.message
    room.set(pred_iou_thresh=0.6)
    room.settle()
    assert room.state.message == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pred_iou_thresh": 0.1}, "were not kept"),
        ({"points_per_side": 4}, "decode again"),
    ],
)
def test_what_was_not_decoded_is_refused_until_it_is(room, settings, message):
    room.run()
    found = room.state.found
    room.set(**settings)
    room.settle()
    assert message in room.state.message
    assert room.state.found is found
    room.run()
    assert room.state.message == ""
    assert room.state.found is not found


def test_settings_before_the_first_run_do_nothing(room):
    room.set(pred_iou_thresh=0.7)
    room.window.pass_time(1)
    assert not room.state.is_resolving
    assert room.state.found is None


def test_settings_that_move_during_the_run_count_at_its_end(room, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run()
    gate.wait_until_reached()
    room.set(pred_iou_thresh=0.85)
    gate.open(1000)
    room.settle()
    assert room.state.found.settings.pred_iou_thresh == 0.85


def test_a_cancelled_run_goes_on_where_it_was(room, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run()
    gate.open(4)
    room.window.wait_for(lambda: (p := room.state.progress) and p.done == 4)
    gate.open()
    (late,) = room.window.take_deliveries(1)
    room.controller.cancel()
    late()
    assert not room.state.is_running
    assert room.state.progress.done == 4
    assert len(room.tiles.stored) == 5
    gate.open(1000)
    room.run()
    assert room.state.progress.present == 5
    assert room.state.found.count >= len(SQUARES)


def test_another_region_decodes_only_what_is_new(room):
    room.run(LEFT)
    room.run()
    assert room.state.progress.present == len(room.session.plan_everything(LEFT))


def test_a_cancelled_run_leaves_the_objects_before_it_adjustable(room, monkeypatch):
    room.run(LEFT)
    gate = gate_tiles(monkeypatch)
    room.controller.run()
    gate.wait_until_reached()
    room.controller.cancel()
    gate.open(1000)
    room.set(pred_iou_thresh=0.85)
    assert room.settle()
    assert room.state.found.settings.pred_iou_thresh == 0.85


def test_a_prompt_is_answered_between_two_tiles(room, engine, monkeypatch):
    gate = gate_tiles(monkeypatch)
    state = AnnotationState()
    prompting = PromptingController(
        *(room.session, state, engine), later=room.window.later
    )
    room.controller.run()
    gate.wait_until_reached()
    state.prompts = PromptSet().with_point(middle(SQUARES[3]))
    room.window.pass_time(CLICK_SECONDS)
    gate.open()
    room.window.wait_for(lambda: state.candidates)
    assert extent(state.candidates[0]) == SQUARES[3]
    assert room.state.is_running
    # One tile was being decoded, and the next had to wait for the answer.
    assert gate.calls <= 2
    gate.open(1000)
    room.finish()
    assert room.state.found.count >= len(SQUARES)
    prompting.close()


def gate_points(room):
    """Have every batch of points wait for the test; a tile has five of them."""
    gate = Gate(room.session.model.decode_points)
    room.session.model.decode_points = gate
    room.set(points_per_batch=8)
    return gate


def test_a_prompt_is_answered_in_the_midst_of_a_tile(room, engine):
    gate = gate_points(room)
    state = AnnotationState()
    prompting = PromptingController(
        *(room.session, state, engine), later=room.window.later
    )
    room.controller.run()
    gate.wait_until_reached()
    state.prompts = PromptSet().with_point(middle(SQUARES[3]))
    room.window.pass_time(CLICK_SECONDS)
    gate.open()
    room.window.wait_for(lambda: state.candidates)
    assert extent(state.candidates[0]) == SQUARES[3]
    assert room.state.progress is None
    gate.open(1000)
    room.finish()
    expected = open_session().everything(settings=SETTINGS)
    np.testing.assert_array_equal(room.state.found.labels, expected.labels())
    prompting.close()


def test_cancel_does_not_wait_for_the_end_of_a_tile(room):
    gate = gate_points(room)
    room.controller.run()
    gate.wait_until_reached()
    room.controller.cancel()
    gate.open()
    room.controller.run(LEFT)
    gate.wait_until_reached()
    # Half a tile is no tile: nothing of the first run was kept.
    assert gate.calls == 2
    gate.open(1000)
    room.finish()
    assert room.state.message == ""
    assert room.state.progress.present == 0
    assert room.state.found.count >= 2


def test_an_error_ends_the_run_and_is_shown(room, monkeypatch):
    def fail(*_):
        raise OSError("a cable was pulled")

    with monkeypatch.context() as patch:
        patch.setattr(decoding, "segment_tile", fail)
        room.run()
    assert "a cable was pulled" in room.state.message
    assert room.state.found is None
    room.run()
    assert room.state.message == ""
    assert room.state.found.count >= len(SQUARES)


def test_a_region_beside_the_image_is_explained(room):
    room.run(Window(900, 900, 5, 5))
    assert "has no pixel of the image" in room.state.message


def test_a_closed_controller_hears_nothing(room):
    room.run()
    found = room.state.found
    room.set(pred_iou_thresh=0.85)
    room.window.pass_time(DEBOUNCE_SECONDS)
    (late,) = room.window.take_deliveries(1)
    room.controller.close()
    late()
    room.set(pred_iou_thresh=0.7)
    room.window.pass_time(1)
    assert room.state.found is found
    assert not room.state.is_resolving


def test_the_engine_is_stopped_while_everything_runs(room, engine, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run()
    gate.wait_until_reached()
    room.controller.close()
    assert not engine.stop(timeout=0)
    gate.open()
    assert engine.stop()
    assert gate.calls == 1
    room.window.make_deliveries()
    assert room.state.found is None


def test_two_sessions_at_once_find_their_own_objects(window, engine):
    other_engine = EngineThread(window.deliver)
    one = Room(window, engine)
    other = Room(window, other_engine, open_session(HW, SQUARES[2:3]))
    gates = [gate_encoder(room.session) for room in (one, other)]
    one.controller.run()
    other.controller.run()
    for gate in gates:
        gate.wait_until_reached()
    for gate in gates:
        gate.open(1000)
    one.finish()
    other.finish()
    y, x = (int(side) for side in middle(SQUARES[2]))
    assert one.state.found.labels[y, x] != 0
    assert one.state.found.count > other.state.found.count
    assert other_engine.stop()
