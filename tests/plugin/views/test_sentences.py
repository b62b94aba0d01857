"""What the panels say, word for word, where numbers decide on the words."""

from __future__ import annotations

import pytest

from napari_sam.views.numbers import NO_BREAK
from napari_sam.views.records import (
    CandidateRow,
    ModelRow,
    PromptCounts,
    RunProgress,
    TileCounts,
)
from napari_sam.views.sentences import (
    MINUS,
    candidate_sentence,
    clear_question,
    downloading,
    estimated,
    everything_counts,
    message,
    model_facts,
    model_item,
    overlap_question,
    prompts_so_far,
    step_label,
    steps_done,
    store_content,
    tile_map,
    time_left,
    with_key,
)
from tilesam.embedding.estimate import EmbeddingEstimate


def plain(text: str) -> str:
    return text.replace(NO_BREAK, " ")


def test_tooltips_name_the_key_if_there_is_one():
    assert with_key("Accept it", "H") == "Accept it (key: H)"
    assert with_key("Accept it", None) == "Accept it"


def test_every_tone_but_plain_information_is_told_by_a_sign():
    texts = [message("x", tone) for tone in ("info", "busy", "warning", "error")]

    assert texts == ["x", "… x", "⚠ Note: x", "✖ Error: x"]
    assert message("", "error") == ""


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        (PromptCounts(), "No prompts yet"),
        (PromptCounts(1), f"1 point (+1, {MINUS}0)"),
        (PromptCounts(3, 1, 2), f"4 points (+3, {MINUS}1), 2 boxes"),
        (PromptCounts(boxes=1), "1 box"),
    ],
)
def test_prompts_are_counted_by_kind(counts, text):
    assert prompts_so_far(counts) == text


def test_a_candidate_in_one_line():
    row = CandidateRow(0.934, None, 1234, color_name="orange")

    assert plain(candidate_sentence(0, row, is_chosen=True)) == (
        "Candidate 1, orange in the viewer: predicted IoU 0.93, stability unknown, "
        "1,234 px; chosen"
    )


def test_an_empty_candidate_is_called_empty():
    row = CandidateRow(0.1, 0.0, 0)

    assert candidate_sentence(2, row, is_chosen=False) == (
        "Candidate 3: predicted IoU 0.10, stability 0.00, empty mask"
    )


def test_a_model_says_how_sure_its_size_is():
    exact = ModelRow("vit_b", 375_042_383, "Apache-2.0", "downloaded")
    likely = ModelRow("x", 41e6, "MIT", "to be downloaded", is_size_exact=False)
    unknown = ModelRow("tiny", 0, "BSD-3-Clause", "in the package")

    assert plain(model_item(exact)) == "vit_b  (375 MB · Apache-2.0 · downloaded)"
    assert plain(model_facts(likely)) == "~41 MB · MIT · to be downloaded"
    assert model_facts(unknown) == "BSD-3-Clause · in the package"


def test_a_download_of_unknown_size():
    assert plain(downloading(2_000_000, None)) == "2.0 MB so far"
    assert plain(downloading(2_000_000, 4_000_000)) == "2.0 MB of 4.0 MB"


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        ((0, 0, 0, 0.0), "There is no tile here."),
        ((1, 0, 0, 0.0), "The tile is stored already."),
        ((1200, 0, 0, 0.0), "All 1,200 are stored already."),
        ((1, 1, 524_288, 0.3), "1 tile to embed: 524 kB, less than 1 s."),
        ((60, 48, 25_165_824, 180.0), "48 of 60 tiles to embed: 25 MB, about 3 min."),
        ((60, 60, 10**7, None), "60 tiles to embed: 10 MB; time not known yet."),
    ],
)
def test_the_engines_estimate_in_words(estimate, text):
    assert plain(estimated(EmbeddingEstimate(*estimate))) == text


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (RunProgress(0, 9), "Estimating the time left"),
        (RunProgress(3, 9, 200.0), "About 3 min left"),
        (RunProgress(3, 9, 0.2), "Less than 1 s left"),
        (RunProgress(9, 9, 0.0), "Finishing"),
    ],
)
def test_time_that_is_left(progress, text):
    assert plain(time_left(progress)) == text


def test_counts():
    assert steps_done(RunProgress(12, 1200)) == "12 of 1,200 tiles"
    assert tile_map(TileCounts(4, 1, 7)) == "4 stored, 1 being embedded, 7 missing"
    assert plain(store_content(2, 1_048_576)) == "2 tiles, 1.0 MB"
    assert store_content(0, 0) == "Empty"
    assert everything_counts(1, 2345) == "1 object of 2,345 masks"
    assert step_label("Undo", "erase") == "Undo: erase"
    assert step_label("Undo", None) == "Undo"


def test_clearing_says_what_is_lost_and_what_is_not():
    question = plain(clear_question(1, 2_000_000))

    assert question.startswith("Remove 1 embedded tile (2.0 MB) from the store?")
    assert "objects are not touched" in question


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([7], "1 pixel of object 7."),
        ([7, 9], "1 pixel of 2 objects: 7, 9."),
        (range(1, 8), "1 pixel of 7 objects: 1, 2, 3, 4, 5 and others."),
    ],
)
def test_an_overlap_names_the_objects(labels, words):
    assert words in overlap_question(labels, 1)
