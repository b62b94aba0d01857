"""Figures of label images whose values are found by counting pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from tilesam.evaluation.measures.instances import (
    aggregated_jaccard,
    count_duplicates,
    count_splits,
    panoptic_quality,
    symmetric_best_dice,
)
from tilesam.evaluation.measures.overlaps import count_overlaps, pair_up
from tilesam.evaluation.measures.recall import average_recall, found_at
from tilesam.masks.run_masks import RunMasks

labels = arrays(np.int64, (6, 7), elements=st.integers(0, 4))


def overlaps_of(found, truth):
    return count_overlaps(
        RunMasks.from_labels(np.array(found))[0],
        RunMasks.from_labels(np.array(truth))[0],
    )


# One object of 4 pixels found with 3 of them and 1 more: IoU 3 / 5. One of 2 pixels
# missed, one of 1 pixel made up.
TRUTH = [[1, 1, 1, 1, 0, 2, 2, 0]]
FOUND = [[0, 7, 7, 7, 7, 0, 0, 9]]


def test_panoptic_quality_by_hand():
    panoptic = panoptic_quality(overlaps_of(FOUND, TRUTH))
    assert panoptic.sq == pytest.approx(3 / 5)
    assert panoptic.rq == pytest.approx(1 / (1 + 0.5 + 0.5))
    assert panoptic.pq == pytest.approx(0.3)


def test_aggregated_jaccard_by_hand():
    # The union is 5 of the pair, 2 of the missed one, 1 of what was made up.
    assert aggregated_jaccard(overlaps_of(FOUND, TRUTH)) == pytest.approx(3 / 8)


def test_a_found_object_that_serves_two_is_counted_with_each():
    # Both true ones take the found one: shared 2 + 2, union 4 + 4.
    value = aggregated_jaccard(overlaps_of([[5, 5, 5, 5]], [[1, 1, 2, 2]]))
    assert value == pytest.approx(0.5)


def test_best_dice_by_hand():
    # Dice of the pair is 2 * 3 / 8; everything else has 0.
    assert symmetric_best_dice(overlaps_of(FOUND, TRUTH)) == pytest.approx(0.75 / 2)


def test_best_dice_is_the_lower_of_both_directions():
    # The found ones have 1 and 0, the true one has 1.
    value = symmetric_best_dice(overlaps_of([[1, 1, 2]], [[3, 3, 0]]))
    assert value == pytest.approx(0.5)


def test_nothing_found_where_nothing_is_is_right():
    nothing = overlaps_of([[0, 0]], [[0, 0]])
    assert panoptic_quality(nothing).pq == 1
    assert aggregated_jaccard(nothing) == 1
    assert symmetric_best_dice(nothing) == 1


def test_nothing_found_where_something_is_is_wrong():
    for found, truth in (([[0, 0]], [[1, 1]]), ([[1, 1]], [[0, 0]])):
        overlaps = overlaps_of(found, truth)
        assert panoptic_quality(overlaps).pq == 0
        assert aggregated_jaccard(overlaps) == 0
        assert symmetric_best_dice(overlaps) == 0


def test_splits_and_merges_by_hand():
    truth = [[1, 1, 1, 1, 1, 1, 0, 2, 2, 3, 3, 0, 4, 4, 0]]
    found = [[5, 5, 5, 6, 6, 6, 0, 7, 7, 7, 7, 0, 8, 8, 9]]
    splits = count_splits(overlaps_of(found, truth))
    assert splits.over_segmented == 1  # 1, in halves
    assert splits.under_segmented == 1  # 7 holds 2 and 3
    assert splits.missed == 3  # 1, 2 and 3, at an IoU of 0.5, which is not above
    assert splits.spurious == 1  # 9


def test_duplicates_by_hand():
    truth = RunMasks.from_crops([np.ones((1, 4), bool)], [(0, 0)])
    crops = [np.ones((1, n), bool) for n in (4, 3, 2, 1)]
    found = RunMasks.from_crops(crops, [(0, 0)] * 4)
    # IoU 1, 3/4, 1/2 and 1/4.
    assert count_duplicates(count_overlaps(found, truth)) == 2


@given(labels=labels)
@settings(max_examples=40)
def test_labels_are_perfect_compared_with_themselves(labels):
    overlaps = overlaps_of(labels, labels)
    assert panoptic_quality(overlaps).pq == pytest.approx(1)
    assert aggregated_jaccard(overlaps) == pytest.approx(1)
    assert symmetric_best_dice(overlaps) == pytest.approx(1)
    assert count_splits(overlaps) == (0, 0, 0, 0)


@given(found=labels, truth=labels)
@settings(max_examples=60)
def test_overlaps_are_counted_pixel_by_pixel(found, truth):
    overlaps = overlaps_of(found, truth)
    rows, columns = np.unique(found[found > 0]), np.unique(truth[truth > 0])
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            shared = ((found == row) & (truth == column)).sum()
            union = ((found == row) | (truth == column)).sum()
            assert overlaps.shared[i, j] == shared
            assert overlaps.iou[i, j] == pytest.approx(shared / union)
    for value in (panoptic_quality(overlaps).pq, aggregated_jaccard(overlaps)):
        assert 0 <= value <= 1
    # At an IoU above 0.5 no object has two partners.
    matches = overlaps.iou[overlaps.iou > 0.5]
    assert len(pair_up(overlaps.iou, 0.5)) == len(matches)


@given(values=arrays(np.float64, (3, 4), elements=st.floats(0, 1)))
def test_pairs_add_up_to_most(values):
    pairs = pair_up(values, 0.0)
    expected = values[linear_sum_assignment(values, maximize=True)].sum()
    assert values[tuple(pairs.T)].sum() == pytest.approx(expected)


def test_recall_by_hand():
    iou = np.array([[0.6, 0.0], [0.9, 0.7], [0.0, 0.2]])
    # The first proposal alone: the first object at 0.6.
    np.testing.assert_array_equal(found_at(iou, 1), [0.6, 0])
    # With the second, which stands for the first object; the first one is left over.
    np.testing.assert_array_equal(found_at(iou, 2), [0.9, 0])
    np.testing.assert_array_equal(found_at(iou, 3), [0.9, 0.2])


def test_average_recall_by_hand():
    # 0.55 reaches two of ten thresholds, 1.0 all, 0.3 none.
    assert average_recall(np.array([0.55, 1.0, 0.3])) == pytest.approx((2 + 10) / 30)
    assert np.isnan(average_recall(np.zeros(0)))
