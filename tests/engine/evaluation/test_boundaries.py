"""Edges by hand, and the assignment against all assignments there are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from tilesam.evaluation.measures.boundaries import (
    EdgeCounts,
    count_edges,
    f_measure,
    match_boundaries,
    summarize_edges,
)
from tilesam.evaluation.measures.edge_maps import (
    edge_strength,
    label_boundaries,
    thin_edges,
)


def parse(*rows: str) -> np.ndarray:
    return np.array([[cell == "#" for cell in row] for row in rows])


def test_lines_apart_by_less_than_the_distance_match():
    edges, drawn = parse("#.", "#.", "#."), parse(".#", ".#", ".#")
    of_edges, of_drawn = match_boundaries(edges, drawn, 1.0)
    np.testing.assert_array_equal(of_edges, edges)
    np.testing.assert_array_equal(of_drawn, drawn)
    assert not match_boundaries(edges, drawn, 0.5)[0].any()


def test_a_pixel_has_one_partner():
    of_edges, of_drawn = match_boundaries(parse("###"), parse(".#."), 1.0)
    # The nearest of the three.
    np.testing.assert_array_equal(of_edges, parse(".#."))
    np.testing.assert_array_equal(of_drawn, parse(".#."))


def test_a_greedy_choice_would_find_one_pair_too_few():
    # The left edge reaches only the left drawn pixel, the right one both; nearest
    # first would take the left drawn pixel away from it.
    edges, drawn = parse("#.#.."), parse(".#..#")
    of_edges, _ = match_boundaries(edges, drawn, 2.0)
    assert of_edges.sum() == 2


def test_nothing_matches_nothing():
    nothing = np.zeros((2, 2), bool)
    for pair in ((nothing, nothing), (parse("#."), np.zeros((1, 2), bool))):
        assert not match_boundaries(*pair, 2.0)[0].any()


def best_by_trying(first, second, reach):
    """Return the most pairs, and their least sum of distances."""
    if len(first) > len(second):
        return best_by_trying(second, first, reach)
    best = (0, 0.0)
    padded = [*range(len(second)), *[None] * len(first)]
    for choice in set(permutations(padded, len(first))):
        lengths = [
            np.hypot(*(first[i] - second[j]))
            for i, j in enumerate(choice)
            if j is not None
        ]
        if all(length <= reach for length in lengths):
            best = max(best, (len(lengths), -sum(lengths)))
    return best


dots = arrays(np.bool_, (2, 4)).filter(lambda mask: mask.sum() <= 4)


@given(edges=dots, drawn=dots)
@settings(max_examples=40)
def test_as_many_pairs_as_there_can_be(edges, drawn):
    of_edges, of_drawn = match_boundaries(edges, drawn, 1.5)
    count, _ = best_by_trying(np.argwhere(edges), np.argwhere(drawn), 1.5)
    assert of_edges.sum() == of_drawn.sum() == count
    assert not (of_edges & ~edges).any()
    assert not (of_drawn & ~drawn).any()


def test_counts_over_several_people():
    edges = parse("#.#.#")
    people = [parse("#...."), parse("#.#..")]
    # Two of three edges were drawn by anybody; all three drawn pixels were found.
    assert count_edges(edges, people, 0.5) == EdgeCounts(2, 3, 3, 3)


def test_figures_by_hand():
    # Two images, two thresholds.
    counts = np.array(
        [
            [(10, 20, 10, 10), (5, 5, 5, 10)],  # P 1/2 R 1, P 1 R 1/2: F 2/3 each
            [(5, 20, 5, 10), (4, 4, 4, 10)],  # F 1/3 and 4/7
        ]
    )
    figures = summarize_edges(counts, np.array([0.3, 0.6]))
    # Sums: 15/40 and 15/20, then 9/9 and 9/20.
    first, second = 2 * 0.375 * 0.75 / 1.125, 2 * 1 * 0.45 / 1.45
    assert figures.ods == pytest.approx(max(first, second))
    assert figures.ods_threshold == 0.6
    # The best of each: the first of the first image, the second of the second.
    p, r = 14 / 24, 14 / 20
    assert figures.ois == pytest.approx(2 * p * r / (p + r))
    # Precision falls from 1 at 0.45 to 0.375 at 0.75: half at 0.8 of the way.
    assert figures.r50 == pytest.approx(0.45 + 0.8 * 0.3)
    assert 0 < figures.ap < 0.75


def test_perfect_edges_are_called_perfect():
    counts = np.array([[(7, 7, 7, 7)]])
    figures = summarize_edges(counts, np.array([0.5]))
    assert figures[:4] == pytest.approx((1, 1, 1, 1))
    assert f_measure(np.array((0, 0, 0, 5))) == 0


def test_borders_of_labels_are_one_pixel_wide():
    borders = label_boundaries(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 0]]))
    np.testing.assert_array_equal(borders, parse(".#.", "##.", "..."))


def test_thin_edges_keep_the_ridge():
    y = np.arange(11)
    ridge = np.exp(-((y[:, None] - 5.0) ** 2) / 4) * np.ones((1, 9))
    thin = thin_edges(ridge.astype(np.float32))
    np.testing.assert_array_equal((thin > 0).all(axis=1), y == 5)
    np.testing.assert_allclose(thin[5], 1)


def test_thin_edges_of_a_slanted_ridge():
    y, x = np.mgrid[:31, :31]
    ridge = np.exp(-((y - x) ** 2) / 8).astype(np.float32)
    thin = thin_edges(ridge) > 0
    inner = thin[5:-5, 5:-5]
    np.testing.assert_array_equal(inner, np.eye(21, dtype=bool))


def test_edges_of_a_soft_square():
    map_ = np.zeros((20, 20), np.float32)
    map_[5:15, 5:15] = 1
    strength = edge_strength([map_], (20, 20))
    assert strength.max() == 1
    assert not strength[8:12, 8:12].any()
    assert not strength[:3].any()
    rows = np.flatnonzero(strength.any(axis=1))
    assert (rows[0], rows[-1]) == (4, 15)
    # A map without a mask has no border, whatever its gradient.
    faint = edge_strength([map_ * np.float32(0.4)], (20, 20))
    assert not faint.any()
