from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import tifffile
import zarr
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import disks, from_crops
from tilesam.export import label_tiff
from tilesam.export.label_tiff import segmentation_tiles, write_segmentation_tiff
from tilesam.image import GeoReference, open_image

PLACE = GeoReference((0.5, 0.0, 400_000.25, 0.0, -0.5, 5_650_000.75), "EPSG:25832")


@pytest.mark.parametrize("side", [16, 37])
def test_tiles_are_cut_from_the_label_image(side):
    segmentation = disks(30, (100, 330))
    rows, columns = -(-100 // side), -(-330 // side)
    padded = np.zeros((rows * side, columns * side), np.uint32)
    padded[:100, :330] = segmentation.labels()
    tiles = list(segmentation_tiles(segmentation, tile_size=side))
    assert len(tiles) == rows * columns
    assert any(tile is None for tile in tiles)
    for index, tile in enumerate(tiles):
        y, x = index // columns * side, index % columns * side
        expected = padded[y : y + side, x : x + side]
        found = np.zeros_like(expected) if tile is None else tile
        assert_array_equal(found, expected)


@pytest.mark.parametrize("dense_pixels", [0, 2**26])
@pytest.mark.parametrize("place", [None, PLACE])
def test_labels_and_place_on_earth_come_back(
    tmp_path, monkeypatch, dense_pixels, place
):
    monkeypatch.setattr(label_tiff, "DENSE_PIXELS", dense_pixels)
    segmentation = disks(60, (1100, 1300), georeference=place)
    path = tmp_path / "a.tif"
    write_segmentation_tiff(path, segmentation)
    found = tifffile.imread(path)
    assert found.dtype == np.uint32
    assert_array_equal(found, segmentation.labels())
    source = open_image(path)
    assert source.hw == (1100, 1300)
    if place is None:
        assert source.georeference is None
    else:
        assert source.georeference.transform == place.transform
        assert (source.georeference.crs, source.georeference.nodata) == (place.crs, 0)


def test_labels_of_32_bits_are_not_cut_off(tmp_path):
    segmentation = from_crops([np.ones((3, 4), bool)], [(1, 1)], (6, 7))
    segmentation.table.label[:] = 2**32 - 1
    write_segmentation_tiff(tmp_path / "a.tif", segmentation)
    assert tifffile.imread(tmp_path / "a.tif").max() == 2**32 - 1


def test_nothing_found_is_background(tmp_path, monkeypatch):
    for dense_pixels in (0, 2**26):
        monkeypatch.setattr(label_tiff, "DENSE_PIXELS", dense_pixels)
        write_segmentation_tiff(tmp_path / "a.tif", from_crops([], [], (30, 1500)))
        assert_array_equal(tifffile.imread(tmp_path / "a.tif"), np.zeros((30, 1500)))


def test_memory_does_not_follow_the_image(tmp_path):
    hw = (2_000, 60_000)
    segmentation = from_crops([np.ones((90, 80), bool)], [(1000, 50_000)], hw)
    tracemalloc.start()
    try:
        write_segmentation_tiff(tmp_path / "a.tif", segmentation)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100e6  # the image has 480 MB
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.is_bigtiff
        assert np.count_nonzero(file.pages[0].databytecounts) == 2
        image = zarr.open(file.series[0].aszarr(), mode="r")
        assert image[1000:1090, 50_000:50_080].min() == 1
