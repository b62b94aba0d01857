from __future__ import annotations

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal

from tilesam.testing.image_files import mean_pyramid, write_geotiff, write_ome_tiff


def test_a_pyramid_is_made_of_means_with_sizes_rounded_up():
    image = np.array([[0, 4, 9], [2, 2, 9], [8, 6, 1]], np.uint8)
    _, half, quarter = mean_pyramid(image, axes="yx", level_count=3)
    assert_array_equal(half, [[2, 9], [7, 1]])
    assert_array_equal(quarter, [[5]])


def test_only_rows_and_columns_are_shrunk():
    image = np.arange(3 * 6 * 9.0).reshape(3, 6, 9)
    third = mean_pyramid(image, axes="cyx", level_count=2, factor=3)[1]
    assert_array_equal(third, image.reshape(3, 2, 3, 3, 3).mean(axis=(2, 4)))


def test_coarser_levels_of_an_ome_tiff_are_parts_of_the_full_one(tmp_path):
    write_ome_tiff(tmp_path / "a.ome.tif", np.zeros((200, 300), np.uint16))
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tiff:
        assert tiff.is_ome
        assert [level.shape for level in tiff.series[0].levels] == [
            (200, 300),
            (100, 150),
            (50, 75),
        ]
        assert len(tiff.pages) == 1


@pytest.mark.parametrize("is_point", [False, True])
def test_a_geotiff_has_the_tags_of_one(tmp_path, is_point):
    write_geotiff(
        tmp_path / "a.tif",
        np.zeros((70, 80), np.uint8),
        transform=(2.0, 0.0, 100.0, 0.0, -2.0, 200.0),
        epsg=32633,
        nodata=7,
        is_point=is_point,
    )
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        tags = tiff.pages[0].geotiff_tags
        assert tiff.pages[0].nodata == 7
    assert tags["ProjectedCSTypeGeoKey"] == 32633
    shift = 1.0 if is_point else 0.0
    assert tags["ModelTiepoint"][3:5] == [100 + shift, 200 - shift]
