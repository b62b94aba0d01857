from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.engine.tiling.label_scenes import (
    clamped_windows,
    connected,
    cut,
    extent_of,
    painted,
    same_up_to_names,
)
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.tiling import Grid
from tilesam.tiling.reconcile import LevelObjects, reconcile
from tilesam.tiling.stitch import stitch
from tilesam.tiling.stitching.fates import Fate

KEPT, COPY, PART = Fate.MEMBER, Fate.DUPLICATE, Fate.FRAGMENT


def level(*rectangles, cut=()) -> LevelObjects:
    crops = [np.ones((y1 - y0, x1 - x0), np.bool_) for y0, x0, y1, x1 in rectangles]
    masks = RunMasks.from_crops(crops, [(y0, x0) for y0, x0, _, _ in rectangles])
    is_cut = np.isin(np.arange(len(masks)), cut)
    return LevelObjects(masks, np.ones(len(masks)), is_cut)


def fates_of(*levels, **options):
    return [fates.tolist() for fates in reconcile(levels, **options)]


def test_of_two_copies_the_finer_one_is_kept():
    fine, coarse = level((10, 10, 20, 20)), level((10, 10, 20, 22))
    assert fates_of(fine, coarse) == [[KEPT], [COPY]]
    assert fates_of(fine, coarse, coarse) == [[KEPT], [COPY], [COPY]]


def test_scores_do_not_matter():
    fine, coarse = level((10, 10, 20, 20)), level((10, 10, 20, 22))
    better = LevelObjects(coarse.masks, np.array([9.0]), coarse.is_cut)
    assert fates_of(fine, better) == [[KEPT], [COPY]]


def test_fragments_of_a_larger_object_are_dropped():
    fine = level((0, 0, 50, 30), (0, 40, 50, 60), (60, 0, 90, 30), cut=(0, 1))
    coarse = level((0, 0, 50, 60))
    assert fates_of(fine, coarse) == [[PART, PART, KEPT], [KEPT]]


def test_whole_objects_within_a_larger_one_are_kept():
    fine = level((5, 5, 10, 10), (0, 0, 50, 30), cut=(1,))
    assert fates_of(fine, level((0, 0, 50, 60))) == [[KEPT, PART], [KEPT]]


def test_a_fragment_that_sticks_out_is_kept():
    fine = level((0, 0, 10, 30), cut=(0,))
    assert fates_of(fine, level((0, 0, 10, 20))) == [[KEPT], [KEPT]]
    assert fates_of(fine, level((0, 0, 10, 24))) == [[PART], [KEPT]]
    assert fates_of(fine, level((0, 0, 10, 24)), min_containment=0.9) == [[KEPT]] * 2


def test_a_coarser_fragment_of_a_finer_whole_is_dropped():
    coarse = level((10, 10, 15, 20), cut=(0,))
    assert fates_of(level((10, 10, 40, 20)), coarse) == [[KEPT], [PART]]
    assert fates_of(level((10, 10, 16, 20)), coarse) == [[KEPT], [COPY]]


def test_of_two_fragments_the_larger_one_is_kept():
    small, large = level((0, 0, 10, 10), cut=(0,)), level((0, 0, 10, 40), cut=(0,))
    assert fates_of(small, large) == [[PART], [KEPT]]
    # The coarser one is no whole: it does not tell that the finer one ends.
    assert fates_of(large, small) == [[KEPT], [KEPT]]


def test_what_is_a_duplicate_itself_makes_no_fragments():
    fine = level((0, 0, 10, 10), (0, 0, 10, 8), cut=(1,))
    assert fates_of(fine, level((0, 0, 10, 10))) == [[KEPT, KEPT], [COPY]]


def test_objects_are_compared_only_with_what_was_kept():
    fine, middle = level((0, 0, 10, 10)), level((0, 0, 10, 18))
    coarse = level((0, 0, 10, 30))
    assert fates_of(fine, middle, coarse) == [[KEPT], [COPY], [KEPT]]
    assert fates_of(middle, coarse) == [[KEPT], [COPY]]


def test_fragments_are_compared_with_every_coarser_level():
    fine, middle = level((0, 0, 50, 20), cut=(0,)), level((0, 0, 50, 60), cut=(0,))
    assert fates_of(fine, middle, level((0, 0, 50, 90))) == [[PART], [PART], [KEPT]]
    assert fates_of(fine, level(), level((0, 0, 50, 90))) == [[PART], [], [KEPT]]


def test_rectangles_that_are_alike_are_enough_for_a_duplicate():
    # An L and the rest of its square share nothing but the rectangle.
    square = np.ones((20, 20), np.bool_)
    shape = square.copy()
    shape[:-2, 2:] = False
    rest = ~shape
    rest[-1, -1] = rest[0, 0] = True
    fine = LevelObjects(RunMasks.from_crops([shape], [(0, 0)]), [1], np.array([False]))
    coarse = LevelObjects(RunMasks.from_crops([rest], [(0, 0)]), [1], np.array([False]))
    assert fates_of(fine, coarse) == [[KEPT], [COPY]]
    assert fates_of(fine, coarse, crop_nms_thresh=1.0) == [[KEPT], [KEPT]]


def test_pixels_that_are_alike_are_enough_for_a_duplicate():
    fine, coarse = level((0, 0, 10, 10)), level((0, 0, 10, 18))
    assert fates_of(fine, coarse) == [[KEPT], [COPY]]
    assert fates_of(fine, coarse, min_duplicate_iou=0.6) == [[KEPT], [KEPT]]


def test_objects_of_one_level_are_not_compared():
    assert fates_of(level((0, 0, 9, 9), (0, 0, 9, 9))) == [[KEPT, KEPT]]


def test_nothing():
    assert reconcile([]) == []
    assert fates_of(level()) == [[]]
    assert fates_of(level(), level((0, 0, 3, 3)), level()) == [[], [KEPT], []]


def seen_at(labels, grid: Grid, number: int) -> LevelObjects:
    """Return what a level of a lattice has of the objects it can see."""
    hw = labels.shape
    extents = [extent_of(grid.window(key), hw) for key in grid.coverage(number)]
    # A coarser level does not see what is a few of its pixels wide.
    seen = labels.copy()
    areas = np.bincount(labels.ravel())
    seen[areas[labels] < 16 * 4**number] = 0
    found = stitch(cut(seen, extents), hw)
    return LevelObjects(found.masks, np.ones(len(found.masks)), found.is_cut)


def test_levels_together_have_every_object_once():
    rng, hw = np.random.default_rng(0), (400, 480)
    y, x = np.ogrid[: hw[0], : hw[1]]
    labels = np.zeros(hw, np.int64)
    for value, radius in enumerate([150, 60, 40, *rng.uniform(3, 20, 80)], start=1):
        at = rng.uniform(0, hw)
        labels[(y - at[0]) ** 2 + (x - at[1]) ** 2 < radius**2] = value
    labels = connected(labels, min_area=16)
    grid = Grid(hw, 128)
    levels = [seen_at(labels, grid, number) for number in range(grid.top_level + 1)]
    # Without its joints the finest level has pieces of what is larger than a window.
    whole = levels[0]
    kept = np.flatnonzero(whole.masks.areas < 2000)
    pieces = [
        window.masks.take(window.masks.areas >= 2000)
        for window in cut(labels, clamped_windows(hw, 128, 32))
    ]
    masks = concatenate([whole.masks.take(kept), *pieces])
    is_cut = np.arange(len(masks)) >= len(kept)
    assert is_cut.sum() > 10
    levels[0] = LevelObjects(masks, np.ones(len(masks)), is_cut)
    fates = reconcile(levels)
    found = concatenate(
        [a.masks.take(fate == KEPT) for a, fate in zip(levels, fates, strict=True)]
    )
    assert same_up_to_names(painted(found, hw), labels)
    assert_array_equal(fates[0][is_cut], np.full(is_cut.sum(), PART))


@pytest.mark.parametrize("seed", range(5))
def test_brute_force(seed):
    rng = np.random.default_rng(seed)
    levels = []
    for side in (10, 20, 40):
        corner = rng.integers(0, 60, (30, 2))
        size = rng.integers(2, side, (30, 2))
        chosen = np.concatenate([corner, corner + size], axis=1).tolist()
        levels.append(level(*chosen, cut=np.flatnonzero(rng.random(30) < 0.4)))
    found = reconcile(levels)
    for fates, expected in zip(found, one_by_one(levels), strict=True):
        assert_array_equal(fates, expected)


def one_by_one(levels):
    """The rules as loops, over dense masks."""
    dense = []
    for objects in levels:
        images = np.zeros((len(objects.masks), 120, 120), np.bool_)
        for n in range(len(objects.masks)):
            crop, (y, x) = objects.masks.crop(n)
            images[n, y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        dense.append(images)
    fates = [[KEPT] * len(images) for images in dense]
    for k in range(1, len(levels)):
        before = [list(of_level) for of_level in fates]
        finer = [
            (a, j) for a in range(k) for j in range(len(dense[a])) if not before[a][j]
        ]
        for i, coarse in enumerate(dense[k]):
            for a, j in finer:
                if not levels[a].is_cut[j]:
                    fine = dense[a][j]
                    both = (coarse & fine).sum()
                    if both == 0:
                        continue
                    # Rectangles, so that the IoU of both kinds is one.
                    if both / (coarse | fine).sum() >= 0.5:
                        fates[k][i] = COPY
                    elif (
                        levels[k].is_cut[i]
                        and both >= 0.8 * coarse.sum()
                        and fates[k][i] == KEPT
                    ):
                        fates[k][i] = PART
        for i, coarse in enumerate(dense[k]):
            if fates[k][i] != KEPT:
                continue
            for a, j in finer:
                fine = dense[a][j]
                is_larger = not levels[k].is_cut[i] or coarse.sum() >= fine.sum()
                is_inside = (coarse & fine).sum() >= 0.8 * fine.sum()
                if levels[a].is_cut[j] and is_larger and is_inside:
                    fates[a][j] = PART
    return fates
