"""Vectors to likenesses: by hand, and what holds whatever the vectors are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from tilesam.similarity.ranking import SimilarObjects, rank_objects, similarities_to

VECTORS = st.integers(2, 8).flatmap(
    lambda count: arrays(np.float64, (count, 3), elements=st.integers(-4, 4).map(float))
)


def test_of_a_pair_nothing_is_taken():
    pair = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert_allclose(similarities_to(0, [pair], [1.0]), [1, np.sqrt(0.5)])


def test_of_more_most_of_the_mean_is_taken():
    # Mean (3, 3), of which half is taken of three objects.
    three = np.array([[3.0, 1.0], [1.0, 3.0], [5.0, 5.0]])
    own = three - 1.5
    expected = own @ own[0] / np.linalg.norm(own, axis=1) / np.linalg.norm(own[0])
    assert_allclose(similarities_to(0, [three], [1.0]), expected)
    assert expected[1] < 0 < expected[2]


def test_parts_count_by_their_weights():
    alike = np.array([[1.0, 0.0], [1.0, 0.0]])
    apart = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert_allclose(similarities_to(0, [alike, apart], [3.0, 1.0]), [1, 0.75])


def test_what_has_no_direction_is_like_nothing():
    vectors = np.array([[0.0, 0.0], [2.0, 1.0]])
    assert_array_equal(similarities_to(0, [vectors], [1.0]), [0, 0])


@given(VECTORS)
def test_likeness_is_mutual_and_bounded(vectors):
    table = np.array(
        [similarities_to(query, [vectors], [1.0]) for query in range(len(vectors))]
    )
    assert_allclose(table, table.T, atol=1e-12)
    assert np.abs(table).max() <= 1


@given(VECTORS, st.integers(1, 5))
def test_copies_of_an_object_are_exactly_like_it(vectors, copies):
    vectors[0] += (9, 0, 0)
    many = np.concatenate([vectors, np.repeat(vectors[:1], copies, axis=0)])
    similarities = similarities_to(0, [many], [1.0])
    assert_allclose(similarities[len(vectors) :], 1, atol=1e-9)


@given(VECTORS, st.floats(0.1, 10))
def test_the_scale_of_vectors_does_not_matter(vectors, scale):
    assert_allclose(
        similarities_to(0, [vectors], [1.0]),
        similarities_to(0, [vectors * scale], [1.0]),
        atol=1e-9,
    )


def test_the_query_is_not_in_the_order_and_ties_go_by_label():
    vectors = np.array([[1.0, 0], [0, 1.0], [1.0, 0], [0, 1.0], [1.0, 0]])
    labels = np.array([2, 3, 5, 7, 11])
    ranked = rank_objects(5, labels, [vectors], [1.0])
    assert ranked.label == 5
    assert ranked.labels.tolist() == [2, 11, 3, 7]
    assert_allclose(ranked.similarities[:2], 1)
    assert ranked.similarities[2] == ranked.similarities[3] < 0


RANKED = SimilarObjects(4, np.array([9, 2, 7]), np.array([0.75, 0.5, -0.25]))


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [(0.8, []), (0.75, [9]), (0.5, [9, 2]), (0.49, [9, 2]), (-1, [9, 2, 7])],
)
def test_a_threshold_keeps_what_reaches_it(threshold, expected):
    assert RANKED.above(threshold).tolist() == expected
    assert RANKED.count(threshold) == len(expected)


@pytest.mark.parametrize(("k", "count"), [(1, 1), (3, 3), (10, 3), (None, 3)])
def test_the_first_few(k, count):
    first = RANKED.first(k)
    assert len(first) == count
    assert_array_equal(first.labels, RANKED.labels[:count])
    assert_array_equal(first.similarities, RANKED.similarities[:count])
