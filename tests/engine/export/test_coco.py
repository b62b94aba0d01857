from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pycocotools import mask as coco
from pycocotools.coco import COCO

from tests.engine.export.segmentations import crops_in_images, disks, from_crops
from tilesam.everything.table import Status
from tilesam.export import batches
from tilesam.export.coco import write_coco


def written(folder, segmentation):
    write_coco(folder / "a.json", segmentation)
    return json.loads((folder / "a.json").read_text())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("coco")


# pycocotools does not know of NumPy 2 yet.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(drawn=crops_in_images(), runs=st.integers(1, 60))
def test_pycocotools_reads_every_mask(folder, drawn, runs):
    hw, crops, offsets = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "RUNS_AT_ONCE", runs)
        document = written(folder, from_crops(crops, offsets, hw))
    assert len(document["annotations"]) == len(crops)
    for crop, (y0, x0), annotation in zip(
        crops, offsets, document["annotations"], strict=True
    ):
        expected = np.zeros(hw, np.uint8)
        expected[y0 : y0 + crop.shape[0], x0 : x0 + crop.shape[1]] = crop
        segmentation = annotation["segmentation"]
        assert_array_equal(coco.decode(segmentation), expected)
        assert coco.area(segmentation) == annotation["area"]
        assert coco.toBbox(segmentation).tolist() == annotation["bbox"]
        theirs = coco.encode(np.asfortranarray(expected))
        assert segmentation["counts"] == theirs["counts"].decode()


def test_the_members_are_those_of_sa_1b(folder):
    segmentation = disks(3, (50, 70), image_name="cells.tif")
    segmentation.table.stability_score[1] = np.nan
    document = written(folder, segmentation)
    assert document["image"] == {
        "image_id": 1,
        "width": 70,
        "height": 50,
        "file_name": "cells.tif",
    }
    table = segmentation.table
    for row, annotation in enumerate(document["annotations"]):
        assert annotation.keys() == {
            *("id", "segmentation", "bbox", "area", "predicted_iou"),
            *("stability_score", "crop_box", "point_coords"),
            *("image_id", "category_id", "iscrowd"),
        }
        assert annotation["id"] == table.label[row]
        assert annotation["segmentation"]["size"] == [50, 70]
        assert annotation["crop_box"] == [0, 0, 70, 50]
        assert annotation["point_coords"] == [table.point_yx[row, ::-1].tolist()]
        assert np.float32(annotation["predicted_iou"]) == table.predicted_iou[row]
    assert document["annotations"][1]["stability_score"] is None


# pycocotools does not know of NumPy 2 yet.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_the_file_is_a_coco_dataset_too(folder, capsys):
    segmentation = disks(3, (50, 70), image_name="cells.tif")
    write_coco(folder / "set.json", segmentation)
    dataset = COCO(folder / "set.json")
    capsys.readouterr()
    (image,) = dataset.loadImgs(dataset.getImgIds())
    assert (image["file_name"], image["height"], image["width"]) == (
        "cells.tif",
        50,
        70,
    )
    found = dataset.loadAnns(dataset.getAnnIds(imgIds=image["id"], catIds=[1]))
    labels = segmentation.labels()
    for annotation in found:
        mask = dataset.annToMask(annotation).astype(bool)
        assert_array_equal(mask, labels == annotation["id"])
    assert len(found) == 3


def test_covered_objects_are_there_too_and_dropped_ones_are_not(folder):
    crop = np.ones((4, 4), bool)
    segmentation = from_crops([crop] * 4, [(0, 0)] * 4, (5, 5), statuses=list(Status))
    annotations = written(folder, segmentation)["annotations"]
    assert [annotation["id"] for annotation in annotations] == [1, 2]


def test_nothing_found_is_a_list_of_nothing(folder):
    document = written(folder, from_crops([], [], (5, 6)))
    assert document["annotations"] == []
    assert document["image"]["width"] == 6
