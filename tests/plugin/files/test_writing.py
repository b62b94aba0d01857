"""Labels layers are saved by napari's own means, with what is known of objects."""

from __future__ import annotations

import csv
import json

import dask.array as da
import npe2
import numpy as np
import pytest
import tifffile
import zarr
from napari.components import ViewerModel
from napari.layers import Labels
from numpy.testing import assert_array_equal

from napari_sam.files.writing import write_labels
from napari_sam.layers.found_layer import REGION
from tilesam.annotation import scanning
from tilesam.errors import OutputError
from tilesam.masks.rle import decode_rle, decompress_counts

PLUGIN = "napari-sam-tiles"


@pytest.fixture(autouse=True, scope="module")
def plugin():
    npe2.PluginManager.instance().discover()


def labels_with_gaps():
    labels = np.zeros((20, 30), np.int32)
    labels[2:5, 3:9] = 7
    labels[6:9, 20:28] = 300
    return labels


def coco_labels(path):
    annotations = json.loads(path.read_text())["annotations"]
    labels = np.zeros(annotations[0]["segmentation"]["size"], np.int32)
    for annotation in annotations:
        counts = decompress_counts(annotation["segmentation"]["counts"])
        labels[decode_rle(counts, labels.shape)] = annotation["id"]
    return labels


def features_of(path):
    return [f["properties"] for f in json.loads(path.read_text())["features"]]


@pytest.mark.parametrize(
    "name", ["a.geojson", "a.json", "a.ome.zarr", "a.zarr", "a.csv"]
)
def test_napari_finds_the_writer_by_the_suffix(tmp_path, name):
    viewer = ViewerModel()
    viewer.add_labels(labels_with_gaps())
    path = tmp_path / name
    assert viewer.layers.save(path) == [str(path)]
    assert path.exists()


def test_tiff_stays_napari_s_own(tmp_path):
    viewer = ViewerModel()
    viewer.add_labels(labels_with_gaps())
    viewer.layers.save(tmp_path / "a.tif")
    assert tifffile.imread(tmp_path / "a.tif").dtype == np.int32, "not ours, uint32"


@pytest.mark.parametrize(
    "wrap", [np.asarray, zarr.array, da.from_array, lambda x: [x, x[::2, ::2]]]
)
def test_labels_of_any_kind_come_back(tmp_path, wrap):
    layer = Labels(wrap(labels_with_gaps()))
    (path,) = npe2.write(tmp_path / "a.json", [layer], plugin_name=PLUGIN)
    assert_array_equal(coco_labels(tmp_path / "a.json"), labels_with_gaps())
    assert path == str(tmp_path / "a.json")


def test_features_become_columns_whatever_their_order(tmp_path):
    features = {
        "index": [300, 7, 12],
        "predicted_iou": [0.5, np.nan, 0.1],
        "stability_score": [0.25, 0.75, 0.1],
        "prompt_kind": ["box", "points", "points"],
        "checked": [True, False, False],
        "area": [1, 2, 3],
    }
    layer = Labels(labels_with_gaps(), features=features)
    npe2.write(tmp_path / "a.geojson", [layer])
    seven, last = features_of(tmp_path / "a.geojson")
    assert (seven["label"], last["label"]) == (7, 300)
    assert (seven["predicted_iou"], last["predicted_iou"]) == (None, 0.5)
    assert (seven["stability_score"], last["stability_score"]) == (0.75, 0.25)
    assert (seven["prompt_kind"], last["prompt_kind"]) == ("points", "box")
    assert (seven["checked"], last["checked"]) == (0, 1)
    assert (seven["area"], last["area"]) == (18, 24), "counted, not believed"


def test_objects_without_a_row_have_unknown_scores(tmp_path):
    layer = Labels(
        labels_with_gaps(),
        features={"index": [7], "predicted_iou": [0.5], "note": ["good"]},
    )
    npe2.write(tmp_path / "a.csv", [layer])
    seven, last = csv.DictReader((tmp_path / "a.csv").read_text().splitlines())
    assert (seven["predicted_iou"], seven["note"]) == ("0.5", "good")
    assert (last["predicted_iou"], last["note"]) == ("", "")


def test_without_index_a_row_is_of_the_label_of_its_number(tmp_path):
    labels = np.array([[0, 1, 2]])
    layer = Labels(labels, features={"predicted_iou": [0.0, 0.25, 0.5]})
    npe2.write(tmp_path / "a.geojson", [layer])
    scores = [
        feature["predicted_iou"] for feature in features_of(tmp_path / "a.geojson")
    ]
    assert scores == [0.25, 0.5]


@pytest.mark.parametrize("units", [("um", "um"), ("um", "nm")])
def test_scale_and_units_are_those_of_the_layer(tmp_path, units):
    x_scale = 0.25 if units[1] == "um" else 250
    layer = Labels(
        labels_with_gaps(), scale=(0.5, x_scale), units=units, translate=(3, 0)
    )
    npe2.write(tmp_path / "a.ome.zarr", [layer])
    ome = zarr.open_group(tmp_path / "a.ome.zarr", mode="r").attrs["ome"]
    multiscale = ome["multiscales"][0]
    scale, translation = multiscale["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == pytest.approx([0.5, 0.25])
    assert translation["translation"] == [3, 0]
    assert {axis["unit"] for axis in multiscale["axes"]} == {"micrometer"}


def test_pixels_without_a_size_have_no_unit(tmp_path):
    npe2.write(tmp_path / "a.ome.zarr", [Labels(labels_with_gaps())])
    ome = zarr.open_group(tmp_path / "a.ome.zarr", mode="r").attrs["ome"]
    assert all("unit" not in axis for axis in ome["multiscales"][0]["axes"])


def test_a_stack_needs_a_viewer_to_say_which_plane(tmp_path):
    layer = Labels(np.stack([labels_with_gaps()] * 3))
    with pytest.raises(OutputError, match="no viewer shows which plane"):
        npe2.write(tmp_path / "a.json", [layer])
    assert not list(tmp_path.iterdir())


def test_a_stack_of_one_plane_is_that_plane(tmp_path):
    npe2.write(tmp_path / "a.json", [Labels(labels_with_gaps()[np.newaxis])])
    assert_array_equal(coco_labels(tmp_path / "a.json"), labels_with_gaps())


def test_a_place_that_cannot_be_written_is_told_first(tmp_path):
    (tmp_path / "file").write_text("")
    data = labels_with_gaps()
    with pytest.raises(OutputError, match="is a file"):
        write_labels(str(tmp_path / "file" / "a.json"), data, {"name": "cells"})


@pytest.mark.gui
def test_of_a_stack_the_shown_plane_is_saved(tmp_path, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    stack = np.zeros((3, 20, 30), np.int32)
    stack[1] = labels_with_gaps()
    layer = viewer.add_labels(stack, name="objects")
    viewer.dims.set_point(0, 1)
    layer.save(str(tmp_path / "a.json"))
    assert_array_equal(coco_labels(tmp_path / "a.json"), labels_with_gaps())


@pytest.mark.parametrize("block", [4, 2048])
def test_what_was_found_in_a_region_is_where_it_is_in_the_image(
    tmp_path, monkeypatch, block
):
    monkeypatch.setattr(scanning, "BLOCK_SIDE", block)
    region = {"offset_yx": (3, 5), "image_hw": (40, 50)}
    layer = Labels(labels_with_gaps(), metadata={REGION: region}, scale=(0.5, 0.5))
    npe2.write(tmp_path / "a.json", [layer])
    expected = np.zeros((40, 50), np.int32)
    expected[3:23, 5:35] = labels_with_gaps()
    assert_array_equal(coco_labels(tmp_path / "a.json"), expected)
