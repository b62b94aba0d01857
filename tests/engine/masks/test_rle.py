from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_array_equal

from tilesam.masks import rle
from tilesam.masks.rle import (
    compress_counts,
    decode_rle,
    decompress_counts,
    encode_rle,
)

masks = hnp.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))
counts = st.lists(st.integers(0, 2**40), min_size=1, max_size=20)


def test_runs_go_down_the_columns():
    mask = np.array([[0, 1, 0], [1, 1, 0]], bool)
    assert_array_equal(encode_rle(mask), [1, 3, 2])


def test_a_mask_that_begins_with_foreground_has_an_empty_first_run():
    assert_array_equal(encode_rle(np.array([[1, 0], [0, 0]], bool)), [0, 1, 3])


def test_nothing_and_everything():
    assert_array_equal(encode_rle(np.zeros((3, 4), bool)), [12])
    assert_array_equal(encode_rle(np.ones((3, 4), bool)), [0, 12])


def test_compressed_text_is_that_of_coco():
    # The example in the comments of COCO's own maskApi.c.
    runs = np.array([6, 1, 40, 4, 5, 4, 5, 4, 21])
    assert compress_counts(runs) == "61X13mN000`0"


@given(masks)
def test_decoding_gives_the_mask_back(mask):
    assert_array_equal(decode_rle(encode_rle(mask), mask.shape), mask)


@given(masks)
def test_runs_alternate_and_only_the_first_may_be_empty(mask):
    assert np.all(encode_rle(mask)[1:] > 0)


@given(
    masks,
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
)
def test_a_crop_with_an_offset_equals_the_mask_of_the_image(mask, offset, margin):
    hw = tuple(o + s + m for o, s, m in zip(offset, mask.shape, margin, strict=True))
    whole = np.zeros(hw, bool)
    whole[
        offset[0] : offset[0] + mask.shape[0], offset[1] : offset[1] + mask.shape[1]
    ] = mask
    runs = encode_rle(mask, offset_yx=offset, image_hw=hw)
    assert_array_equal(runs, encode_rle(whole))
    assert_array_equal(decode_rle(runs, hw), whole)


def test_an_empty_crop_is_an_empty_image():
    runs = encode_rle(np.zeros((0, 0), bool), image_hw=(5, 6))
    assert_array_equal(runs, [30])


def test_a_crop_of_a_huge_image_costs_no_more_than_the_crop():
    runs = encode_rle(
        np.ones((2, 1), bool), offset_yx=(7, 99_999), image_hw=(100_000, 100_000)
    )
    assert_array_equal(runs, [9_999_900_007, 2, 99_991])
    assert_array_equal(decompress_counts(compress_counts(runs)), runs)


@given(masks)
def test_a_large_mask_looked_at_in_parts_has_the_same_runs(mask):
    expected = encode_rle(mask)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rle, "_PIXELS_AT_ONCE", 2 * (mask.shape[0] + 1))
        assert_array_equal(encode_rle(mask), expected)


def test_beside_a_large_mask_hardly_any_memory_is_needed():
    mask = np.ones((8000, 4000), bool)
    tracemalloc.start()
    try:
        runs = encode_rle(mask, offset_yx=(9000, 96_000), image_hw=(100_000, 100_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert runs[1::2].sum() == mask.size
    assert peak < mask.nbytes / 2


@pytest.mark.parametrize("offset", [(-1, 0), (0, -1), (4, 0), (0, 4)])
def test_a_crop_outside_of_the_image_is_refused(offset):
    with pytest.raises(ValueError, match="is not within 5 x 5"):
        encode_rle(np.ones((2, 2), bool), offset_yx=offset, image_hw=(5, 5))


@given(counts)
def test_decompression_gives_the_runs_back(runs):
    assert_array_equal(decompress_counts(compress_counts(np.array(runs))), runs)


@pytest.mark.parametrize("text", ["", "1P", "13\n", "1 3", "13~"])
def test_text_that_is_cut_off_or_foreign_is_refused(text):
    with pytest.raises(ValueError, match="no compressed run lengths"):
        decompress_counts(text)


@pytest.mark.parametrize("runs", [[3], [3, -1, 4], [7]])
def test_runs_that_do_not_add_up_are_refused(runs):
    with pytest.raises(ValueError, match="run lengths add up"):
        decode_rle(np.array(runs), (2, 3))


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(masks)
def test_pycocotools_reads_and_writes_the_same(mask):
    from pycocotools import mask as coco

    text = compress_counts(encode_rle(mask))
    written = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert written["counts"].decode() == text
    decoded = coco.decode({"size": list(mask.shape), "counts": text})
    assert_array_equal(decoded, mask)
