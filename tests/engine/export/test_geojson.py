from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from shapely.geometry import shape

from tests.engine.export.segmentations import crops_in_images, disks, from_crops
from tilesam.everything.table import Status
from tilesam.export import batches
from tilesam.export.geojson import write_geojson
from tilesam.image import GeoReference

STRAIGHT = (0.5, 0.0, 400_000.25, 0.0, -0.5, 5_650_000.75)
TURNED = (0.3, 0.1, 400_000.0, 0.1, -0.3, 5_650_000.0)
SOUTH_UP = (2.0, 0.0, -100.0, 0.0, 2.0, 50.0)
DEGREES = (1.5e-6, 0.0, 13.4, 0.0, -1.5e-6, 52.5)


def written(folder, segmentation):
    write_geojson(folder / "a.geojson", segmentation)
    return json.loads((folder / "a.geojson").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("geojson")


@given(drawn=crops_in_images(), runs=st.integers(1, 60))
def test_masks_come_back_from_polygons(folder, drawn, runs):
    hw, crops, offsets = drawn
    segmentation = from_crops(crops, offsets, hw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "RUNS_AT_ONCE", runs)
        document = written(folder, segmentation)
    assert document.keys() == {"type", "features"}
    assert len(document["features"]) == len(crops)
    y, x = np.mgrid[: hw[0], : hw[1]]
    for crop, (y0, x0), feature in zip(
        crops, offsets, document["features"], strict=True
    ):
        found = shape(feature["geometry"])
        assert shapely.is_valid(found)
        assert found.area == feature["properties"]["area"] == crop.sum()
        expected = np.zeros(hw, bool)
        expected[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
        assert_array_equal(shapely.contains_xy(found, x + 0.5, y + 0.5), expected)


def test_a_feature_says_what_the_table_says(folder):
    segmentation = disks(5, (60, 70), parents=[0, 1, 0, 0, 2])
    features = written(folder, segmentation)["features"]
    table = segmentation.table
    for row, feature in enumerate(features):
        assert feature["type"] == "Feature"
        assert feature["id"] == feature["properties"]["label"] == row + 1
        properties = feature["properties"]
        assert properties["parent"] == (int(table.parent[row]) or None)
        for name in ("level", "area", "is_cut"):
            assert properties[name] == getattr(table, name)[row]
        for name in ("predicted_iou", "stability_score"):
            # As few digits as possible, and the very number.
            assert np.float32(properties[name]) == getattr(table, name)[row]
            assert len(str(properties[name])) <= 11


def test_what_qupath_reads_is_of_the_types_that_it_takes(folder):
    segmentation = disks(4, (60, 70), parents=[0, 1, 0, 0])
    segmentation.table.predicted_iou[1] = np.nan
    features = written(folder, segmentation)["features"]
    assert {f["properties"]["objectType"] for f in features} == {"detection"}
    for feature in features:
        numbers = feature["properties"]["measurements"].values()
        assert all(type(number) in (int, float) for number in numbers)
    first, second = (f["properties"]["measurements"] for f in features[:2])
    assert first["Area px^2"] == segmentation.table.area[0]
    assert "Parent label" not in first
    assert second["Parent label"] == 1
    assert "Predicted IoU" not in second
    assert features[1]["properties"]["predicted_iou"] is None


def test_only_kept_objects_are_there_and_each_is_whole(folder):
    square, dot = np.ones((6, 6), bool), np.ones((2, 2), bool)
    segmentation = from_crops(
        *([square, dot, square], [(0, 0), (2, 2), (1, 1)], (9, 9)),
        statuses=[Status.KEPT, Status.KEPT, Status.DUPLICATE],
    )
    features = written(folder, segmentation)["features"]
    assert [shape(feature["geometry"]).area for feature in features] == [36, 4]


@pytest.mark.parametrize("transform", [STRAIGHT, TURNED, SOUTH_UP, DEGREES])
def test_coordinates_of_a_map_are_those_of_the_pixels_corners(folder, transform):
    a, b, c, d, e, f = transform
    georeference = GeoReference(transform, "EPSG:25832")
    placed = disks(30, georeference=georeference)
    document, plain = written(folder, placed), written(folder, disks(30))
    assert document["crs"] == {
        "type": "name",
        "properties": {"name": "urn:ogc:def:crs:EPSG::25832"},
    }
    pixel_area = abs(a * e - b * d)
    for feature, other in zip(document["features"], plain["features"], strict=True):
        found, pixels = shape(feature["geometry"]), shape(other["geometry"])
        assert shapely.is_valid(found)
        expected = shapely.affinity.affine_transform(pixels, [a, b, d, e, c, f])
        assert shapely.hausdorff_distance(found, expected) < 2e-4 * pixel_area**0.5
        assert_allclose(found.area, pixel_area * pixels.area, rtol=1e-2)
        for polygon in getattr(found, "geoms", [found]):
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)


def test_a_map_without_a_known_reference_system_says_so(folder):
    georeference = GeoReference(STRAIGHT)
    assert written(folder, disks(2, georeference=georeference))["crs"] is None


def test_nothing_found_is_an_empty_collection(folder):
    document = written(folder, from_crops([], [], (5, 5)))
    assert document == {"type": "FeatureCollection", "features": []}
