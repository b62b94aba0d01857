"""Who is asked: a perfect network whose tokens are known, and what it is given."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.evaluation.scenes import Images, squares_image, squares_sample
from tilesam.ablation.measuring import measure_model
from tilesam.ablation.subjects import VariantSubject
from tilesam.evaluation.answering import SamSubject
from tilesam.evaluation.results import KeptResults
from tilesam.evaluation.runs import Limits
from tilesam.testing.models import bright_region_model, tiny_random_model
from tilesam.training.recipes import Prompting

USUAL = Prompting()
ONE_OUTPUT = Prompting(multimask_output=False)
NO_FEEDBACK = Prompting(mask_feedback=False)
POINTS = np.array([[[16.0, 16.0]], [[48.0, 46.0]]])
LABELS = np.ones((2, 1), np.int64)
BOXES = np.array([[8.0, 8.0, 23.0, 23.0], [40.0, 32.0, 55.0, 59.0]])

AREAS = [16 * 16 - 4, 16 * 28 - 4]
"""Of the answers: enlarged, a rectangle of cells loses the pixels at its corners."""


def open_with(prompting: Prompting, model=None):
    return VariantSubject(model or bright_region_model(), prompting).open(
        squares_image()
    )


def test_the_usual_subject_answers_as_every_evaluation_does() -> None:
    model = tiny_random_model(0)
    ours = open_with(USUAL, model)
    theirs = SamSubject(model).open(squares_image())
    for found, expected in (
        (ours.points(POINTS, LABELS), theirs.points(POINTS, LABELS)),
        (ours.boxes(BOXES), theirs.boxes(BOXES)),
    ):
        assert np.array_equal(found.masks, expected.masks)
        assert np.array_equal(found.scores, expected.scores)
        assert np.array_equal(found.feedback, expected.feedback)


def test_one_output_answers_with_the_single_mask_alone() -> None:
    # The perfect network predicts 0.9 of its token 0, and more of token 2.
    answers = open_with(ONE_OUTPUT)
    for given in (answers.points(POINTS, LABELS), answers.boxes(BOXES)):
        assert given.masks.shape == (2, 1, 64, 64)
        assert given.scores.tolist() == [[pytest.approx(0.9)]] * 2
        assert given.masks.sum(axis=(1, 2, 3)).tolist() == AREAS
    usual = open_with(USUAL).points(POINTS, LABELS)
    assert usual.masks.shape == (2, 3, 64, 64)
    assert usual.scores[0].tolist() == pytest.approx([0.95, 0.8, 0.7])


def test_one_output_answers_as_token_0_of_the_network_does() -> None:
    model = tiny_random_model(1)
    given = open_with(ONE_OUTPUT, model).points(POINTS, LABELS)
    two = np.repeat(POINTS, 2, axis=1)
    again = open_with(ONE_OUTPUT, model).points(two, np.ones((2, 2), np.int64))
    # Several points are unambiguous: the usual subject shows token 0 first, too.
    usual = open_with(USUAL, model).points(two, np.ones((2, 2), np.int64))
    assert np.array_equal(again.masks[:, 0], usual.masks[:, 0])
    assert np.array_equal(again.scores[:, 0], usual.scores[:, 0])
    assert np.array_equal(again.feedback, usual.feedback)
    assert given.feedback.shape == (2, 16, 16)


@pytest.mark.parametrize("multimask_output", [False, True])
def test_without_feedback_there_is_none_to_give(multimask_output: bool) -> None:
    prompting = Prompting(multimask_output, mask_feedback=False)
    answers = open_with(prompting)
    assert answers.points(POINTS, LABELS).feedback is None
    assert answers.boxes(BOXES).feedback is None
    with_it = open_with(Prompting(multimask_output))
    assert with_it.points(POINTS, LABELS).feedback is not None


def test_subjects_are_told_apart() -> None:
    model = bright_region_model()
    found = [
        tuple(sorted(VariantSubject(model, p).identity.items()))
        for p in (USUAL, ONE_OUTPUT, NO_FEEDBACK)
    ]
    assert len(set(found)) == 3
    assert VariantSubject(model, USUAL).name == "bright_region"


@pytest.mark.parametrize("prompting", [USUAL, ONE_OUTPUT, NO_FEEDBACK])
def test_a_perfect_model_is_measured_as_such(prompting: Prompting) -> None:
    told = []
    rows = measure_model(
        bright_region_model(),
        prompting,
        Images([squares_sample(), squares_sample(name="squares/2")]),
        limits=Limits(),
        kept=KeptResults(),
        progress=lambda done, total: told.append((done, total)),
    )
    assert [(row.image, row.object_id) for row in rows] == [
        *(("squares/1", 1), ("squares/1", 2)),
        *(("squares/2", 1), ("squares/2", 2)),
    ]
    for row in rows:
        measured = [row.scores[m] for m in ("box", "point", "oracle", "three_points")]
        area = AREAS[row.object_id - 1]
        assert measured == pytest.approx([area / (area + 4)] * 4, abs=1e-6)
        # Of the box the single mask is sure, of the point the best of three.
        assert row.scores["box_predicted"] == pytest.approx(0.9)
        sure = 0.95 if prompting.multimask_output else 0.9
        assert row.scores["predicted"] == pytest.approx(sure)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_further_clicks_are_given_masks_only_where_they_were_in_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {}
    for prompting in (USUAL, ONE_OUTPUT, NO_FEEDBACK):
        # A network at random is never right, so that all three clicks are made.
        model = tiny_random_model(2)
        asked = []
        decode = model.decode

        def listen(*args, decode=decode, asked=asked, **prompts):
            asked.append(prompts.get("mask_input") is not None)
            return decode(*args, **prompts)

        monkeypatch.setattr(model, "decode", listen)
        measure_model(
            model,
            prompting,
            Images([squares_sample()]),
            limits=Limits(),
            kept=KeptResults(),
        )
        given[prompting] = asked
    assert given == {
        USUAL: [False, False, True, True],
        ONE_OUTPUT: [False, False, True, True],
        NO_FEEDBACK: [False, False, False, False],
    }
