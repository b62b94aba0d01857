from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam import MaskCandidate, TileKey, Window
from tilesam.export import labels
from tilesam.export.labels import label_tiles, paint_labels, write_label_tiff

HUGE = (100_000, 100_000)


def candidate(mask, offset):
    return MaskCandidate(
        *(mask, offset, 0.9, 0.8, np.zeros((16, 16), np.float32)),
        *(TileKey(0, 0, 0), Window(0, 0, 64, 64), 1),
    )


@st.composite
def images_with_masks(draw):
    hw = draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    candidates = []
    for _ in range(draw(st.integers(0, 4))):
        offset = tuple(draw(st.integers(0, side - 1)) for side in hw)
        shape = tuple(
            draw(st.integers(1, side - start))
            for side, start in zip(hw, offset, strict=True)
        )
        bits = np.random.default_rng(draw(st.integers(0, 99))).random(shape)
        candidates.append(candidate(bits < draw(st.sampled_from([0, 0.3, 1])), offset))
    return hw, candidates


def test_later_labels_paint_over_earlier_ones():
    square = np.ones((4, 4), bool)
    painted = paint_labels(
        [candidate(square, (0, 0)), candidate(square, (2, 2))], (8, 9)
    )
    expected = np.zeros((8, 9), np.uint16)
    expected[:4, :4] = 1
    expected[2:6, 2:6] = 2
    assert painted.dtype == np.uint16
    assert_array_equal(painted, expected)


@given(images_with_masks(), st.integers(1, 17))
def test_tiles_are_cut_from_the_painted_image_and_absent_without_masks(drawn, side):
    hw, candidates = drawn
    rows, columns = (-(-length // side) for length in hw)
    padded = np.zeros((rows * side, columns * side), np.uint16)
    padded[: hw[0], : hw[1]] = paint_labels(candidates, hw)
    tiles = list(label_tiles(candidates, hw, tile_size=side))
    assert len(tiles) == rows * columns
    for index, tile in enumerate(tiles):
        y, x = index // columns * side, index % columns * side
        expected = padded[y : y + side, x : x + side]
        if tile is None:
            assert not expected.any()
        else:
            assert expected.any()
            assert_array_equal(tile, expected)


@pytest.mark.parametrize(("count", "dtype"), [(2**16 - 1, "u2"), (2**16, "u4")])
def test_more_objects_than_16_bits_count_have_labels_of_their_own(count, dtype):
    nothing = candidate(np.zeros((0, 0), bool), (0, 0))
    shown = [*[nothing] * (count - 1), candidate(np.ones((1, 1), bool), (0, 0))]
    painted = paint_labels(shown, (1, 1))
    (tile,) = label_tiles(shown, (1, 1), tile_size=16)
    assert painted.dtype == tile.dtype == np.dtype(dtype)
    assert painted[0, 0] == tile[0, 0] == count


@pytest.mark.parametrize("hw", [(96, 128), (1, 3000), (2050, 1100)])
def test_both_ways_of_writing_are_read_as_the_same_image(tmp_path, monkeypatch, hw):
    rng = np.random.default_rng(0)
    masks = [rng.random((min(hw[0], 40), 30)) < 0.5 for _ in range(3)]
    shown = [candidate(m, (hw[0] - m.shape[0], hw[1] - 40 * i)) for i, m in
             enumerate(masks, start=1)]  # fmt: skip
    write_label_tiff(tmp_path / "dense.tif", shown, hw)
    monkeypatch.setattr(labels, "DENSE_PIXELS", 0)
    write_label_tiff(tmp_path / "sparse.tif", shown, hw)
    for name in ("dense.tif", "sparse.tif"):
        assert_array_equal(tifffile.imread(tmp_path / name), paint_labels(shown, hw))
        with tifffile.TiffFile(tmp_path / name) as file:
            assert file.series[0].axes == "YX"
            assert file.is_bigtiff == (name == "sparse.tif")


def test_nothing_but_background_is_an_image_too(tmp_path, monkeypatch):
    monkeypatch.setattr(labels, "DENSE_PIXELS", 0)
    write_label_tiff(tmp_path / "a.tif", [candidate(np.zeros((0, 0), bool), (0, 0))],
                     (1500, 10))  # fmt: skip
    assert_array_equal(tifffile.imread(tmp_path / "a.tif"), np.zeros((1500, 10)))


def test_a_huge_image_costs_no_more_than_the_tiles_that_masks_touch(tmp_path):
    # The first lies across four tiles, the second in the last corner.
    shown = [
        candidate(np.ones((100, 60), bool), (51_150, 20_460)),
        candidate(np.eye(8, dtype=bool), (99_992, 99_992)),
    ]
    path = tmp_path / "labels.tif"
    tracemalloc.start()
    try:
        write_label_tiff(path, shown, HUGE)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20e6
    assert path.stat().st_size < 1e6
    with tifffile.TiffFile(path) as file:
        assert np.count_nonzero(file.pages[0].databytecounts) == 5
        image = zarr.open(file.series[0].aszarr(), mode="r")
        assert image.shape == HUGE
        around = image[51_100:51_300, 20_400:20_600]
        expected = np.zeros((200, 200), np.uint16)
        expected[50:150, 60:120] = 1
        assert_array_equal(around, expected)
        assert_array_equal(image[99_992:, 99_992:], 2 * np.eye(8))
        assert not image[:500, :500].any()
