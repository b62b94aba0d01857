from __future__ import annotations

import numpy as np
import pytest

from tilesam import Window
from tilesam.image import GeoReference, open_image
from tilesam.image.georeference import georeference_of
from tilesam.testing.image_files import write_geotiff

STRAIGHT = (0.5, 0.0, 400_000.25, 0.0, -0.5, 5_650_000.75)
TURNED = (0.3, 0.1, 400_000.0, 0.1, -0.3, 5_650_000.0)


@pytest.mark.parametrize("transform", [STRAIGHT, TURNED])
@pytest.mark.parametrize("is_point", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_geotiff_keeps_its_place_on_earth(tmp_path, transform, is_point, compression):
    write_geotiff(
        tmp_path / "a.tif",
        np.zeros((70, 90, 3), np.uint8),
        transform=transform,
        epsg=25832,
        is_point=is_point,
        compression=compression,
    )
    found = open_image(tmp_path / "a.tif").georeference
    assert found.transform == pytest.approx(transform, abs=1e-9)
    assert (found.crs, found.nodata) == ("EPSG:25832", None)


def test_a_tie_point_may_be_anywhere():
    tags = {33550: (2.0, 3.0, 0.0), 33922: (10.0, 20.0, 0.0, 1000.0, 500.0, 0.0)}
    assert georeference_of(tags).transform == (2.0, 0.0, 980.0, 0.0, -3.0, 560.0)


@pytest.mark.parametrize(
    ("keys", "crs"),
    [
        ((3072, 0, 1, 3857), "EPSG:3857"),
        ((2048, 0, 1, 4326), "EPSG:4326"),
        ((2048, 0, 1, 4326, 3072, 0, 1, 32633), "EPSG:32633"),
        ((3072, 0, 1, 32767), None),
        ((3072, 34736, 1, 0), None),
        ((), None),
    ],
)
def test_the_reference_system_is_the_projected_one_or_else_the_geographic(keys, crs):
    directory = (1, 1, 0, len(keys) // 4, *keys)
    tags = {33550: (1, 1, 0), 33922: (0,) * 6, 34735: directory}
    assert georeference_of(tags) == GeoReference((1, 0, 0, 0, -1, 0), crs)


def test_other_images_have_no_place_on_earth(tmp_path):
    assert open_image(np.zeros((5, 6))).georeference is None
    assert georeference_of({34735: (1, 1, 0, 0)}) is None


@pytest.mark.parametrize(
    ("text", "nodata"), [("-9999", -9999), (" 0 ", 0), ("1e30", 1e30), ("none", None)]
)
def test_nodata_is_a_number_in_text(text, nodata):
    tags = {33550: (1, 1, 0), 33922: (0,) * 6, 42113: text}
    assert georeference_of(tags).nodata == nodata


@pytest.mark.parametrize(
    ("nodata", "dtype"),
    [
        (-9999, np.float32),
        (-9999, np.int16),
        (np.nan, np.float32),
        (-3.4028234663852886e38, np.float32),
        (65535, np.uint16),
        (0, np.uint8),
        (0.1, np.float32),
    ],
)
def test_pixels_without_data_count_neither_as_valid_nor_for_the_limits(
    tmp_path, nodata, dtype
):
    values = np.tile(np.arange(1, 101), (100, 1)).astype(dtype)
    values[:25] = dtype(nodata)
    write_geotiff(tmp_path / "a.tif", values, transform=STRAIGHT, nodata=nodata)
    source = open_image(tmp_path / "a.tif")
    assert source.valid_fraction(Window(0, 0, 100, 100)) == 0.75
    assert source.valid_fraction(Window(0, 0, 25, 100)) == 0
    assert source.valid_fraction(Window(20, 0, 10, 100)) == 0.5
    ((low, high),) = source.normalization.limits
    assert (low, high) == pytest.approx((1, 100), abs=0.2)


def test_a_value_that_the_type_cannot_hold_is_no_pixels(tmp_path):
    values = np.zeros((70, 80), np.uint8)
    write_geotiff(tmp_path / "a.tif", values, transform=STRAIGHT, nodata=-9999)
    source = open_image(tmp_path / "a.tif")
    assert source.valid_fraction(Window(0, 0, 70, 80)) == 1


def test_of_colours_all_have_to_be_without_data(tmp_path):
    values = np.full((70, 80, 3), 9, np.uint8)
    values[:10], values[10:20, :, 0] = 0, 0
    write_geotiff(tmp_path / "a.tif", values, transform=STRAIGHT, nodata=0)
    source = open_image(tmp_path / "a.tif")
    assert source.valid_fraction(Window(0, 0, 20, 80)) == 0.5


def test_an_image_of_nothing_is_opened(tmp_path):
    values = np.full((70, 80), -9999, np.float32)
    write_geotiff(tmp_path / "a.tif", values, transform=STRAIGHT, nodata=-9999)
    source = open_image(tmp_path / "a.tif")
    assert source.valid_fraction(Window(0, 0, 70, 80)) == 0
    assert not source.read_window(Window(0, 0, 70, 80)).any()
