from __future__ import annotations

import threading
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import crops_in_images, disks, from_crops
from tilesam import OutputError, Window
from tilesam.everything.table import Status
from tilesam.export import ome_metadata, ome_zarr
from tilesam.export.colors import color_of
from tilesam.export.ome_image import ome_image_at, register_labels
from tilesam.export.ome_zarr import write_ome_zarr
from tilesam.image import GeoReference, open_image
from tilesam.testing.image_files import write_ome_zarr as write_image

UNITS = [
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]


@pytest.fixture
def small(monkeypatch):
    """Chunks and shards of which small images have many."""
    monkeypatch.setattr(ome_zarr, "CHUNK", 64)
    monkeypatch.setattr(ome_zarr, "SHARD", 128)


def ome_of(path):
    return zarr.open_group(path, mode="r").attrs["ome"]


def levels_of(path):
    group = zarr.open_group(path, mode="r")
    datasets = ome_of(path)["multiscales"][0]["datasets"]
    return [group[dataset["path"]] for dataset in datasets]


@pytest.mark.parametrize("most_files", [0, 1024])
@pytest.mark.parametrize("hw", [(300, 517), (64, 64), (1, 200), (129, 65)])
def test_levels_halve_and_hold_the_labels(tmp_path, small, monkeypatch, hw, most_files):
    monkeypatch.setattr(ome_zarr, "MOST_FILES", most_files)
    segmentation = disks(60, hw)
    write_ome_zarr(tmp_path / "a.ome.zarr", segmentation)
    labels, levels = segmentation.labels(), levels_of(tmp_path / "a.ome.zarr")
    assert_array_equal(levels[0][:], labels)
    assert max(levels[-1].shape) <= 64
    for finer, level in pairwise(levels):
        assert level.shape == tuple(-(-side // 2) for side in finer.shape)
        assert max(finer.shape) > 64
    for k, level in enumerate(levels):
        assert level.dtype == np.uint32
        assert level.metadata.dimension_names == ("y", "x")
        assert level.chunks == (64, 64)
        assert level.shards == ((128, 128) if most_files == 0 else None)
        # No mixing: a pixel is one of those in its block, and one near the centre.
        for y, x in np.random.default_rng(k).integers(0, level.shape, (50, 2)):
            block = labels[y << k : (y + 1) << k, x << k : (x + 1) << k]
            assert level[int(y), int(x)] in block


def test_objects_stay_where_they_are_at_all_levels(tmp_path, small):
    y, x = np.mgrid[-300:300, -300:300]
    segmentation = from_crops([np.hypot(y, x) < 300], [(212, 300)], (1024, 1200))
    write_ome_zarr(tmp_path / "a.zarr", segmentation)
    levels = levels_of(tmp_path / "a.zarr")
    assert len(levels) == 6
    for k, level in enumerate(levels):
        # Of the pixels' outer corners, in pixels of level 0.
        centre = (np.argwhere(level[:]).mean(axis=0) + 0.5) * 2**k
        assert np.abs(centre - [512.5, 600.5]).max() <= 2**k / 4 + 0.5


def test_metadata_is_as_ome_zarr_0_5_demands(tmp_path, small):
    path = tmp_path / "cells.ome.zarr"
    segmentation = disks(20, (300, 200))
    write_ome_zarr(path, segmentation)
    group, ome = zarr.open_group(path, mode="r"), ome_of(path)
    assert group.metadata.zarr_format == 3
    assert ome["version"] == ome["image-label"]["version"] == "0.5"
    (multiscale,) = ome["multiscales"]
    assert multiscale["name"] == "cells"
    assert multiscale["axes"] == [
        {"name": "y", "type": "space"},
        {"name": "x", "type": "space"},
    ]
    assert [
        dataset["coordinateTransformations"] for dataset in multiscale["datasets"]
    ] == [[{"type": "scale", "scale": [2.0**k] * 2}] for k in range(4)]
    assert {"type", "metadata"} <= multiscale.keys()
    assert "source" not in ome["image-label"]


def test_every_object_has_a_colour_and_its_properties(tmp_path):
    segmentation = disks(
        20, (90, 80), statuses=[Status.KEPT] * 18 + [Status.COVERED] * 2
    )
    segmentation.table.predicted_iou[3] = np.nan
    write_ome_zarr(tmp_path / "a.zarr", segmentation)
    label = ome_of(tmp_path / "a.zarr")["image-label"]
    colors = {color["label-value"]: color["rgba"] for color in label["colors"]}
    assert list(colors) == list(range(19))
    assert colors[0][3] == 0
    assert len({tuple(color) for color in colors.values()}) == 19
    properties = label["properties"]
    assert [row["label-value"] for row in properties] == list(range(1, 19))
    table = segmentation.table
    for row, area in zip(properties, table.area, strict=False):
        assert row["area"] == area
        assert row["stability_score"] <= 1
    assert "predicted_iou" not in properties[3]
    assert "predicted_iou" in properties[4]


def test_colours_are_bright_and_neighbours_differ():
    colors = np.array([color_of(label) for label in range(1, 10_001)])
    assert colors.min() >= 0
    assert colors.max() == 255
    assert len(np.unique(colors, axis=0)) > 9_900
    assert (colors[:, :3].max(axis=1) >= 165).all()
    assert np.abs(np.diff(colors[:, :3], axis=0)).sum(axis=1).min() > 60
    assert color_of(2**32 - 1) == color_of(2**32 - 1)


def test_too_many_objects_are_in_the_table_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(ome_metadata, "MOST_LISTED", 9)
    write_ome_zarr(tmp_path / "a.zarr", disks(10, (50, 50)))
    assert ome_of(tmp_path / "a.zarr")["image-label"] == {"version": "0.5"}
    assert_array_equal(
        zarr.open_array(tmp_path / "a.zarr" / "table" / "label", mode="r")[:],
        np.arange(1, 11),
    )


@settings(max_examples=15)
@given(crops_in_images(most=4))
def test_labels_and_table_come_back(tmp_path_factory, drawn):
    hw, crops, offsets = drawn
    path = tmp_path_factory.mktemp("zarr") / "a.ome.zarr"
    segmentation = from_crops(crops, offsets, hw)
    write_ome_zarr(path, segmentation)
    assert_array_equal(levels_of(path)[0][:], segmentation.labels())
    table = zarr.open_group(path / "table", mode="r")
    assert table.attrs["columns"] == list(segmentation.table.columns())
    for name, column in segmentation.table.columns().items():
        assert table[name].dtype == column.dtype
        assert_array_equal(table[name][:], column)


def test_our_own_reader_opens_it_with_all_levels(tmp_path, small):
    segmentation = disks(30, (300, 500))
    write_ome_zarr(tmp_path / "a.ome.zarr", segmentation)
    source = open_image(tmp_path / "a.ome.zarr", contrast_limits=(0, 255))
    assert source.hw == (300, 500)
    assert [level.scales for level in source.levels] == [
        (2.0**k,) * 2 for k in range(4)
    ]
    shown = source.read_window(Window(100, 200, 50, 60))
    assert_array_equal(shown[..., 0], segmentation.labels((100, 200, 150, 260)))


def test_how_it_was_made_and_where_it_is_are_recorded(tmp_path):
    place = GeoReference((0.5, 0.0, 4.0, 0.0, -0.5, 5.0), "EPSG:25832")
    segmentation = disks(
        3, (40, 40), image_name="a.tif", model_name="tiny", georeference=place
    )
    write_ome_zarr(tmp_path / "a.zarr", segmentation)
    record = zarr.open_group(tmp_path / "a.zarr", mode="r").attrs["tilesam"]
    assert (record["image"], record["model"], record["objects"]) == ("a.tif", "tiny", 3)
    assert record["settings"] == segmentation.settings.to_plain()
    assert record["georeference"] == {
        "transform": list(place.transform),
        "crs": "EPSG:25832",
    }


def with_units(path):
    group = zarr.open_group(path, mode="a")
    ome = group.attrs["ome"]
    multiscale = ome["multiscales"][0]
    for axis in multiscale["axes"]:
        if axis["type"] == "space":
            axis["unit"] = "micrometer"
    for k, dataset in enumerate(multiscale["datasets"]):
        count = len(multiscale["axes"])
        dataset["coordinateTransformations"] = [
            {"type": "scale", "scale": [1.0] * (count - 2) + [0.25 * 2**k, 0.5 * 2**k]},
            {"type": "translation", "translation": [0.0] * (count - 2) + [3.0, 4.0]},
        ]
    group.attrs["ome"] = ome
    return path


@pytest.mark.parametrize("axes", ["yx", "cyx", "tczyx"])
def test_labels_within_an_image_are_like_it_and_listed(tmp_path, small, axes):
    shape = (2, 3, 1)[-len(axes) + 2 :] if len(axes) > 2 else ()
    image = np.zeros((*shape, 150, 201), np.uint8)
    write_image(tmp_path / "i.ome.zarr", image, axes=axes, level_count=4)
    with_units(tmp_path / "i.ome.zarr")
    labels = tmp_path / "i.ome.zarr" / "labels"
    for name in ("nuclei", "cells", "nuclei"):
        write_ome_zarr(labels / name, disks(9, (150, 201)))
    assert ome_of(labels) == {"version": "0.5", "labels": ["nuclei", "cells"]}
    ome = ome_of(labels / "nuclei")
    assert ome["image-label"]["source"] == {"image": "../../"}
    (multiscale,) = ome["multiscales"]
    assert multiscale["axes"] == UNITS
    # As many levels as the image, of the same sizes and at the same places.
    hws = [level.shape for level in levels_of(labels / "nuclei")]
    assert hws == [(150, 201), (75, 101), (38, 51), (19, 26)]
    assert multiscale["datasets"][1]["coordinateTransformations"] == [
        {"type": "scale", "scale": [0.5, 1.0]},
        {"type": "translation", "translation": [3.0, 4.0]},
    ]
    assert open_image(tmp_path / "i.ome.zarr", channels=0).hw == (150, 201)


def test_two_runs_that_list_their_labels_at_once_are_both_listed(tmp_path, monkeypatch):
    labels = tmp_path / "labels"
    labels.mkdir()
    other = threading.Thread(target=register_labels, args=(labels / "b",))
    open_group = zarr.open_group

    def open_while_another_one_writes(*args, **options):
        group = open_group(*args, **options)
        if threading.current_thread() is not other:
            other.start()
            other.join(timeout=0.5)  # it has to wait, so this does not end before
        return group

    monkeypatch.setattr(zarr, "open_group", open_while_another_one_writes)
    register_labels(labels / "a")
    other.join()
    monkeypatch.undo()
    assert ome_of(labels) == {"version": "0.5", "labels": ["a", "b"]}
    # Nothing is left that is no part of the hierarchy.
    assert [path.name for path in labels.iterdir()] == ["zarr.json"]


@pytest.mark.parametrize("content", ["{", '{"zarr_format": 3, "node_type": "array"}'])
def test_a_list_of_labels_that_is_damaged_is_an_output_error(tmp_path, content):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "zarr.json").write_text(content)
    with pytest.raises(OutputError, match=r"cannot write .*labels/a: "):
        register_labels(tmp_path / "labels" / "a")
    assert (tmp_path / "labels" / "zarr.json").read_text() == content


def test_labels_follow_an_image_that_shrinks_by_four_and_rounds_down(tmp_path, small):
    path = tmp_path / "i.ome.zarr"
    write_image(path, np.zeros((150, 203), np.uint8), level_count=1)
    group = zarr.open_group(path, mode="a")
    group.create_array("1", shape=(37, 50), dtype="u1", chunks=(64, 64))
    ome = group.attrs["ome"]
    scale = [{"type": "scale", "scale": [4.0, 4.0]}]
    ome["multiscales"][0]["datasets"].append(
        {"path": "1", "coordinateTransformations": scale}
    )
    group.attrs["ome"] = ome
    segmentation = disks(20, (150, 203))
    write_ome_zarr(path / "labels" / "a", segmentation)
    finest, coarse = levels_of(path / "labels" / "a")
    assert_array_equal(coarse[:], finest[:][2::4, 2::4][:37, :50])


def test_an_image_elsewhere_gives_its_units_and_is_referred_to(tmp_path, small):
    write_image(tmp_path / "i.zarr", np.zeros((150, 201), np.uint8), level_count=2)
    image = ome_image_at(with_units(tmp_path / "i.zarr"))
    write_ome_zarr(tmp_path / "out" / "a.ome.zarr", disks(9, (150, 201)), image=image)
    ome = ome_of(tmp_path / "out" / "a.ome.zarr")
    assert ome["image-label"]["source"] == {"image": "../../i.zarr/"}
    (multiscale,) = ome["multiscales"]
    assert multiscale["axes"] == UNITS
    scales = [d["coordinateTransformations"][0] for d in multiscale["datasets"]]
    assert [s["scale"] for s in scales] == [[0.25, 0.5], [0.5, 1.0], [1.0, 2.0]]


def test_an_image_of_another_size_gives_nothing(tmp_path):
    write_image(tmp_path / "i.zarr", np.zeros((50, 70), np.uint8), level_count=1)
    image = ome_image_at(with_units(tmp_path / "i.zarr"))
    write_ome_zarr(tmp_path / "a.ome.zarr", disks(9, (50, 71)), image=image)
    ome = ome_of(tmp_path / "a.ome.zarr")
    assert "source" not in ome["image-label"]
    assert "unit" not in ome["multiscales"][0]["axes"][0]


@pytest.mark.parametrize(
    ("version", "hw", "reason"),
    [("0.4", (50, 70), r"is OME-Zarr 0\.4"), ("0.5", (50, 71), r"has \(50, 70\)")],
)
def test_images_that_cannot_have_these_labels_stay_as_they_are(
    tmp_path, version, hw, reason
):
    path = tmp_path / "i.zarr"
    write_image(path, np.zeros((50, 70), np.uint8), level_count=1, version=version)
    with pytest.raises(OutputError, match=rf"cannot write .*{reason}.* outside"):
        write_ome_zarr(path / "labels" / "a", disks(3, hw))
    assert not (path / "labels").exists()


def test_memory_follows_the_window_and_empty_places_take_no_file(tmp_path):
    hw = (4_000, 40_000)
    dots = [np.ones((30, 30), bool)] * 2
    segmentation = from_crops(dots, [(5, 5), (3_900, 39_000)], hw)
    tracemalloc.start()
    try:
        write_ome_zarr(tmp_path / "a.zarr", segmentation)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 250e6  # the image has 640 MB
    chunks = [p for p in (tmp_path / "a.zarr" / "0").rglob("*") if p.is_file()]
    assert len(chunks) == 3  # with its own zarr.json


def test_an_empty_image_is_valid(tmp_path):
    write_ome_zarr(tmp_path / "a.zarr", from_crops([], [], (30, 40)))
    label = ome_of(tmp_path / "a.zarr")["image-label"]
    assert [color["label-value"] for color in label["colors"]] == [0]
    assert "properties" not in label
    assert not levels_of(tmp_path / "a.zarr")[0][:].any()
    assert zarr.open_array(tmp_path / "a.zarr" / "table" / "area", mode="r").shape == (
        0,
    )
