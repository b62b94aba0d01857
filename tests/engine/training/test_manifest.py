from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave
from tifffile import imwrite

from tilesam.errors import DatasetError
from tilesam.training.datasets import sampling_weights
from tilesam.training.manifest import (
    COLUMNS,
    ManifestDataset,
    load_sample,
    read_manifest,
    without_domains,
)

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
LABELS = np.array([[1, 1, 0, 0], [0, 0, 0, 7], [1, 0, 0, 7]], dtype=np.uint8)


def write_image(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    imsave(path, pixels, check_contrast=False)


def write_manifest(folder: Path, rows: list[dict[str, str]], columns=COLUMNS) -> None:
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def row_of(name: str, **changes: str) -> dict[str, str]:
    row = {
        "split": "train",
        "domain": "cells",
        "image": f"train/{name}.png",
        "labels": f"train/{name}.labels.png",
        "height": "3",
        "width": "4",
        "instances": "2",
        "source": "made by hand, for tests",
        "licence": "CC0",
    }
    return row | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rgb = np.stack([GREY, GREY + 20, GREY + 40], axis=-1)
    for name, pixels in (("a", GREY), ("b", rgb)):
        write_image(tmp_path / f"train/{name}.png", pixels)
        write_image(tmp_path / f"train/{name}.labels.png", LABELS)
    rows = [row_of("a"), row_of("b", domain="tissue"), row_of("a", split="val")]
    write_manifest(tmp_path, rows)
    return tmp_path


def test_rows_of_a_split_in_the_order_of_the_file(folder):
    first, second = read_manifest(folder, "train")
    assert (first.domain, second.domain) == ("cells", "tissue")
    assert first.image == folder / "train/a.png"
    assert (first.height, first.width, first.instances) == (3, 4, 2)
    assert first.source == "made by hand, for tests"
    assert len(read_manifest(str(folder), "val")) == 1


def test_grey_becomes_three_equal_channels(folder):
    sample = load_sample(read_manifest(folder, "train")[0])
    assert sample.image.dtype == np.uint8
    np.testing.assert_array_equal(sample.image, np.stack([GREY] * 3, axis=-1))


def test_rgb_and_labels_are_read_as_they_are(folder):
    sample = load_sample(read_manifest(folder, "train")[1])
    np.testing.assert_array_equal(sample.image[..., 2], GREY + 40)
    assert sample.label_layers.dtype == np.int32
    # Both pieces of object 1 keep its id.
    np.testing.assert_array_equal(sample.label_layers, LABELS[None])
    assert (sample.domain, sample.name) == ("tissue", "tissue/b")


def test_ids_beyond_16_bits_are_renumbered(folder):
    labels = np.select([LABELS == 7, LABELS == 1], [3_000_000, 70_000])
    labels = labels.astype(np.uint32)
    imwrite(folder / "train/a.labels.tif", labels)
    write_manifest(folder, [row_of("a", labels="train/a.labels.tif")])
    sample = load_sample(read_manifest(folder, "train")[0])
    expected = np.where(LABELS == 7, 2, LABELS)
    np.testing.assert_array_equal(sample.label_layers[0], expected)


def test_missing_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"no manifest\.csv in .*nowhere"):
        read_manifest(tmp_path / "nowhere", "train")


def test_missing_columns_are_named(folder):
    columns = [name for name in COLUMNS if name not in ("width", "licence")]
    write_manifest(folder, [row_of("a")], columns)
    with pytest.raises(DatasetError, match="lacks the columns width, licence"):
        read_manifest(folder, "train")


def test_empty_manifest(folder):
    (folder / "manifest.csv").write_text("")
    with pytest.raises(DatasetError, match="lacks the columns split"):
        read_manifest(folder, "train")


def test_unknown_split_names_those_that_exist(folder):
    with pytest.raises(DatasetError, match=r"'test'; its splits are: train, val"):
        read_manifest(folder, "test")


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_missing_file_is_named_with_its_line(folder, kind):
    write_manifest(folder, [row_of("a"), row_of("b", **{kind: "train/gone.png"})])
    with pytest.raises(DatasetError, match=rf"line 3: the {kind} file .*gone\.png"):
        read_manifest(folder, "train")


def test_number_that_is_none(folder):
    write_manifest(folder, [row_of("a", height="tall")])
    with pytest.raises(DatasetError, match=r"line 2: .*'tall'.*expected whole numbers"):
        read_manifest(folder, "train")


def test_short_row(folder):
    with (folder / "manifest.csv").open("a") as file:
        file.write("train,cells,train/a.png\n")
    with pytest.raises(DatasetError, match="line 5: the labels file '' does not exist"):
        read_manifest(folder, "train")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a,b\n\x00,1\n" + b'"' * 200_000])
def test_manifest_that_is_no_text(folder, content):
    (folder / "manifest.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"manifest\.csv' (cannot be read|lacks)"):
        read_manifest(folder, "train")


@pytest.mark.parametrize("kind", ["image", "labels"])
def test_shapes_that_differ(folder, kind):
    name = "train/a.png" if kind == "image" else "train/a.labels.png"
    write_image(folder / name, LABELS.T.copy())
    with pytest.raises(DatasetError, match=r"has 4 x 3 pixels.*says 3 x 4"):
        load_sample(read_manifest(folder, "train")[0])


def test_file_that_is_no_image(folder):
    (folder / "train/a.png").write_text("not a picture")
    with pytest.raises(DatasetError, match=r"a\.png cannot be read as an image"):
        load_sample(read_manifest(folder, "train")[0])


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("train/a.png", GREY.astype(np.uint16), "8-bit grey or RGB"),
        ("train/a.labels.png", np.stack([LABELS] * 3, axis=-1), "one channel"),
    ],
)
def test_wrong_kind_of_pixels(folder, name, pixels, message):
    write_image(folder / name, pixels)
    with pytest.raises(DatasetError, match=message):
        load_sample(read_manifest(folder, "train")[0])


def test_dataset_reads_each_file_once(folder):
    dataset = ManifestDataset(folder, "train")
    assert len(dataset) == 2
    assert dataset.domains == ["cells", "tissue"]
    first = dataset[0]
    (folder / "train/a.png").unlink()
    assert dataset[0] is first
    assert dataset[-2] is first


def test_dataset_ends(folder):
    dataset = ManifestDataset(folder, "train")
    with pytest.raises(IndexError):
        dataset[2]
    assert [sample.domain for sample in dataset] == ["cells", "tissue"]


def test_a_domain_is_drawn_by_the_root_of_its_objects():
    domains = ["many"] * 16 + ["few"]
    weights = sampling_weights(domains, [1] * 16 + [4])
    # 16 and 4 objects: drawn 2 : 1, and the samples of a domain alike.
    np.testing.assert_allclose(weights[:16], 2 / 3 / 16)
    np.testing.assert_allclose(weights[16], 1 / 3)


@pytest.mark.parametrize(("power", "share_of_few"), [(0.0, 1 / 2), (1.0, 1 / 17)])
def test_extreme_sampling_weights(power, share_of_few):
    domains = ["many"] * 16 + ["few"]
    weights = sampling_weights(domains, [1] * 16 + [0], power=power)
    np.testing.assert_allclose(weights[16], share_of_few)
    np.testing.assert_allclose(weights.sum(), 1)


def test_domains_are_left_out(folder):
    assert ManifestDataset(folder, "train").domains == ["cells", "tissue"]
    kept = ManifestDataset(folder, "train", left_out=["cells"])
    assert kept.domains == ["tissue"]
    assert kept[0].name == "tissue/b"


def test_an_unknown_domain_cannot_be_left_out(folder):
    with pytest.raises(DatasetError, match=r"domain 'leaf'.*there are cells, tissue"):
        ManifestDataset(folder, "train", left_out=["tissue", "leaf"])


def test_something_has_to_be_left(folder):
    with pytest.raises(DatasetError, match=r"without the domains cells, tissue no row"):
        without_domains(read_manifest(folder, "train"), ["cells", "tissue"])
