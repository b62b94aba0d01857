from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import crops_in_images
from tilesam.export.column_runs import column_runs_of
from tilesam.masks.rle import encode_rle
from tilesam.masks.run_masks import RunMasks


@given(crops_in_images(), st.integers(0, 3))
def test_runs_of_many_masks_are_those_of_each(drawn, empty):
    hw, crops, offsets = drawn
    crops = [*crops, *[np.zeros((0, 0), bool)] * empty]
    offsets = [*offsets, *[(0, 0)] * empty]
    counts, begins = column_runs_of(RunMasks.from_crops(crops, offsets), hw)
    assert len(begins) == len(crops) + 1
    for index, (crop, offset) in enumerate(zip(crops, offsets, strict=True)):
        assert_array_equal(
            counts[begins[index] : begins[index + 1]],
            encode_rle(crop, offset_yx=offset, image_hw=hw),
        )


def test_the_whole_image_is_no_background_and_one_run():
    counts, begins = column_runs_of(
        RunMasks.from_crops([np.ones((40, 50), bool)], [(0, 0)]), (40, 50)
    )
    assert (counts.tolist(), begins.tolist()) == ([0, 2000], [0, 2])


def test_a_mask_of_a_huge_image_is_not_unpacked():
    huge = 1_000_000
    rows = RunMasks.from_crops([np.ones((3, 4), bool)], [(huge - 3, huge - 4)])
    counts, _ = column_runs_of(rows, (huge, huge))
    assert counts[0] == (huge - 4) * huge + huge - 3
    assert counts[1::2].tolist() == [3] * 4
    assert counts.sum() == huge**2
