from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from tilesam.masks import within
from tilesam.masks.run_masks import RunMasks
from tilesam.masks.within import areas_within

coordinates = st.integers(-3, 12)
extents = st.tuples(coordinates, coordinates, coordinates, coordinates)


@given(
    st.lists(hnp.arrays(np.bool_, (8, 8)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), extents), max_size=12),
    st.sampled_from([1, 3, 100]),
)
def test_areas_are_those_of_the_cut_masks(crops, asked, at_once):
    masks = RunMasks.from_crops(crops, [(1, 2)] * len(crops))
    indices = np.array([n % len(crops) for n, _ in asked], np.int64)
    rectangles = np.array([e for _, e in asked], np.int64).reshape(-1, 4)
    before, within.MASKS_AT_ONCE = within.MASKS_AT_ONCE, at_once
    try:
        found = areas_within(masks, indices, rectangles)
    finally:
        within.MASKS_AT_ONCE = before
    expected = []
    for n, (y0, x0, y1, x1) in zip(indices, rectangles, strict=True):
        canvas = np.zeros((20, 20), np.bool_)
        canvas[4:12, 5:13] = crops[n]  # everything is moved by three pixels
        seen = canvas[max(y0 + 3, 0) : max(y1 + 3, 0), max(x0 + 3, 0) : max(x1 + 3, 0)]
        expected.append(seen.sum())
    assert_array_equal(found, expected)
