"""Stitching masks that nest, and shapes that windows take apart."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.engine.tiling.label_scenes import (
    as_bytes,
    clamped_windows,
    cut,
    cut_masks,
    fragments,
    mixed,
    nests,
    painted,
    regular_windows,
    same_up_to_names,
    us,
)
from tests.engine.tiling.test_stitch import HW, LEFT, RIGHT, rectangles, window
from tilesam.tiling.stitch import Fate, stitch


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("layout", [regular_windows, clamped_windows])
@pytest.mark.parametrize("seed", range(3))
def test_wholes_parts_and_subparts_come_back_exactly(layout, share, seed):
    rng, hw, size = np.random.default_rng(seed), (500, 620), 128
    crops = nests(hw, rng)
    windows = cut_masks(crops, layout(hw, size, size // share), rng)
    found = stitch(windows, hw)
    truth = rectangles().from_crops(crops, [(0, 0)] * len(crops))
    assert sorted(as_bytes(found.masks)) == sorted(as_bytes(truth))
    assert not found.is_cut.any()


def test_a_part_that_looks_like_its_whole_where_both_look_stays_the_part():
    # The whole goes on to both sides, the part does not; between them no difference.
    left = window(LEFT, (10, 25, 20, 40), (10, 5, 20, 40))
    right = window(RIGHT, (10, 30, 20, 65), (10, 30, 20, 45))
    found = stitch([left, right], HW)
    whole, part = rectangles((10, 5, 20, 65)), rectangles((10, 25, 20, 45))
    assert sorted(as_bytes(found.masks)) == sorted(as_bytes(whole) + as_bytes(part))


def test_a_whole_and_its_part_are_told_apart_by_size_where_iou_misleads():
    # Where both look, each window's whole is more like the other's part.
    left = window(LEFT, (10, 5, 30, 40), (10, 25, 29, 40))
    right = window(RIGHT, (10, 30, 29, 65), (10, 30, 28, 45))
    found = stitch([left, right], HW)
    assert_array_equal(found.object_of, [0, 1, 0, 1])


def test_masks_that_overlap_and_look_alike_are_not_joined_by_chance():
    # Neither lies in the other, and both fill what both windows look at.
    left = window(LEFT, (0, 5, 30, 40), (10, 0, 40, 40))
    corner = (15, 30, 28, 70)
    right = window(corner, (15, 30, 28, 60), (15, 30, 28, 55))
    found = stitch([left, right], HW)
    assert not set(found.object_of[:2].tolist()) & set(found.object_of[2:].tolist())


def test_a_slice_of_a_whole_that_lies_in_a_part_is_joined_to_the_whole():
    # The right window has the part whole and cuts the whole, as the left one does.
    left = window(LEFT, (10, 30, 20, 40))
    right = window((0, 28, 40, 70), (10, 31, 20, 45), (10, 30, 20, 70))
    further = window((0, 60, 40, 100), (10, 60, 20, 90))
    found = stitch([left, right, further], (40, 100))
    assert_array_equal(found.fates, np.full(4, Fate.MEMBER))
    assert_array_equal(found.object_of, [0, 1, 0, 0])


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("seed", range(3))
def test_u_shapes_come_back_exactly(share, seed):
    rng, hw = np.random.default_rng(seed), (500, 620)
    labels = us(hw, rng)
    extents = clamped_windows(hw, 128, 128 // share)
    for windows in (cut(labels, extents, rng), fragments(labels, extents)):
        found = stitch(windows, hw)
        assert same_up_to_names(painted(found.masks, hw), labels)
        assert not found.is_cut.any()


@pytest.mark.parametrize("seed", range(3))
def test_objects_in_pieces_of_their_own_come_back_exactly(seed):
    rng, hw = np.random.default_rng(seed), (500, 620)
    labels = mixed(hw, rng, count=150)
    windows = fragments(labels, clamped_windows(hw, 160, 40))
    assert sum(len(w.masks) for w in windows) > sum(
        len(w.masks) for w in cut(labels, clamped_windows(hw, 160, 40))
    )
    found = stitch(windows, hw)
    assert same_up_to_names(painted(found.masks, hw), labels)


def test_small_cells_on_a_large_mask_are_no_branches_of_it():
    # The left window has cells, the right one what they lie on, cut as well.
    left = window(LEFT, (4, 20, 10, 40), (16, 20, 22, 40), (28, 20, 34, 40))
    right = window(RIGHT, (0, 30, 40, 70))
    found = stitch([left, right], (40, 90))
    assert len(set(found.object_of[found.fates == Fate.MEMBER].tolist())) == 4


def test_parts_that_have_partners_are_no_branches_of_the_whole():
    # The left window lacks the whole, which both parts together are.
    left = window(LEFT, (5, 10, 20, 40), (20, 10, 35, 40))
    right = window(RIGHT, (5, 30, 20, 60), (20, 30, 35, 60), (5, 30, 35, 62))
    found = stitch([left, right], HW)
    assert len(found.masks) == 3
    assert_array_equal(found.object_of[:2], found.object_of[2:4])


def test_a_part_is_no_branch_of_its_own_whole():
    left = window(LEFT, (5, 5, 35, 40), (5, 10, 15, 40))
    right = window(RIGHT, (5, 30, 35, 70))
    found = stitch([left, right], (40, 90))
    # What is left of the part lies in the whole, and a window says that it ends.
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.FRAGMENT, Fate.MEMBER])
    assert_array_equal(found.object_of, [0, 0, 0])


def test_a_joined_part_cut_by_the_outermost_edge_stays_beside_its_whole():
    # Beyond its seam it goes on, and nothing is known beyond the last window.
    left = window(LEFT, (5, 5, 35, 40), (10, 20, 20, 40))
    right = window(RIGHT, (5, 30, 35, 70), (10, 30, 20, 70))
    found = stitch([left, right], (40, 100))
    assert_array_equal(found.object_of, [0, 1, 0, 1])
    assert_array_equal(found.fates, np.full(4, Fate.MEMBER))
    assert found.is_cut.all()
