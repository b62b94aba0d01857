from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tilesam.masks.painting import paint
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.masks.union import union_by_group

Stack = NDArray[np.bool_]

HW = (7, 9)
"""Of the canvas on which the dense oracles of these tests are drawn."""

stacks = hnp.arrays(
    np.bool_, st.tuples(st.integers(0, 5), *(st.just(side) for side in HW))
)
extents = st.tuples(*(st.integers(0, side) for side in (*HW, *HW))).map(
    lambda e: (min(e[0], e[2]), min(e[1], e[3]), max(e[0], e[2]), max(e[1], e[3]))
)


def to_runs(stack: Stack, yx: tuple[int, int] = (0, 0)) -> RunMasks:
    return RunMasks.from_crops(list(stack), [yx] * len(stack))


def to_stack(masks: RunMasks, hw: tuple[int, int] = HW) -> Stack:
    stack = np.zeros((len(masks), *hw), np.bool_)
    for i in range(len(masks)):
        crop, (y, x) = masks.crop(i)
        stack[i, y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    return stack


def assert_canonical(masks: RunMasks) -> None:
    """Runs are sorted by mask, row and start, and none touches the one before it."""
    assert masks.offsets[0] == 0
    assert masks.offsets[-1] == len(masks.rows) == len(masks.starts)
    assert (masks.starts < masks.stops).all()
    key = np.stack([masks.mask_of_run, masks.rows], 1)
    for before, after in zip(range(len(key) - 1), range(1, len(key)), strict=True):
        assert tuple(key[before]) <= tuple(key[after])
        if tuple(key[before]) == tuple(key[after]):
            assert masks.stops[before] < masks.starts[after]
    assert {a.dtype for a in (masks.rows, masks.starts, masks.stops)} == {
        np.dtype(np.int32)
    }


@given(stacks)
def test_crops_come_back(stack: Stack) -> None:
    masks = to_runs(stack)
    assert_canonical(masks)
    np.testing.assert_array_equal(to_stack(masks), stack)
    np.testing.assert_array_equal(masks.areas, stack.sum((1, 2)))


def test_what_is_told_of_a_mask_by_hand() -> None:
    crop = np.array([[0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 1]], bool)
    masks = RunMasks.from_crops([crop, np.zeros((2, 2), bool)], [(10, 20), (0, 0)])
    assert masks.rows.tolist() == [10, 12, 12]
    assert masks.starts.tolist() == [21, 20, 23]
    assert masks.stops.tolist() == [23, 21, 24]
    assert masks.extents_yxyx.tolist() == [[10, 20, 13, 24], [0, 0, 0, 0]]
    assert masks.areas.tolist() == [4, 0]
    np.testing.assert_allclose(masks.centroids_yx[0], [11, 21.5])
    assert np.isnan(masks.centroids_yx[1]).all()


@given(stacks, st.data())
def test_some_of_the_masks(stack: Stack, data: st.DataObject) -> None:
    count = len(stack)
    indices = data.draw(st.lists(st.integers(0, count - 1)) if count else st.just([]))
    chosen = to_runs(stack).take(np.array(indices, np.int64))
    assert_canonical(chosen)
    np.testing.assert_array_equal(to_stack(chosen), stack[indices])
    flags = st.lists(st.booleans(), min_size=count, max_size=count)
    is_chosen = np.array(data.draw(flags), bool)
    np.testing.assert_array_equal(
        to_stack(to_runs(stack).take(is_chosen)), stack[is_chosen]
    )


@given(stacks, extents)
def test_clipping_keeps_what_is_inside(
    stack: Stack, extent: tuple[int, int, int, int]
) -> None:
    y0, x0, y1, x1 = extent
    expected = np.zeros_like(stack)
    expected[:, y0:y1, x0:x1] = stack[:, y0:y1, x0:x1]
    clipped = to_runs(stack).clipped(extent)
    assert_canonical(clipped)
    np.testing.assert_array_equal(to_stack(clipped), expected)


@given(stacks, st.integers(1, 3))
def test_upscaling_repeats_pixels(stack: Stack, factor: int) -> None:
    masks = to_runs(stack).upscaled(factor)
    assert_canonical(masks)
    expected = stack.repeat(factor, 1).repeat(factor, 2)
    found = to_stack(masks, (HW[0] * factor, HW[1] * factor))
    np.testing.assert_array_equal(found, expected)


def test_moving() -> None:
    masks = to_runs(np.ones((1, 2, 3), bool)).shifted(5, -1)
    assert masks.extents_yxyx.tolist() == [[5, -1, 7, 2]]
    assert masks.crop(0)[0].all()


@given(st.lists(stacks, max_size=3))
def test_sets_behind_each_other(sets: list[Stack]) -> None:
    joint = concatenate([to_runs(stack) for stack in sets])
    assert_canonical(joint)
    expected = np.concatenate([np.zeros((0, *HW), bool), *sets])
    np.testing.assert_array_equal(to_stack(joint), expected)


@given(hnp.arrays(np.int16, HW, elements=st.integers(-1, 3)))
def test_values_of_a_label_image(labels: NDArray[np.int16]) -> None:
    masks, values = RunMasks.from_labels(labels)
    assert_canonical(masks)
    assert values.tolist() == sorted(set(labels.ravel().tolist()) - {0})
    for value, mask in zip(values, to_stack(masks), strict=True):
        np.testing.assert_array_equal(mask, labels == value)


@given(stacks, stacks)
def test_shared_pixels_are_counted(a: Stack, b: Stack) -> None:
    masks_a, masks_b = to_runs(a), to_runs(b)
    expected = (a[:, None] & b[None]).sum((2, 3))
    pairs = overlapping_extents(masks_a.extents_yxyx, masks_b.extents_yxyx)
    found = np.zeros_like(expected)
    found[tuple(pairs.T)] = intersection_areas(masks_a, masks_b, pairs)
    np.testing.assert_array_equal(found, expected)


def test_counting_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    masks = to_runs(rng.random((12, *HW)) < 0.6)
    pairs = overlapping_extents(masks.extents_yxyx)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(pairs) == 12 * 11 // 2
    whole = intersection_areas(masks, masks, pairs)
    monkeypatch.setattr("tilesam.masks.pairs.RUNS_AT_ONCE", 5)
    np.testing.assert_array_equal(intersection_areas(masks, masks, pairs), whole)


def test_rectangles_that_only_touch_share_nothing() -> None:
    extents = np.array([[0, 0, 4, 4], [0, 4, 4, 8], [3, 3, 5, 5], [2, 2, 2, 2]])
    assert overlapping_extents(extents).tolist() == [[0, 2], [1, 2]]


@given(stacks, st.data())
def test_union_has_the_pixels_of_any(stack: Stack, data: st.DataObject) -> None:
    groups = np.array([data.draw(st.integers(-1, 2)) for _ in stack], np.int64)
    joint = union_by_group(to_runs(stack), groups, 3)
    assert_canonical(joint)
    expected = [stack[groups == group].any(0) for group in range(3)]
    np.testing.assert_array_equal(to_stack(joint), expected)


@given(stacks, extents)
def test_later_masks_paint_over(
    stack: Stack, extent: tuple[int, int, int, int]
) -> None:
    y0, x0, y1, x1 = extent
    expected = np.zeros(HW, np.uint32)
    for number, mask in enumerate(stack, start=1):
        expected[mask] = number
    found = paint(to_runs(stack), range(1, len(stack) + 1), extent)
    np.testing.assert_array_equal(found, expected[y0:y1, x0:x1])


def test_painting_in_pieces_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    masks = to_runs(np.random.default_rng(1).random((6, *HW)) < 0.5)
    whole = paint(masks, range(1, 7), (0, 0, *HW))
    monkeypatch.setattr("tilesam.masks.painting.PIXELS_AT_ONCE", 3)
    np.testing.assert_array_equal(paint(masks, range(1, 7), (0, 0, *HW)), whole)


@given(stacks, extents, st.integers(1, 4))
def test_painting_every_nth_pixel_is_painting_all_and_taking_those(
    stack: Stack, extent: tuple[int, int, int, int], step: int
) -> None:
    masks, values = to_runs(stack), np.arange(1, len(stack) + 1)
    whole = paint(masks, values, extent)
    np.testing.assert_array_equal(
        paint(masks, values, extent, step=step), whole[::step, ::step]
    )
