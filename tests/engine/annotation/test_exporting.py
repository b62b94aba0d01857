"""Objects with gaps in their numbers come back from every file as they are."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import shapely
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from shapely.geometry import shape

from tilesam import OutputError
from tilesam.annotation import ArrayTarget, ObjectRow, ObjectRows, new_label_array
from tilesam.annotation import scanning as scanning_module
from tilesam.annotation.exporting import objects_segmentation, write_objects
from tilesam.errors import AnnotationError
from tilesam.image import GeoReference, open_image
from tilesam.image.pixel_size import PixelSize
from tilesam.masks.rle import decode_rle, decompress_counts

NAMES = ("o.tif", "o.ome.zarr", "o.geojson", "o.json")


def from_tiff(path):
    return tifffile.imread(path)


def from_zarr(path):
    return zarr.open_group(path, mode="r")["0"][:]


def from_geojson(path, hw):
    labels = np.zeros(hw, np.uint32)
    y, x = np.mgrid[: hw[0], : hw[1]]
    for feature in json.loads(path.read_text())["features"]:
        assert feature["id"] == feature["properties"]["label"]
        inside = shapely.contains_xy(shape(feature["geometry"]), x + 0.5, y + 0.5)
        labels[inside] = feature["id"]
    return labels


def from_coco(path, hw):
    labels = np.zeros(hw, np.uint32)
    for annotation in json.loads(path.read_text())["annotations"]:
        counts = decompress_counts(annotation["segmentation"]["counts"])
        labels[decode_rle(counts, hw)] = annotation["id"]
    return labels


def read_back(path, hw):
    if path.suffix in (".tif", ".zarr"):
        return {".tif": from_tiff, ".zarr": from_zarr}[path.suffix](path)
    return {".geojson": from_geojson, ".json": from_coco}[path.suffix](path, hw)


@st.composite
def label_images(draw):
    """Return labels with gaps: large numbers, objects in pieces, objects that touch."""
    hw = draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
    values = draw(st.lists(st.integers(1, 2**32 - 1), max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    return rng.choice(np.array([0, *values], np.uint32), hw)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module", autouse=True)
def small_blocks():
    """Blocks of which small images have many, so that objects lie across them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning_module, "BLOCK_SIDE", 7)
        yield


@pytest.mark.parametrize("name", NAMES)
@given(labels=label_images())
@settings(max_examples=25, deadline=None)
def test_labels_come_back_from_every_format(folder, name, labels):
    path = write_objects(folder / name, ArrayTarget(labels))
    assert_array_equal(read_back(path, labels.shape), labels)


@given(labels=label_images())
@settings(max_examples=50, deadline=None)
def test_masks_are_whole_across_blocks(labels):
    found = objects_segmentation(ArrayTarget(labels))
    assert_array_equal(found.labels(), labels)
    assert_array_equal(found.table.label, np.unique(labels[labels > 0]))
    for number, label in enumerate(found.table.label):
        ys, xs = np.nonzero(labels == label)
        assert found.table.area[number] == len(ys)
        extent = [ys.min(), xs.min(), ys.max() + 1, xs.max() + 1]
        assert_array_equal(found.table.extents_yxyx[number], extent)
    # Runs that a border of blocks cut are one again.
    masks = found.masks
    follows = (masks.rows[1:] == masks.rows[:-1]) & (
        masks.mask_of_run[1:] == masks.mask_of_run[:-1]
    )
    assert (masks.starts[1:] > masks.stops[:-1])[follows].all()


def two_objects():
    """Return one object that was accepted, and one that is not known."""
    labels = np.zeros((10, 30), np.uint16)
    labels[2:5, 3:9] = 7
    labels[6:9, 20:28] = 300
    row = ObjectRow(
        label=7,
        prompt_kind="points",
        area=18,
        extent=((2, 5), (3, 9)),
        predicted_iou=0.875,
        stability_score=0.75,
        model_name="tiny",
        created="2026-01-02T12:00:00+00:00",
        points_yx=((9.0, 9.0), (3.0, 4.5)),
        point_labels=(0, 1),
    )
    return ArrayTarget(labels), ObjectRows([row], foreign_highest=300)


def test_what_is_known_of_an_object_is_in_the_table(tmp_path):
    path = write_objects(tmp_path / "o.csv", *two_objects())
    known, foreign = csv.DictReader(path.read_text().splitlines())
    assert [known["label"], foreign["label"]] == ["7", "300"]
    assert [known["predicted_iou"], known["stability_score"]] == ["0.875", "0.75"]
    assert [known["point_y"], known["point_x"]] == ["3.0", "4.5"]
    assert known["prompt_kind"] == "points"
    assert known["model_name"] == "tiny"
    assert [foreign["predicted_iou"], foreign["prompt_kind"]] == ["", ""]
    assert [known["area"], foreign["area"]] == ["18", "24"]


def test_scores_and_provenance_are_in_geojson(tmp_path):
    path = write_objects(tmp_path / "o.geojson", *two_objects())
    known, foreign = json.loads(path.read_text())["features"]
    assert known["properties"]["prompt_kind"] == "points"
    assert known["properties"]["measurements"]["Predicted IoU"] == 0.875
    assert foreign["properties"]["predicted_iou"] is None
    assert "Predicted IoU" not in foreign["properties"]["measurements"]


def test_a_point_that_nobody_gave_is_not_in_coco(tmp_path):
    path = write_objects(tmp_path / "o.json", *two_objects())
    known, foreign = json.loads(path.read_text())["annotations"]
    assert known["point_coords"] == [[4.5, 3.0]]
    assert foreign["point_coords"] == []
    assert foreign["predicted_iou"] is None


def test_ome_zarr_has_the_table_and_the_size_of_pixels(tmp_path):
    size = PixelSize((0.5, 0.25), "micrometer", origin_yx=(3.0, 0.0))
    path = write_objects(tmp_path / "o.ome.zarr", *two_objects(), pixel_size=size)
    group = zarr.open_group(path, mode="r")
    multiscale = group.attrs["ome"]["multiscales"][0]
    assert {axis["unit"] for axis in multiscale["axes"]} == {"micrometer"}
    scale, translation = multiscale["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [0.5, 0.25]
    assert translation["translation"] == [3.0, 0.0]
    assert group["table/label"][:].tolist() == [7, 300]
    assert group["table/prompt_kind"][:].tolist() == ["points", ""]
    properties = group.attrs["ome"]["image-label"]["properties"]
    assert [entry["label-value"] for entry in properties] == [7, 300]
    assert group.attrs["tilesam"]["model"] == "tiny"
    assert group.attrs["tilesam"]["settings"] is None


def test_a_map_stays_a_map(tmp_path):
    class Source:
        georeference = GeoReference((2.0, 0, 500.0, 0, -2.0, 900.0), "EPSG:25832")

    path = write_objects(tmp_path / "o.tif", *two_objects(), source=Source())
    assert open_image(path).georeference == GeoReference(
        Source.georeference.transform, "EPSG:25832", nodata=0.0
    )


@pytest.mark.parametrize("name", NAMES)
def test_one_plane_of_a_stack_is_written(tmp_path, name):
    stack = np.zeros((3, 2, 12, 15), np.int32)
    stack[1, 0, 2:6, 3:9] = 5
    stack[2, 1, 1:4, 1:4] = 5
    path = write_objects(tmp_path / name, ArrayTarget(stack), plane=(1, 0))
    assert_array_equal(read_back(path, (12, 15)), stack[1, 0])


@pytest.mark.parametrize(
    ("plane", "message"),
    [((), "expected 2 number"), ((1,), "expected 2 number"), ((3, 0), "does not lie")],
)
def test_a_plane_has_to_be_named(tmp_path, plane, message):
    target = ArrayTarget(np.ones((3, 2, 12, 15), np.int32))
    with pytest.raises(AnnotationError, match=message):
        write_objects(tmp_path / "o.tif", target, plane=plane)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("label", [-3, 2**32])
def test_a_label_that_no_file_can_hold_is_refused(tmp_path, label):
    target = ArrayTarget(np.array([[0, label]], np.int64))
    with pytest.raises(AnnotationError, match=f"label {label},"):
        write_objects(tmp_path / "o.tif", target)


def test_the_place_is_looked_at_before_the_labels(tmp_path):
    class Unread(ArrayTarget):
        def read(self, _slices):
            raise AssertionError("read before the place was looked at")

    with pytest.raises(OutputError, match="suffix"):
        write_objects(tmp_path / "o.docx", Unread(np.ones((2, 2), np.uint8)))


def test_a_zarr_of_a_slide_is_read_block_by_block(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning_module, "BLOCK_SIDE", 2048)
        array = new_label_array((20_000, 30_000), path=tmp_path / "labels.zarr")
        array[9_990:10_010, 29_000:29_050] = 12
        path = write_objects(tmp_path / "o.geojson", ArrayTarget(array))
    (feature,) = json.loads(path.read_text())["features"]
    assert feature["id"] == 12
    assert shape(feature["geometry"]).bounds == (29_000, 9_990, 29_050, 10_010)
