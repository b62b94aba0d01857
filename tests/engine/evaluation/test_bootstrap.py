from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilesam.evaluation.measures.bootstrap import (
    drawn_means,
    interval_of,
    mean_interval,
)
from tilesam.evaluation.measures.clicks import clicks_needed
from tilesam.evaluation.measures.shapes import concavity, measure_shapes
from tilesam.masks.run_masks import RunMasks


def test_equal_values_leave_no_doubt():
    assert mean_interval([0.5] * 6, list("aabcde")) == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize("images", [["a", "a", "a", "a"], list("abcd")])
def test_few_images_say_nothing_about_others(images):
    interval = mean_interval([0.2, 0.4, 0.2, 0.4], images)
    assert interval.mean == pytest.approx(0.3)
    assert np.isnan(interval.low)
    assert not interval.excludes_zero


def test_images_are_drawn_whole():
    # Two images of 0 and 1: a sample has mean 0, 1/2 or 1, nothing else.
    means = drawn_means([0, 0, 1, 1], list("aabb"))
    assert set(means) == {0.0, 0.5, 1.0}
    assert (means == 0.5).mean() == pytest.approx(0.5, abs=0.05)


def test_the_interval_of_normal_values_is_as_wide_as_it_should_be():
    values = np.random.default_rng(0).normal(3, 1, 400)
    interval = mean_interval(values, [str(n) for n in range(400)])
    half = 1.96 * values.std() / 20
    assert interval.high - interval.mean == pytest.approx(half, rel=0.1)
    assert interval.mean - interval.low == pytest.approx(half, rel=0.1)


def test_more_comparisons_need_wider_intervals():
    drawn = np.random.default_rng(1).normal(size=4000)
    one, ten = interval_of(0.0, drawn), interval_of(0.0, drawn, comparisons=10)
    assert ten.low < one.low < 0 < one.high < ten.high


def test_no_values():
    with pytest.raises(ValueError, match="needs at least one"):
        mean_interval([], [])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12), st.integers(0, 5))
@settings(max_examples=40)
def test_the_mean_of_draws_lies_among_the_values(values, seed):
    images = [str(n) for n in range(len(values))]
    means = drawn_means(values, images, seed=seed, draws=50)
    assert min(values) - 1e-9 <= means.min()
    assert means.max() <= max(values) + 1e-9


def test_clicks_by_hand():
    iou = [[0.5, 0.9, 0.8], [0.9, 0.1, 0.1], [0.1, 0.2, 0.85], [0.1, 0.2, 0.3]]
    np.testing.assert_array_equal(clicks_needed(iou, 0.85), [2, 1, 3, 4])


def test_concavity_by_hand():
    assert concavity(np.ones((3, 5), bool)) == 0
    corner = np.ones((4, 4), bool)
    corner[2:, 2:] = False
    # 12 pixels; the hull lacks the triangle of half the missing square.
    assert concavity(corner) == pytest.approx(1 - 12 / 14)


def test_shapes_by_hand():
    masks = RunMasks.from_crops([np.ones((2, 4), bool)], [(0, 4)])
    shapes = measure_shapes(masks, (4, 8))
    np.testing.assert_allclose(shapes.relative_size, [0.5])  # sqrt(8 / 32)
    np.testing.assert_allclose(shapes.center_yx, [[0.25, 0.75]])
    np.testing.assert_allclose(shapes.concavity, [0])
