"""One threshold over scored masks: counts, laws, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilesam.errors import TextError
from tilesam.masks.run_masks import RunMasks
from tilesam.text.scored import ScoredMasks


def scored(boxes, scores, hw=(64, 64), **more):
    crops = [np.ones((y1 - y0, x1 - x0), np.bool_) for y0, x0, y1, x1 in boxes]
    masks = RunMasks.from_crops(crops, [(y0, x0) for y0, x0, _, _ in boxes])
    count = len(boxes)
    return ScoredMasks(
        image_hw=hw,
        masks=masks,
        text_score=np.array(scores, np.float32),
        predicted_iou=np.ones(count, np.float32),
        stability_score=np.full(count, 0.9, np.float32),
        points_yx=np.zeros((count, 2)),
        level=np.zeros(count, np.int8),
        is_cut=np.zeros(count, np.bool_),
        **more,
    )


@st.composite
def scored_boxes(draw):
    corner, side = st.integers(0, 40), st.integers(1, 20)
    boxes = [
        (y, x, y + draw(side), x + draw(side))
        for y, x in draw(st.lists(st.tuples(corner, corner), max_size=12))
    ]
    scores = [draw(st.integers(0, 10)) / 10 for _ in boxes]
    return scored(boxes, scores)


@settings(max_examples=60, deadline=None)
@given(scored_boxes())
def test_the_count_is_that_of_the_objects_at_every_threshold(masks):
    counts = [masks.count(k / 10) for k in range(11)]
    for k, count in enumerate(counts):
        found = masks.resolve(k / 10)
        assert len(found) == count
        values = np.unique(found.labels())
        assert set(values[values > 0]) == set(found.table.label.tolist())
        assert (found.table.more["text_score"] >= np.float32(k / 10)).all()
    assert counts == sorted(counts, reverse=True)


@settings(max_examples=60, deadline=None)
@given(scored_boxes())
def test_a_higher_threshold_takes_away_and_changes_nothing_else(masks):
    low, high = masks.resolve(0.2), masks.resolve(0.6)
    extents = {tuple(row) for row in low.table.extents_yxyx.tolist()}
    assert {tuple(row) for row in high.table.extents_yxyx.tolist()} <= extents


def test_of_masks_of_one_thing_the_best_stays():
    masks = scored([(0, 0, 10, 10), (1, 1, 11, 11), (30, 30, 40, 40)], [0.6, 0.8, 0.7])
    found = masks.resolve(0.5)
    np.testing.assert_array_equal(
        found.table.extents_yxyx, [[1, 1, 11, 11], [30, 30, 40, 40]]
    )
    np.testing.assert_allclose(found.table.more["text_score"], [0.8, 0.7])


def test_of_masks_that_fit_alike_the_one_with_the_better_outline_stays():
    masks = scored([(0, 0, 10, 10), (1, 1, 11, 11)], [0.8, 0.79])
    masks.predicted_iou[:] = (0.5, 0.9)
    found = masks.resolve(0.3)
    np.testing.assert_array_equal(found.table.extents_yxyx, [[1, 1, 11, 11]])
    np.testing.assert_allclose(found.table.more["score"], [0.79 * 0.9])


def test_small_things_on_a_large_one_that_fits_worse_remove_it():
    lesion_on_leaf = scored([(0, 0, 60, 60), (10, 10, 14, 14)], [0.6, 0.9])
    assert lesion_on_leaf.resolve(0.5).table.area.tolist() == [16]


def test_nothing_found_says_why():
    found = scored([(0, 0, 10, 10)], [0.31]).resolve(0.5)
    assert len(found) == 0
    assert "0.31" in found.hint
    assert "no mask was proposed" in scored([], []).resolve(0.5).hint
    told = scored([], [], notice="not known").resolve(0.5)
    assert told.hint == told.notice == "not known"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_thresholds_are_shares(threshold):
    with pytest.raises(TextError, match="from 0 to 1"):
        scored([], []).resolve(threshold)


def test_moving_the_threshold_over_many_masks_takes_no_second():
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 3000, (5000, 2))
    boxes = [(y, x, y + 40, x + 40) for y, x in corners.tolist()]
    masks = scored(boxes, rng.random(5000), hw=(3040, 3040))
    masks.count(0.5)  # the first one sorts
    start = time.perf_counter()
    counts = [masks.count(k / 100) for k in range(100)]
    assert counts[0] > counts[-1]
    masks.resolve(0.5)
    assert time.perf_counter() - start < 1
