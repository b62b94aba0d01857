"""A phrase in the background: asked once, then corrected and thresholded at will."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam.controllers import decoding, text_finding
from napari_sam.controllers.prompting import DEBOUNCE_SECONDS as CLICK_SECONDS
from napari_sam.controllers.prompting import PromptingController
from napari_sam.controllers.texting import (
    CORRECTION_SECONDS,
    DEBOUNCE_SECONDS,
    TextingController,
)
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import TEXT
from napari_sam.state.prompts import PromptSet
from napari_sam.state.text import TextQuestion, TextState
from tests.plugin.controllers import scene
from tests.plugin.controllers.scene import extent, middle
from tests.plugin.fake_window import Gate
from tilesam.errors import AnnotationError
from tilesam.everything.settings import EverythingSettings
from tilesam.text import backends
from tilesam.text.scored import ScoredMasks
from tilesam.types import Window

HW = (160, 160)
SQUARES = [(16, 16, 32, 32), (16, 40, 32, 56), (112, 112, 128, 128), (120, 16, 136, 32)]
LEFT = Window(0, 0, 160, 50)
FEW = EverythingSettings(
    points_per_side=6, pred_iou_thresh=0.6, stability_score_thresh=0.5
)


class SidesBackend:
    """Knows the word "square", and lowers scores from the left to the right."""

    name = "sides"
    threshold = 0.35

    def __init__(self) -> None:
        self.queries = []

    def find(self, query, asked):
        self.queries.append(query)
        if query.phrase != "square":
            return ScoredMasks.none(
                asked.image.image_hw, threshold=self.threshold, notice="never heard"
            )
        proposals = asked.proposals()
        x = proposals.masks.centroids_yx[:, 1]
        score = 1 - x / asked.image.image_hw[1]
        for point in query.points_yx:
            score[np.abs(x - point[1]) < 10] = 1.0
        return ScoredMasks.of(
            proposals, score.astype(np.float32), threshold=self.threshold
        )


class Room:
    def __init__(self, window, engine):
        self.window = window
        self.session = scene.open_session(HW, SQUARES)
        self.state = TextState()
        self.tiles = EmbeddingState()
        self.controller = TextingController(
            *(self.session, self.state, engine),
            later=window.later,
            tiles=self.tiles,
            image_name="squares",
        )

    def run(self, phrase="square", region=None, **options):
        self.controller.run(TextQuestion(phrase, **options), region)
        self.finish()

    def finish(self):
        self.window.wait_for(
            lambda: not (self.state.is_running or self.state.is_resolving)
        )

    def settle(self, seconds=DEBOUNCE_SECONDS):
        self.window.pass_time(seconds)
        self.finish()


@pytest.fixture
def backend(monkeypatch):
    backend = SidesBackend()
    loaded = {"embedded": backend}
    monkeypatch.setattr(text_finding, "load_backend", loaded.__getitem__)
    monkeypatch.setattr(text_finding, "text_settings", lambda _: FEW)
    return backend


@pytest.fixture
def room(window, engine, backend):
    return Room(window, engine)


def gate_tiles(monkeypatch):
    gate = Gate(decoding.segment_tile)
    monkeypatch.setattr(decoding, "segment_tile", gate)
    return gate


def forbid_decoding(monkeypatch):
    def fail(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr("tilesam.everything.work.decode_tile", fail)


def is_found(room, square):
    y, x = (int(side) for side in middle(square))
    return room.state.found.labels[y, x] != 0


def test_what_the_backend_recommends_is_found(room):
    room.run("  square ")
    state, found = room.state, room.state.found
    assert state.threshold == 0.35
    assert [is_found(room, square) for square in SQUARES] == [True, True, False, True]
    assert state.count == found.count == len(np.unique(found.labels)) - 1
    assert state.masks > state.count
    assert found.phrase == "square"
    assert found.prompt_kind == TEXT == "text"
    assert found.segmentation.image_name == "squares"
    assert set(found.segmentation.table.more) == {"text_score", "score"}
    assert not state.notice


def test_the_answer_is_that_of_a_session(room):
    room.run(region=LEFT)
    session = scene.open_session(HW, SQUARES)
    options = {"settings": FEW, "backend": SidesBackend()}
    expected = session.find_text("square", region=LEFT, **options).resolve()
    found = room.state.found
    y0, x0 = found.offset_yx
    height, width = found.labels.shape
    np.testing.assert_array_equal(
        found.labels, expected.labels((y0, x0, y0 + height, x0 + width))
    )


def test_the_count_moves_at_once_and_objects_follow_without_decoding(room, monkeypatch):
    room.run()
    before = room.state.found
    forbid_decoding(monkeypatch)
    room.state.threshold = 0.0
    more = room.state.count
    assert more > before.count
    assert room.state.found is before
    room.settle()
    assert room.state.found.count == more
    assert is_found(room, SQUARES[2])
    room.state.threshold = 1.0
    assert room.state.count == 0
    room.settle()
    assert room.state.found.count == 0
    assert "lower the threshold" in room.state.notice


def test_a_slider_that_is_dragged_makes_objects_once(room, monkeypatch):
    room.run()
    resolve, calls = ScoredMasks.resolve, []

    def note(scored, threshold):
        calls.append(threshold)
        return resolve(scored, threshold)

    monkeypatch.setattr(ScoredMasks, "resolve", note)
    for threshold in (0.1, 0.2, 0.3, 0.5):
        room.state.threshold = threshold
        room.window.pass_time(DEBOUNCE_SECONDS / 3)
    room.settle()
    assert calls == [0.5]


def test_another_phrase_is_asked_of_the_same_masks(room, backend, monkeypatch):
    room.run()
    forbid_decoding(monkeypatch)
    room.run(negative_phrases=("circle",))
    assert backend.queries[-1].negative_phrases == ("circle",)
    assert room.state.found.count > 0
    room.state.threshold = 0.1
    room.settle()
    room.run()
    assert room.state.threshold == 0.1  # what a person has chosen stays


def test_another_backend_brings_its_own_threshold(room, backend):
    room.run()
    room.state.threshold = 0.1
    backend.threshold = 0.6
    room.run()
    assert room.state.threshold == 0.6
    assert room.state.found.segmentation.threshold == 0.6


def test_corrections_are_asked_once_they_rest(room, backend, monkeypatch):
    room.run()
    assert not is_found(room, SQUARES[2])
    forbid_decoding(monkeypatch)
    right = middle(SQUARES[2])
    for y in (right[0] - 2, right[0] - 1, right[0]):
        room.controller.correct(PromptSet().with_point((y, right[1])))
        room.window.pass_time(CORRECTION_SECONDS / 2)
    room.settle(CORRECTION_SECONDS)
    assert is_found(room, SQUARES[2])
    assert len(backend.queries) == 2
    np.testing.assert_array_equal(backend.queries[-1].points_yx, [right])
    room.controller.correct(PromptSet())
    room.settle(CORRECTION_SECONDS)
    assert not is_found(room, SQUARES[2])


def test_nothing_is_corrected_before_an_answer_or_after_an_error(room, backend):
    room.controller.correct(PromptSet().with_point((3, 3)))
    room.window.pass_time(1)
    assert room.state.question is None
    room.run("")
    room.controller.correct(PromptSet().with_point((3, 3)))
    room.window.pass_time(1)
    assert backend.queries == []
    assert "empty" in room.state.error


def test_examples_and_points_on_what_is_not_meant_are_told(room, backend):
    box = (16.0, 16.0, 32.0, 32.0)
    corrections = PromptSet().with_point((5, 6), label=0).with_box(box)
    room.run(corrections=corrections)
    (query,) = backend.queries
    assert query.point_labels.tolist() == [0]
    assert query.exemplar_boxes_yxyx.tolist() == [list(box)]


@pytest.mark.parametrize(
    ("phrase", "words"),
    [("", "phrase is empty"), ("   ", "phrase is empty"), ("x" * 10_000, "10000")],
)
def test_bad_phrases_are_explained_and_nothing_is_lost(room, phrase, words):
    room.run()
    found = room.state.found
    room.run(phrase)
    assert words in room.state.error
    assert room.state.found is found
    room.run()
    assert room.state.error == ""


def test_an_unknown_word_is_told_and_decodes_nothing(room, monkeypatch):
    forbid_decoding(monkeypatch)
    room.run("🙂")
    assert room.state.notice == "never heard"
    assert room.state.found.count == room.state.count == 0


def test_a_backend_that_is_not_installed_says_the_command(room, monkeypatch):
    monkeypatch.setattr(text_finding, "load_backend", backends.load_backend)
    place = ("tilesam.text.not_there", "NoBackend")
    monkeypatch.setitem(backends._PLACES, "clip", place)
    backends.load_backend.cache_clear()
    room.run(backend="clip:models/siglip")
    assert 'pip install "napari-sam-tiles[text]"' in room.state.error
    room.run(backend="magic")
    assert "no text backend 'magic'" in room.state.error
    backends.load_backend.cache_clear()


def test_progress_is_told_tile_by_tile(room, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run(TextQuestion("square"))
    gate.open()
    room.window.wait_for(lambda: room.state.progress)
    assert room.state.progress.done == 1
    total = len(room.session.plan_everything())
    gate.open(total)
    room.finish()
    assert room.state.progress.done == room.state.progress.total == total
    assert room.tiles.stored == room.session.store.keys()


def test_a_cancelled_run_goes_on_where_it_was_also_in_another_region(room, monkeypatch):
    gate = gate_tiles(monkeypatch)
    room.controller.run(TextQuestion("square"))
    gate.open(4)
    room.window.wait_for(lambda: (p := room.state.progress) and p.done == 4)
    room.controller.cancel()
    assert not room.state.is_running
    gate.open(1000)
    room.run(region=LEFT)
    assert room.state.progress.present > 0
    assert room.state.region == LEFT
    assert is_found(room, SQUARES[0])


def test_prompts_are_answered_in_the_midst_of_a_tile(room, engine):
    gate = Gate(room.session.model.decode_points)
    room.session.model.decode_points = gate
    state = AnnotationState()
    prompting = PromptingController(
        *(room.session, state, engine), later=room.window.later
    )
    room.controller.run(TextQuestion("square"))
    gate.wait_until_reached()
    state.prompts = PromptSet().with_point(middle(SQUARES[3]))
    room.window.pass_time(CLICK_SECONDS)
    gate.open(1000)
    room.window.wait_for(lambda: state.candidates)
    assert extent(state.candidates[0]) == SQUARES[3]
    room.finish()
    assert room.state.found.count >= 3
    prompting.close()


def test_one_object_can_be_taken_alone(room):
    room.run()
    found = room.state.found
    label = found.labels[tuple(int(side) for side in middle(SQUARES[0]))]
    alone = found.alone(int(label))
    y0, x0 = alone.offset_yx
    height, width = alone.labels.shape
    expected = np.where(found.labels == label, label, 0)
    np.testing.assert_array_equal(
        alone.labels, expected[y0 : y0 + height, x0 : x0 + width]
    )
    assert np.count_nonzero(alone.labels) == np.count_nonzero(expected)
    with pytest.raises(AnnotationError, match="no object 99"):
        found.alone(99)


def test_another_session_leaves_what_was_found_to_be_accepted(room, engine):
    room.run()
    found = room.state.found
    room.controller.close()
    again = TextingController(
        *(room.session, room.state, engine), later=room.window.later
    )
    assert room.state.masks == 0
    room.state.threshold = 0.0
    room.window.pass_time(1)
    assert room.state.found is found
    assert room.state.count == found.count
    again.close()


def test_a_closed_controller_hears_nothing(room):
    room.run()
    found = room.state.found
    room.state.threshold = 0.0
    room.window.pass_time(DEBOUNCE_SECONDS)
    (late,) = room.window.take_deliveries(1)
    room.controller.correct(PromptSet().with_point((5, 5)))
    room.controller.close()
    late()
    room.state.threshold = 0.2
    room.window.pass_time(1)
    assert room.state.found is found
    assert not room.state.is_resolving
    assert not room.state.is_running
