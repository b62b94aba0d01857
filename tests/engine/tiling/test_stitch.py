from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.engine.tiling.label_scenes import (
    as_bytes,
    clamped_windows,
    connected,
    cut,
    lattice_windows,
    mixed,
    nuclei,
    painted,
    regular_windows,
    same_up_to_names,
)
from tilesam.errors import TilingError
from tilesam.masks.run_masks import RunMasks
from tilesam.tiling.stitch import Fate, WindowMasks, stitch

HW = (40, 70)
LEFT, RIGHT = (0, 0, 40, 40), (0, 30, 40, 70)


def rectangles(*extents) -> RunMasks:
    crops = [np.ones((y1 - y0, x1 - x0), np.bool_) for y0, x0, y1, x1 in extents]
    return RunMasks.from_crops(crops, [(y0, x0) for y0, x0, _, _ in extents])


def window(extent, *masks, scores=None) -> WindowMasks:
    return WindowMasks(
        extent, rectangles(*masks), np.ones(len(masks)) if scores is None else scores
    )


# --- exact pieces come back as what they were cut from ---------------------------


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("layout", [regular_windows, clamped_windows])
@pytest.mark.parametrize("seed", range(3))
def test_dense_nuclei_come_back_exactly(layout, share, seed):
    rng, hw, size = np.random.default_rng(seed), (411, 533), 160
    labels = nuclei(hw, rng)
    found = stitch(cut(labels, layout(hw, size, size // share), rng), hw)
    assert same_up_to_names(painted(found.masks, hw), labels)
    assert len(found.masks) == labels.max() > 900
    assert not found.is_cut.any()


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("layout", [regular_windows, clamped_windows])
@pytest.mark.parametrize("seed", range(3))
def test_objects_of_all_sizes_come_back_exactly(layout, share, seed):
    rng, hw, size = np.random.default_rng(seed), (611, 733), 160
    labels = mixed(hw, rng, sides=(12, 300), count=250)
    extents = RunMasks.from_labels(labels)[0].extents_yxyx
    sides = (extents[:, 2:] - extents[:, :2]).max(axis=1)
    assert (sides > size).sum() >= 3
    assert (sides > size // share).sum() > 50
    found = stitch(cut(labels, layout(hw, size, size // share), rng), hw)
    assert same_up_to_names(painted(found.masks, hw), labels)
    assert not found.is_cut.any()


@pytest.mark.parametrize("level", [-1, 0, 1])
def test_windows_of_the_lattice(level):
    rng, hw, size = np.random.default_rng(level + 1), (411, 533), 128
    labels = mixed(hw, rng, count=150)
    found = stitch(cut(labels, lattice_windows(hw, size, level), rng), hw)
    assert same_up_to_names(painted(found.masks, hw), labels)


@st.composite
def small_scenes(draw):
    """Draw a label image of connected objects, and windows over it."""
    hw = draw(st.integers(5, 40)), draw(st.integers(5, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = draw(st.sampled_from([1, 2, 5]))
    values = rng.integers(0, draw(st.integers(2, 6)), (40, 40))
    labels = connected(values.repeat(coarse, 0).repeat(coarse, 1)[: hw[0], : hw[1]],
                       min_area=1)  # fmt: skip
    size = draw(st.integers(6, 24))
    overlap = draw(st.integers(3, size // 2))  # more than borders may be off
    layout = draw(st.sampled_from([regular_windows, clamped_windows]))
    return labels, cut(labels, layout(hw, size, overlap), rng)


@given(small_scenes())
def test_whatever_is_cut_exactly_comes_back(scene):
    labels, windows = scene
    found = stitch(windows, labels.shape)
    assert same_up_to_names(painted(found.masks, labels.shape), labels)
    assert not found.is_cut.any()


@given(small_scenes(), st.randoms(use_true_random=False))
def test_order_of_windows_does_not_matter(scene, random):
    labels, windows = scene
    order = list(range(len(windows)))
    random.shuffle(order)
    a = stitch(windows, labels.shape)
    b = stitch([windows[i] for i in order], labels.shape)
    assert as_bytes(a.masks) == as_bytes(b.masks)
    counts = [len(w.masks) for w in windows]
    places = np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])
    moved = np.concatenate([places[i] for i in order])
    assert_array_equal(a.object_of[moved], b.object_of)
    assert_array_equal(a.fates[moved], b.fates)
    assert_array_equal(a.best, moved[b.best])
    assert_array_equal(a.is_cut, b.is_cut)


@settings(max_examples=50)
@given(small_scenes())
def test_what_is_told_of_masks_fits_together(scene):
    labels, windows = scene
    found = stitch(windows, labels.shape)
    masks = [as_bytes(w.masks) for w in windows]
    total = sum(len(of_window) for of_window in masks)
    assert found.object_of.shape == found.fates.shape == (total,)
    assert_array_equal(np.unique(found.object_of), np.arange(len(found.masks)))
    assert_array_equal(found.object_of[found.best], np.arange(len(found.masks)))
    assert (found.fates[found.best] == Fate.MEMBER).all()
    corners = found.masks.extents_yxyx[:, :2].tolist()
    assert corners == sorted(corners)


# --- the rules, one by one ---------------------------------------------------------


@pytest.mark.parametrize("scores", [(0.6, 0.9), (0.9, 0.6)])
def test_of_two_copies_the_better_one_stays(scores):
    left = window(LEFT, (10, 33, 20, 37), scores=[scores[0]])
    right = window(RIGHT, (10, 33, 21, 37), scores=[scores[1]])
    found = stitch([left, right], HW)
    better = int(np.argmax(scores))
    assert_array_equal(found.best, [better])
    assert found.fates[better] == Fate.MEMBER
    assert found.fates[1 - better] == Fate.DUPLICATE
    assert_array_equal(found.object_of, [0, 0])
    assert found.masks.areas.tolist() == [40 if better == 0 else 44]


def test_of_equally_good_copies_the_first_window_s_stays():
    left, right = window(LEFT, (10, 33, 20, 37)), window(RIGHT, (10, 33, 21, 37))
    assert stitch([left, right], HW).masks.areas.tolist() == [40]
    assert stitch([right, left], HW).masks.areas.tolist() == [40]


def test_a_cut_mask_is_a_fragment_of_the_whole_one():
    # The fragment scores higher, and still adds nothing.
    left = window(LEFT, (10, 20, 20, 36), scores=[0.5])
    right = window(RIGHT, (9, 30, 20, 36), scores=[0.9])
    found = stitch([left, right], HW)
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.FRAGMENT])
    assert_array_equal(found.object_of, [0, 0])
    assert as_bytes(found.masks) == as_bytes(left.masks)
    assert not found.is_cut[0]


def test_a_small_fragment_of_little_iou_is_one_all_the_same():
    left = window(LEFT, (10, 20, 20, 36))
    right = window(RIGHT, (12, 30, 15, 34))
    assert_array_equal(stitch([left, right], HW).fates, [Fate.MEMBER, Fate.FRAGMENT])


def test_two_cut_masks_are_joined():
    left, right = window(LEFT, (10, 20, 20, 40)), window(RIGHT, (10, 30, 20, 60))
    found = stitch([left, right], HW)
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.MEMBER])
    assert as_bytes(found.masks) == as_bytes(rectangles((10, 20, 20, 60)))
    assert not found.is_cut[0]


def test_masks_that_share_too_little_where_both_look_are_not_joined():
    left, right = window(LEFT, (10, 20, 20, 40)), window(RIGHT, (17, 30, 27, 60))
    found = stitch([left, right], HW)
    assert len(found.masks) == 2
    assert found.is_cut.all()
    assert len(stitch([left, right], HW, min_overlap_iou=0.1).masks) == 1


def test_the_iou_counts_only_where_both_look():
    # Over all of their pixels it would be 100 / 600.
    hw, left, right = (40, 90), (0, 0, 40, 50), (0, 40, 40, 90)
    found = stitch(
        [window(left, (10, 10, 20, 50)), window(right, (10, 40, 20, 70))], hw
    )
    assert as_bytes(found.masks) == as_bytes(rectangles((10, 10, 20, 70)))


def test_a_mask_whose_continuation_is_missing_is_cut():
    found = stitch([window(LEFT, (10, 20, 20, 40)), window(RIGHT)], HW)
    assert_array_equal(found.is_cut, [True])
    assert_array_equal(found.fates, [Fate.MEMBER])


def test_a_whole_mask_is_not_joined_to_one_that_reaches_beyond_its_window():
    left, right = window(LEFT, (10, 25, 20, 36)), window(RIGHT, (10, 30, 20, 60))
    found = stitch([left, right], HW)
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.MEMBER])
    assert len(found.masks) == 2
    assert_array_equal(found.is_cut, [False, True])


def test_masks_beside_each_other_stay_apart_although_their_rims_overlap():
    left = window(LEFT, (10, 20, 20, 40))
    right = window(RIGHT, (18, 30, 28, 60), (10, 30, 19, 60))
    found = stitch([left, right], HW)
    assert_array_equal(found.object_of, [0, 1, 0])


@pytest.mark.parametrize(("thickness", "count"), [(2, 1), (3, 2)])
def test_slivers_have_to_agree_better(thickness, count):
    # What touches at its rim may look like this; what is one object need not.
    left, right = np.zeros((40, 40), np.bool_), np.zeros((40, 40), np.bool_)
    left[10:12, 5:] = left[:12, 5:25] = True
    right[10 : 10 + thickness, :30] = right[10:, 15:30] = True
    masks = [RunMasks.from_crops([m], [(0, x)]) for m, x in ((left, 0), (right, 30))]
    windows = [
        WindowMasks(e, m, [1]) for e, m in zip((LEFT, RIGHT), masks, strict=True)
    ]
    assert len(stitch(windows, HW).masks) == count


@pytest.mark.parametrize("sliver", [(10, 38, 30, 40), (10, 35, 12, 40)])
def test_a_sliver_at_an_edge_that_nobody_else_sees_is_no_object(sliver):
    found = stitch([window(LEFT, sliver), window(RIGHT)], HW)
    assert len(found.masks) == 0
    assert_array_equal(found.fates, [Fate.FRAGMENT])
    assert_array_equal(found.object_of, [-1])


def test_a_sliver_is_an_object_where_no_window_shows_how_it_goes_on():
    found = stitch([window(LEFT, (10, 38, 30, 40))], HW)
    assert_array_equal(found.is_cut, [True])
    assert len(found.masks) == 1


def test_a_remnant_within_a_joined_object_belongs_to_it():
    # The lower window drew too little of the object for an IoU of one half.
    hw, below = (70, 70), (30, 0, 70, 70)
    windows = [
        window((0, 0, 40, 40), (10, 10, 40, 40)),
        window((0, 30, 40, 70), (10, 30, 40, 60)),
        window(below, (30, 24, 34, 40)),
    ]
    found = stitch(windows, hw)
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.MEMBER, Fate.FRAGMENT])
    assert_array_equal(found.object_of, [0, 0, 0])


def test_a_part_cut_by_the_outermost_edge_stays_beside_its_whole():
    # Nothing is known beyond the region that the windows show.
    found = stitch([window(LEFT, (5, 5, 35, 40), (10, 20, 20, 40))], (40, 100))
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.MEMBER])
    assert found.is_cut.all()


def test_an_object_is_cut_where_only_a_corner_of_it_goes_on():
    # The window on the right shows nothing; the one below shows the lowest part.
    hw = (70, 70)
    windows = [
        window((0, 0, 40, 40), (5, 20, 40, 40)),
        window((0, 30, 40, 70)),
        window((30, 0, 70, 40), (30, 20, 50, 40)),
        window((30, 30, 70, 70), (30, 30, 50, 45)),
    ]
    found = stitch(windows, hw)
    assert_array_equal(found.object_of, [0, 0, 0])
    assert_array_equal(found.is_cut, [True])
    right = window((0, 30, 40, 70), (5, 30, 40, 45))
    assert not stitch([windows[0], right, *windows[2:]], hw).is_cut.any()


def test_borders_of_the_image_cut_nothing():
    found = stitch([window((0, 0, *HW), (0, 0, *HW))], HW)
    assert not found.is_cut.any()
    assert stitch([window((0, 0, 40, 60), (0, 0, 40, 60))], HW).is_cut.all()


def test_tolerance_says_how_near_to_an_edge_is_cut():
    windows = [window(LEFT, (10, 20, 20, 39)), window(RIGHT, (10, 31, 20, 60))]
    assert len(stitch(windows, HW, tolerance=1).masks) == 1
    assert len(stitch(windows, HW, tolerance=0).masks) == 2


# --- what there may be besides -----------------------------------------------------


def test_no_windows_and_no_masks():
    for windows in ([], [window(LEFT)], [window(LEFT), window(RIGHT)]):
        found = stitch(windows, HW)
        assert len(found.masks) == len(found.object_of) == len(found.best) == 0
        assert found.fates.shape == found.is_cut.shape == (0,)


def test_masks_without_a_pixel_belong_to_nothing():
    masks = RunMasks.from_crops(
        [np.zeros((3, 3), np.bool_), np.ones((3, 3), np.bool_)], [(5, 5), (8, 8)]
    )
    found = stitch([WindowMasks(LEFT, masks, [0.9, 0.8])], HW)
    assert_array_equal(found.object_of, [-1, 0])
    assert found.fates[1] == Fate.MEMBER
    assert len(found.masks) == 1


def test_masks_that_fill_their_windows():
    hw = (100, 130)
    windows = [window(e, e) for e in clamped_windows(hw, 40, 10)]
    found = stitch(windows, hw)
    assert as_bytes(found.masks) == as_bytes(rectangles((0, 0, *hw)))
    assert_array_equal(found.fates, np.zeros(len(windows)))
    assert not found.is_cut.any()


def test_a_window_without_masks_among_others():
    rng, hw = np.random.default_rng(0), (200, 200)
    labels = nuclei(hw, rng)
    labels[40:120, 40:120] = 0
    labels = connected(labels)
    windows = cut(labels, clamped_windows(hw, 64, 16))
    assert any(len(w.masks) == 0 for w in windows)
    assert same_up_to_names(painted(stitch(windows, hw).masks, hw), labels)


def test_two_whole_masks_that_reach_beyond_each_other_s_windows_both_stay():
    left, right = window(LEFT, (10, 10, 20, 37)), window(RIGHT, (10, 33, 20, 60))
    found = stitch([left, right], HW, min_overlap_iou=0.3)
    assert_array_equal(found.fates, [Fate.MEMBER, Fate.MEMBER])
    assert len(found.masks) == 2


def test_very_many_masks_in_one_window():
    labels = np.zeros((1000, 1000), np.int64)
    labels[::3, ::3] = np.arange(1, 334**2 + 1).reshape(334, 334)
    labels[1::3, ::3] = labels[:-1:3, ::3]
    labels[:, 1::3] = labels[:, :-1:3]
    found = stitch(cut(labels, [(0, 0, 1000, 970), (0, 940, 1000, 1000)]), labels.shape)
    assert len(found.masks) == 334**2 > 10**5
    assert same_up_to_names(painted(found.masks, labels.shape), labels)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (WindowMasks((0, 0, 40, 71), RunMasks.empty(), []), "inside the image"),
        (WindowMasks((0, 9, 40, 9), RunMasks.empty(), []), "inside the image"),
        (window(LEFT, (10, 30, 20, 41)), "not inside its window"),
        (window(RIGHT, (10, 29, 20, 41)), "not inside its window"),
        (window(LEFT, (1, 1, 3, 3), scores=[1, 2]), "one score"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(TilingError, match=message):
        stitch([window(LEFT), wrong], HW)
