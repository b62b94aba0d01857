from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam.model.refining.ranking import (
    FAVOUR,
    count_wrong_clicks,
    order_refined,
)

scores = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=4)


def order(iou, wrong=None, *, is_ambiguous=True):
    wrong = np.zeros(len(iou), np.int64) if wrong is None else np.array(wrong)
    found = order_refined(np.array(iou), wrong, is_ambiguous=is_ambiguous)
    return found.tolist()


@given(scores)
def test_answers_to_one_point_come_by_their_score_and_ties_as_they_were(iou):
    assert order(iou) == sorted(range(len(iou)), key=lambda i: -iou[i])


@given(scores, st.booleans(), st.randoms(use_true_random=False))
def test_every_mask_is_shown_once(iou, is_ambiguous, random):
    wrong = [random.randrange(3) for _ in iou]
    assert sorted(order(iou, wrong, is_ambiguous=is_ambiguous)) == [*range(len(iou))]


def test_where_the_prompts_say_what_is_meant_others_have_to_be_better_by_far():
    for gain, expected in ((-0.1, [0, 1]), (0.4, [0, 1]), (0.9, [0, 1]), (1.5, [1, 0])):
        iou = [0.5, 0.5 + gain * FAVOUR]
        assert order(iou, is_ambiguous=False) == expected
    # Alternatives have no advantage over each other.
    assert order([0.9, 0.3, 0.31], is_ambiguous=False) == [0, 2, 1]


@pytest.mark.parametrize("is_ambiguous", [True, False])
def test_a_mask_that_contradicts_a_click_comes_after_its_equals(is_ambiguous):
    assert order([0.8, 0.8, 0.8], [1, 0, 0], is_ambiguous=is_ambiguous) == [1, 2, 0]
    assert order([0.8, 0.8, 0.8], [2, 0, 1], is_ambiguous=is_ambiguous) == [1, 2, 0]


@given(scores.filter(lambda iou: len(iou) > 1), st.booleans())
def test_another_wrong_click_never_helps(iou, is_ambiguous):
    before = order(iou, is_ambiguous=is_ambiguous)
    for mask in range(len(iou)):
        wrong = [int(i == mask) for i in range(len(iou))]
        after = order(iou, wrong, is_ambiguous=is_ambiguous)
        assert after.index(mask) >= before.index(mask)


MASK = np.array([[True, False], [True, True]])
"""Of pixels (10, 20), (11, 20) and (11, 21)."""


@pytest.mark.parametrize(
    ("clicks", "labels", "expected"),
    [
        ([(10, 20), (11, 21)], [1, 1], 0),
        ([(10, 21)], [1], 1),  # a hole in its box
        ([(10, 21)], [0], 0),
        ([(11, 20)], [0], 1),
        ([(9, 20), (12, 20), (10, 19), (10, 22)], [1] * 4, 4),  # around it
        ([(9, 20), (12, 20), (10, 19), (10, 22)], [0] * 4, 0),
        ([(0, 0), (-5, 900)], [1, 1], 2),
        ([(10, 20), (10, 21), (11, 20), (11, 21)], [1, 1, 0, 0], 3),
        ([(10, 20), (0, 0)], [-1, -1], 0),  # no clicks
        # A pixel goes from half a pixel before its middle to half a pixel behind it.
        ([(9.5, 19.5), (10.49, 20.49)], [1, 1], 0),
        ([(9.49, 20), (10, 20.5)], [1, 1], 2),
    ],
)
def test_wrong_clicks_by_counting(clicks, labels, expected):
    found = count_wrong_clicks(
        MASK, (10, 20), np.array(clicks, float), np.array(labels)
    )
    assert found == expected


def test_nothing_contradicts_negative_clicks_and_no_positive_ones():
    empty, points = np.zeros((0, 0), bool), np.array([[0.0, 0.0], [3.0, 4.0]])
    assert count_wrong_clicks(empty, (0, 0), points, np.array([0, 0])) == 0
    assert count_wrong_clicks(empty, (0, 0), points, np.array([1, 0])) == 1
    nothing = np.zeros((0, 2)), np.zeros(0, np.int64)
    assert count_wrong_clicks(MASK, (10, 20), *nothing) == 0


@given(st.integers(0, 500), st.integers(-5, 5), st.integers(-5, 5))
def test_a_crop_is_the_mask_of_the_whole_image(seed, y, x):
    rng = np.random.default_rng(seed)
    whole = np.zeros((20, 20), bool)
    crop = rng.random((6, 7)) < 0.5
    whole[7 + y : 13 + y, 6 + x : 13 + x] = crop
    clicks = rng.uniform(0, 19, (9, 2))
    labels = rng.integers(-1, 2, 9)
    first = count_wrong_clicks(crop, (7 + y, 6 + x), clicks, labels)
    assert_array_equal(first, count_wrong_clicks(whole, (0, 0), clicks, labels))
