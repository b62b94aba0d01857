from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from tilesam.masks.hierarchy import find_parents
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks


def rectangles(*extents) -> RunMasks:
    crops = [np.ones((y1 - y0, x1 - x0), np.bool_) for y0, x0, y1, x1 in extents]
    return RunMasks.from_crops(crops, [(y0, x0) for y0, x0, _, _ in extents])


def parents_of(masks: RunMasks, **options):
    pairs = overlapping_extents(masks.extents_yxyx)
    return find_parents(
        masks, pairs, intersection_areas(masks, masks, pairs), **options
    ).tolist()


def test_the_smallest_mask_around_is_the_parent():
    whole, part, subpart = (0, 0, 30, 30), (5, 5, 20, 20), (6, 6, 10, 10)
    assert parents_of(rectangles(whole, part, subpart)) == [-1, 0, 1]
    assert parents_of(rectangles(subpart, whole, part)) == [2, -1, 1]


def test_masks_side_by_side_have_no_parents():
    assert (
        parents_of(rectangles((0, 0, 9, 9), (0, 8, 9, 20), (20, 0, 30, 9))) == [-1] * 3
    )


def test_how_much_of_a_child_lies_in_its_parent():
    masks = rectangles((0, 0, 20, 20), (0, 11, 5, 21))  # nine tenths of the second
    assert parents_of(masks) == [-1, 0]
    assert parents_of(masks, min_containment=0.91) == [-1, -1]


def test_equal_masks_are_not_parents_of_each_other():
    same = (0, 0, 9, 9)
    assert parents_of(rectangles(same, same)) == [-1, -1]
    assert parents_of(rectangles(same, same, (0, 0, 20, 20))) == [2, 2, -1]


def test_of_equally_large_parents_the_one_with_more_of_the_child():
    child, less, more = (0, 0, 10, 10), (1, 0, 13, 12), (0, 0, 12, 12)
    assert parents_of(rectangles(child, less, more))[0] == 2
    assert parents_of(rectangles(child, more, less))[0] == 1
    assert parents_of(rectangles(child, more, more))[0] == 1


def test_order_within_pairs_does_not_matter():
    masks = rectangles((0, 0, 30, 30), (5, 5, 20, 20), (6, 6, 10, 10))
    pairs = np.array([[2, 1], [1, 0], [0, 2]])
    shared = intersection_areas(masks, masks, pairs)
    assert find_parents(masks, pairs, shared).tolist() == [-1, 0, 1]


def test_pairs_that_share_nothing_and_masks_without_pixels():
    masks = RunMasks.from_crops(
        [np.zeros((2, 2), np.bool_), np.ones((2, 2), np.bool_)], [(0, 0), (0, 0)]
    )
    pairs = np.array([[0, 1]])
    assert find_parents(masks, pairs, np.array([0])).tolist() == [-1, -1]
    none = np.zeros((0, 2), np.int64)
    assert find_parents(RunMasks.empty(), none, none[:, 0]).tolist() == []


@given(
    st.lists(hnp.arrays(np.bool_, (6, 6)), max_size=8),
    st.sampled_from([0.5, 0.9, 1.0]),
)
def test_brute_force(crops, least):
    masks = RunMasks.from_crops(crops, [(0, 0)] * len(crops))
    expected = []
    for child in crops:
        around = [
            (parent.sum(), -(child & parent).sum(), n)
            for n, parent in enumerate(crops)
            if parent.sum() > child.sum() > 0
            and (child & parent).sum() >= least * child.sum()
        ]
        expected.append(min(around)[2] if around else -1)
    assert parents_of(masks, min_containment=least) == expected


@given(st.lists(hnp.arrays(np.bool_, (5, 5)), min_size=1, max_size=8))
def test_parents_lead_to_a_root(crops):
    masks = RunMasks.from_crops(crops, [(0, 0)] * len(crops))
    parents = np.array(parents_of(masks, min_containment=0.3))
    at = np.arange(len(crops))
    for _ in crops:
        at = np.where(at >= 0, parents[at], -1)
    assert_array_equal(at, -1)
