from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from tilesam.everything.overlaps import find_covered, order_of_painting
from tilesam.masks.painting import paint
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks

HW = (5, 6)


@given(hnp.arrays(np.bool_, st.tuples(st.integers(1, 6), *map(st.just, HW))), st.data())
def test_covered_is_what_does_not_show(
    stack: NDArray[np.bool_], data: st.DataObject
) -> None:
    masks = RunMasks.from_crops(list(stack), [(0, 0)] * len(stack))
    order = np.array(data.draw(st.permutations(range(len(stack)))))
    pairs = overlapping_extents(masks.extents_yxyx)
    shared = intersection_areas(masks, masks, pairs)
    covered = find_covered(masks, order, pairs, shared)
    painted = paint(masks.take(order), order + 1, (0, 0, *HW))
    assert (~covered).tolist() == [i + 1 in painted for i in range(len(stack))]


@given(
    hnp.arrays(np.bool_, st.tuples(st.integers(1, 6), *map(st.just, HW))),
    st.data(),
    st.floats(0, 1),
)
def test_rims_are_covered_and_cover_nothing(
    stack: NDArray[np.bool_], data: st.DataObject, share: float
) -> None:
    masks = RunMasks.from_crops(list(stack), [(0, 0)] * len(stack))
    order = np.array(data.draw(st.permutations(range(len(stack)))))
    pairs = overlapping_extents(masks.extents_yxyx)
    shared = intersection_areas(masks, masks, pairs)
    covered = find_covered(masks, order, pairs, shared, min_visible_share=share)
    free = np.ones(HW, bool)
    for index in order[::-1]:
        visible = (stack[index] & free).sum()
        is_seen = visible > 0 and visible >= share * stack[index].sum()
        assert covered[index] == (not is_seen)
        if is_seen:
            free &= ~stack[index]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("smallest", [3, 0, 2, 1]),
        ("largest", [2, 1, 0, 3]),
        ("most_confident", [3, 2, 1, 0]),
    ],
)
def test_the_owner_comes_last(overlap: str, expected: list[int]) -> None:
    areas = np.array([20, 10, 10, 90])
    predicted_iou = np.array([0.9, 0.8, 0.3, 0.3], np.float32)
    order = order_of_painting(overlap, areas, predicted_iou)  # type: ignore[arg-type]
    # Of equal ones the first owns its pixels.
    assert order.tolist() == expected
