from __future__ import annotations

import subprocess
import sys
from dataclasses import fields

import pytest

from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import EverythingState
from napari_sam.state.models import ModelsState, read_choices
from napari_sam.state.prompts import PromptSet
from tests.plugin.fake_candidates import candidate
from tilesam.types import TileKey

STATES = [AnnotationState, EmbeddingState, EverythingState, ModelsState]


def heard(state):
    """Return a list that grows with the name and value of every change."""
    changes = []

    def listen(name):
        def note(new):
            changes.append((name, new))

        getattr(state.events, name).connect(note)

    for field in fields(state):
        listen(field.name)
    return changes


@pytest.mark.parametrize("state_type", STATES)
def test_two_states_share_nothing(state_type):
    one, other = state_type(), state_type()
    changes = heard(other)
    one.message = "only here"
    assert other.message == ""
    assert changes == []


@pytest.mark.parametrize("state_type", STATES)
def test_every_field_has_an_event_and_equal_values_are_no_news(state_type):
    state = state_type()
    changes = heard(state)
    for field in fields(state):
        setattr(state, field.name, getattr(state, field.name))
    assert changes == []
    state.message = "news"
    assert changes == [("message", "news")]


def test_the_state_needs_neither_torch_nor_qt():
    modules = [state_type.__module__ for state_type in STATES]
    code = (
        f"import sys, napari_sam.threads.engine_thread, {', '.join(modules)}\n"
        "heavy = {'torch', 'qtpy', 'PyQt6', 'napari', 'magicgui', 'skimage'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_at_no_moment_another_candidate_than_the_best_of_an_answer_is_chosen():
    state = AnnotationState()
    first, second = (tuple(candidate(iou=i) for i in (0.9, 0.8, 0.7)) for _ in "ab")
    state.show(first, PromptSet().with_point((1, 1)))
    state.chosen = 2
    seen = []
    state.events.connect(lambda _: seen.append(state.chosen_candidate))
    state.show(second, PromptSet().with_point((2, 2)))
    assert set(map(id, seen)) <= {id(first[0]), id(second[0])}


def test_the_next_object_begins_with_nothing_and_makes_answers_late():
    state = AnnotationState(prompts=PromptSet().with_point((1, 1)), message="something")
    number = state.begin_request()
    state.show((candidate(),) * 3, state.prompts)
    state.begin_object()
    assert state.generation > number
    assert (len(state.prompts), state.candidates, state.chosen) == (0, (), 0)
    assert (state.is_busy, state.message, state.base) == (False, "", None)
    assert state.chosen_candidate is None


def test_a_stored_tile_is_not_in_work_and_not_missing():
    tiles = [TileKey(0, 0, i) for i in range(3)]
    state = EmbeddingState(planned=frozenset(tiles))
    state.begin_work(tiles[:2])
    state.add_stored(tiles[1:])
    assert state.in_work == {tiles[0]}
    assert state.missing == {tiles[0]}
    state.begin_work([tiles[1]])
    assert state.in_work == {tiles[0]}


def test_the_choices_say_what_a_person_needs_to_know(tmp_path):
    weights = tmp_path / "mobile_sam.pt"
    weights.write_bytes(b"12345")
    by_name = {choice.name: choice for choice in read_choices(tmp_path)}
    assert by_name["tiny"].is_present
    assert by_name["tiny"].is_exact
    assert 1e5 < by_name["tiny"].nbytes < 1e8
    assert by_name["mobile_sam"].is_present
    assert by_name["mobile_sam"].nbytes == 5
    assert by_name["vit_b"].nbytes == 375_042_383
    assert by_name["vit_b"].licence == "Apache-2.0"
    assert not by_name["vit_b_lm"].is_exact


def test_a_path_is_a_choice_without_a_line():
    state = ModelsState(choices=read_choices(), chosen="tiny")
    assert state.chosen_choice.name == "tiny"
    state.chosen = "/some/weights.pt"
    assert state.chosen_choice is None
