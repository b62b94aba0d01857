"""Folders that are read, and what is said about those that are not right."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy.io import savemat

from tests.engine.evaluation.scenes import (
    squares_image,
    squares_labels,
    write_manifest,
    write_pair,
)
from tilesam.errors import DatasetError
from tilesam.evaluation.berkeley import BerkeleyImages, is_berkeley
from tilesam.evaluation.folders import open_labelled
from tilesam.evaluation.mask_files import read_masks
from tilesam.masks.rle import compress_counts, encode_rle


def test_a_manifest_with_its_other_columns(tmp_path):
    images = open_labelled(write_manifest(tmp_path, stain=["DAPI", "HE"]), "val")
    assert images.domains == ["bright", "clear"]
    assert [columns["stain"] for columns in images.columns] == ["DAPI", "HE"]
    np.testing.assert_array_equal(images[1].label_layers[0], squares_labels())


def test_pairs_of_images_and_labels(tmp_path):
    folder = write_pair(write_pair(tmp_path / "cells", "a"), "b")
    (folder / "metadata.csv").write_text("image,stain\na,DAPI\nb.png,HE\n")
    images = open_labelled(folder, "val")
    assert len(images) == 2
    assert images.domains == ["cells", "cells"]
    assert [columns["stain"] for columns in images.columns] == ["DAPI", "HE"]
    sample = images[1]
    assert sample.name == "b"
    np.testing.assert_array_equal(sample.image, squares_image())
    np.testing.assert_array_equal(sample.label_layers[0], squares_labels())


def test_folders_within_are_domains_and_types_may_differ(tmp_path):
    write_pair(tmp_path, "x")
    for part in ("images", "labels"):
        (tmp_path / part / "deep").mkdir()
    grey = (squares_image()[..., 0].astype(np.uint16) * 100) + 7
    tifffile.imwrite(tmp_path / "images" / "deep" / "y.tif", grey)
    labels = squares_labels().astype(np.uint16)
    tifffile.imwrite(tmp_path / "labels" / "deep" / "y.labels.tif", labels)
    images = open_labelled(tmp_path, "val")
    assert images.domains == ["deep", tmp_path.name]
    assert images[0].image.dtype == np.uint8
    assert images[0].image.max() == 255


def refused(folder, pattern):
    with pytest.raises(DatasetError, match=pattern):
        open_labelled(folder, "val")[0]


def test_neither_manifest_nor_pairs(tmp_path):
    refused(tmp_path, "no manifest.csv in")


def test_an_image_without_labels_is_named(tmp_path):
    write_pair(tmp_path, "a")
    Image.fromarray(squares_image()).save(tmp_path / "images" / "lonely.png")
    refused(tmp_path, r"lonely\.png' has no labels")


def test_labels_of_another_size_are_named(tmp_path):
    write_pair(tmp_path, "a", np.ones((32, 64), np.int32))
    refused(tmp_path, r"images/a\.png' has 64 x 64 .*labels/a\.png' have 32 x 64")


def test_labels_as_a_picture_are_named(tmp_path):
    write_pair(tmp_path, "a", squares_image())
    refused(tmp_path, r"labels/a\.png' has shape .*colours")


def test_fractions_are_no_labels(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / "labels" / "a.png").unlink()
    halves = np.full((64, 64), 0.5, np.float32)
    tifffile.imwrite(tmp_path / "labels" / "a.tif", halves)
    refused(tmp_path, r"a\.tif' holds float32")


def test_pixels_that_are_not_square_are_named(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / "labels" / "a.png").unlink()
    tifffile.imwrite(
        tmp_path / "labels" / "a.ome.tif", squares_labels().astype(np.uint8),
        metadata={"axes": "YX", "PhysicalSizeX": 0.5, "PhysicalSizeY": 1.0},
    )  # fmt: skip
    (tmp_path / "images" / "a.png").rename(tmp_path / "images" / "a.ome.png")
    refused(tmp_path, r"a\.ome\.tif' are 1 x 0\.5 micrometer")


def test_two_files_of_one_name(tmp_path):
    write_pair(tmp_path, "a")
    Image.fromarray(squares_image()).save(tmp_path / "images" / "a.jpg")
    refused(tmp_path, "have one name")


def test_metadata_without_names(tmp_path):
    write_pair(tmp_path, "a")
    (tmp_path / "metadata.csv").write_text("file,stain\na,DAPI\n")
    refused(tmp_path, "lacks the column image; it has file, stain")


def write_drawings(folder, name="1", split="test", people=2):
    (folder / "images" / split).mkdir(parents=True, exist_ok=True)
    (folder / "groundTruth" / split).mkdir(parents=True, exist_ok=True)
    Image.fromarray(squares_image()).save(folder / "images" / split / f"{name}.jpg")
    drawn = np.empty((1, people), object)
    for person in range(people):
        boundaries = np.zeros((64, 64), np.uint8)
        boundaries[person] = 1
        drawn[0, person] = {"Segmentation": boundaries, "Boundaries": boundaries}
    place = folder / "groundTruth" / split / f"{name}.mat"
    savemat(place, {"groundTruth": drawn})
    return folder


def test_drawings_of_several_people(tmp_path):
    write_drawings(tmp_path)
    assert is_berkeley(tmp_path)
    images = BerkeleyImages(tmp_path, "test")
    layers = images[0].label_layers
    assert layers.shape == (2, 64, 64)
    assert layers[1][1].all()
    assert layers.sum() == 128


def test_drawings_that_are_missing_or_none(tmp_path):
    write_drawings(tmp_path)
    with pytest.raises(DatasetError, match="its splits are: test"):
        BerkeleyImages(tmp_path, "val")
    (tmp_path / "groundTruth" / "test" / "1.mat").write_bytes(b"no")
    with pytest.raises(DatasetError, match=r"1\.mat' has no drawings"):
        BerkeleyImages(tmp_path, "test")[0]


def masks_in(path):
    return {name: (len(masks), hw) for name, masks, hw in read_masks(path, "val")}


def test_masks_of_folders_and_files(tmp_path):
    manifest = write_manifest(tmp_path / "m")
    pairs = write_pair(tmp_path / "p")
    assert masks_in(manifest) == {
        "bright/a": (2, (64, 64)),
        "clear/a": (2, (64, 64)),
    }
    assert masks_in(pairs) == {"a": (2, (64, 64))}
    assert masks_in(pairs / "labels") == {"a": (2, (64, 64))}
    assert masks_in(pairs / "labels" / "a.png") == {"a": (2, (64, 64))}


def test_masks_of_an_export(tmp_path):
    mask = squares_labels() == 1
    counts = compress_counts(encode_rle(mask))
    document = {
        "image": {"image_id": 1, "width": 64, "height": 64, "file_name": "a.tif"},
        "annotations": [{"segmentation": {"size": [64, 64], "counts": counts}}],
    }
    file = tmp_path / "objects.json"
    file.write_text(json.dumps(document))
    ((name, masks, image_hw),) = read_masks(file, "val")
    assert (name, image_hw) == ("a.tif", (64, 64))
    assert masks.areas.tolist() == [256]
    np.testing.assert_array_equal(masks.extents_yxyx, [[8, 8, 24, 24]])


def test_masks_that_are_none(tmp_path):
    file = tmp_path / "objects.json"
    file.write_text('{"annotations": []}')
    with pytest.raises(DatasetError, match=r"objects\.json' holds no masks"):
        list(read_masks(file, "val"))
    with pytest.raises(DatasetError, match="does not exist"):
        list(read_masks(tmp_path / "nothing.png", "val"))
