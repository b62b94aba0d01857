"""Which refined mask comes first, and which clicks a mask contradicts."""

from __future__ import annotations

import numpy as np
import pytest

from tilesam.model.refining.ranking import FAVOUR, count_wrong_clicks, order_refined

NONE_WRONG = np.zeros(3, np.int64)


def test_one_point_is_answered_by_the_most_confident():
    scores = np.array([0.5, 0.9, 0.7])
    assert order_refined(scores, NONE_WRONG, is_ambiguous=True).tolist() == [1, 2, 0]


def test_a_correction_comes_first_unless_another_is_better_by_far():
    near = np.array([0.7, 0.7 + 0.9 * FAVOUR, 0.1])
    assert order_refined(near, NONE_WRONG, is_ambiguous=False)[0] == 0
    far = np.array([0.7, 0.7 + 1.1 * FAVOUR, 0.1])
    assert order_refined(far, NONE_WRONG, is_ambiguous=False).tolist() == [1, 0, 2]


@pytest.mark.parametrize("is_ambiguous", [True, False])
def test_a_mask_that_contradicts_a_click_comes_later(is_ambiguous):
    scores = np.array([0.9, 0.6, 0.8])
    order = order_refined(scores, np.array([1, 0, 0]), is_ambiguous=is_ambiguous)
    assert order.tolist() == [2, 1, 0]


def test_clicks_are_counted_where_they_are():
    mask = np.array([[True, False], [True, True]])
    points = np.array([[10.0, 20.0], [10.0, 21.0], [11.4, 20.6], [9.0, 20.0], [0, 0]])
    labels = np.array([1, 1, 0, 0, -1])
    # The second is missed, the third rounds to a pixel of the mask; padding is none.
    assert count_wrong_clicks(mask, (10, 20), points, labels) == 2


def test_an_empty_mask_misses_all_that_is_meant():
    points, labels = np.array([[3.0, 4.0], [5.0, 6.0]]), np.array([1, 0])
    assert count_wrong_clicks(np.zeros((0, 0), bool), (0, 0), points, labels) == 1


def test_no_clicks_contradict_nothing():
    nowhere, none = np.zeros((0, 2)), np.zeros(0, np.int64)
    assert count_wrong_clicks(np.ones((2, 2), bool), (0, 0), nowhere, none) == 0
