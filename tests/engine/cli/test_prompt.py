from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
import tifffile
from PIL import Image

import tilesam
from tilesam.cli import main
from tilesam.cli.prompt import name_of
from tilesam.model.runtime import SamModel
from tilesam.testing.image_files import write_geotiff, write_ome_tiff, write_ome_zarr
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model

OBJECTS = [(8, 8, 24, 24), (40, 40, 56, 56)]


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None, refined=True):
        loaded.append((name, device))
        return bright_region_model()

    monkeypatch.setitem(vars(tilesam), "load_model", load)
    return loaded


@pytest.fixture
def image_path(tmp_path):
    path = tmp_path / "squares.png"
    Image.fromarray(bright_rectangles((64, 64), OBJECTS)).save(path)
    return path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def labelled(folder):
    return np.argwhere(tifffile.imread(folder / "labels.tif"))


def test_a_point_gives_three_files_and_three_candidates(tmp_path, image_path, capsys):
    out = tmp_path / "out"
    assert run("prompt", image_path, "--point", 10, 10, "--out", out) == 0
    assert sorted(p.name for p in out.iterdir()) == [
        "candidates.json",
        "labels.tif",
        "overlay.png",
    ]
    assert labelled(out).min(axis=0).tolist() == [8, 8]
    assert labelled(out).max(axis=0).tolist() == [23, 23]
    text = capsys.readouterr().out
    assert "1. predicted IoU 0.95" in text
    assert "3. predicted IoU 0.70" in text


def test_several_points_and_boxes_are_all_heard(tmp_path, image_path, capsys):
    code = run(
        "prompt", image_path, "--box", 0, 0, 63, 63, "--point", 10, 10,
        "--negative", 48, 48, "--point", 20.5, 20, "--out", tmp_path, "--json",
    )  # fmt: skip
    record = json.loads(capsys.readouterr().out)
    assert code == 0
    assert record["objects"][0]["prompts"] == {
        "points_yx": [[10, 10], [20.5, 20], [48, 48]],
        "point_labels": [1, 1, 0],
        "boxes_yxyx": [[0, 0, 63, 63]],
        "has_mask_input": False,
    }
    assert labelled(tmp_path).max(axis=0).tolist() == [23, 23]


def test_model_and_device_are_passed_on(tmp_path, image_path, stand_in_model):
    run(
        "prompt", image_path, "--point", 9, 9, "--model", "vit_b", "--device", "mps",
        "--out", tmp_path,
    )  # fmt: skip
    assert stand_in_model == [("vit_b", "mps")]


def test_channels_can_be_chosen(tmp_path, capsys):
    image = np.zeros((5, 64, 64), np.uint16)
    image[3, 8:24, 8:24] = 1000
    tifffile.imwrite(
        tmp_path / "a.tif", image, metadata={"axes": "CYX"}, photometric="minisblack"
    )
    common = ["prompt", tmp_path / "a.tif", "--point", 10, 10, "--out", tmp_path / "o"]
    assert run(*common) == 1
    assert "5 channels" in capsys.readouterr().err
    assert run(*common, "--channel", 3) == 0
    assert labelled(tmp_path / "o").max(axis=0).tolist() == [23, 23]


def test_the_axis_of_the_channels_can_be_told(tmp_path, capsys):
    image = np.zeros((64, 64, 7), np.uint16)
    image[8:24, 8:24, 6] = 1000
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    common = ["prompt", tmp_path / "a.tif", "--point", 10, 10, "--out", tmp_path / "o"]
    assert run(*common) == 1
    assert "(--channel-axis)" in capsys.readouterr().err
    assert run(*common, "--channel-axis", 2, "--channel", 6) == 0
    assert labelled(tmp_path / "o").max(axis=0).tolist() == [23, 23]


@pytest.mark.parametrize("points", [["--point", 10, 12], ["--point=10", 12]])
def test_an_equals_sign_may_stand_before_the_numbers(
    tmp_path, image_path, capsys, points
):
    assert run("prompt", image_path, *points, "--out", tmp_path, "--json") == 0
    record = json.loads(capsys.readouterr().out)
    assert record["objects"][0]["prompts"]["points_yx"] == [[10, 12]]


def test_negative_numbers_are_no_options(tmp_path, image_path):
    code = run("prompt", image_path, "--point", -0.5, -0.5, "--out", tmp_path / "out")
    assert code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "no prompt was given"),
        (["--point", 64, 3], "outside of the image of 64 x 64"),
        (["--negative", 4, 3], "only 1 background"),
        (["--box", 4, 3, 4, 9], "without area"),
    ],
)
def test_bad_prompts_are_one_line_before_any_model_is_loaded(
    tmp_path, image_path, capsys, stand_in_model, arguments, expected
):
    assert run("prompt", image_path, *arguments, "--out", tmp_path / "out") == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Error: ")
    assert captured.err.count("\n") == 1
    assert expected in captured.err
    assert not stand_in_model
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--point", 1], "--point is followed by 1 --out"),
        (["--point", "a", "b"], "expected 2 numbers, --point Y X"),
        (["--box", 1, 2, 3], "--box Y0 X0 Y1 X1"),
        (["--point", "nan", 3], "expected 2 numbers"),
        (["--box=1,2,3,4"], "expected 4 numbers, --box Y0 X0 Y1 X1"),
        (["--point="], "--point is followed by --out"),
    ],
)
def test_missing_numbers_are_wrong_usage(
    tmp_path, image_path, capsys, arguments, expected
):
    assert run("prompt", image_path, *arguments, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert expected in error
    assert "napari-sam prompt --help" in error
    assert error.count("\n") == 1


def test_an_unreadable_image_is_one_line(tmp_path, capsys):
    (tmp_path / "a.png").write_text("no image")
    assert run("prompt", tmp_path / "a.png", "--point", 1, 1, "--out", tmp_path) == 1
    assert "cannot be read as an image" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path, image_path, capsys, stand_in_model
):
    (tmp_path / "out").write_text("a file")
    code = run("prompt", image_path, "--point", 9, 9, "--out", tmp_path / "out")
    assert code == 1
    assert "cannot write into" in capsys.readouterr().err
    assert not stand_in_model, "it was found only after the work was done"


SLIDE = bright_rectangles((300, 400), [(200, 300, 224, 332)])
SLIDE_WRITERS = {
    "slide.ome.zarr": partial(write_ome_zarr, axes="yxc"),
    "slide.ome.tif": partial(write_ome_tiff, axes="YXS"),
    "ortho.tif": partial(write_geotiff, transform=(0.5, 0, 5e5, 0, -0.5, 4e6)),
}


@pytest.mark.parametrize("name", SLIDE_WRITERS)
def test_a_second_run_is_answered_from_the_store(
    tmp_path, capsys, monkeypatch, stand_in_model, name
):
    SLIDE_WRITERS[name](tmp_path / name, SLIDE)
    asking = ["prompt", tmp_path / name, "--point", 210, 310, "--json"]
    asking += ["--store", tmp_path / "a.sam.zarr"]
    assert run(*asking, "--out", tmp_path / "first") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["image"] == {"name": name, "height": 300, "width": 400}
    assert first["store"] == {
        "path": str(tmp_path / "a.sam.zarr"),
        "tiles": 1,
        "embedded_now": 1,
    }
    assert labelled(tmp_path / "first").min(axis=0).tolist() == [200, 300]
    assert labelled(tmp_path / "first").max(axis=0).tolist() == [223, 331]

    def refuse(*_):
        raise AssertionError("the image encoder ran although the tile is stored")

    monkeypatch.setattr(SamModel, "embed", refuse)
    assert run(*asking, "--out", tmp_path / "again") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["store"]["embedded_now"] == 0
    assert again["objects"] == first["objects"]


@pytest.mark.parametrize("name", SLIDE_WRITERS)
def test_an_image_may_be_given_by_its_address(tmp_path, capsys, name):
    SLIDE_WRITERS[name](tmp_path / name, SLIDE)
    address = (tmp_path / name).as_uri()
    asking = ["prompt", address, "--point", 210, 310, "--out", tmp_path / "out"]
    assert run(*asking, "--json") == 0
    assert json.loads(capsys.readouterr().out)["image"]["name"] == name
    assert labelled(tmp_path / "out").max(axis=0).tolist() == [223, 331]


def test_people_are_told_what_the_store_holds(tmp_path, image_path, capsys):
    store = tmp_path / "a.sam.zarr"
    asking = ["prompt", image_path, "--out", tmp_path / "out", "--store", store]
    assert run(*asking, "--point", 9, 9) == 0
    assert "holds 1 tile(s), 1 of them new" in joined(capsys.readouterr().out)
    assert run(*asking, "--point", 48, 48) == 0
    assert "holds 1 tile(s), 0 of them new" in joined(capsys.readouterr().out)


def joined(text):
    """Return text without the breaks of lines that were too long for the console."""
    return " ".join(text.split())


def test_the_limits_of_a_store_are_used_again(tmp_path, capsys):
    image = np.full((64, 64), 100, np.uint16)
    image[8:24, 8:24] = 1000
    common = [
        "prompt",
        tmp_path / "a.tif",
        "--point",
        10,
        10,
        "--out",
        tmp_path / "out",
    ]
    common += ["--store", tmp_path / "a.sam.zarr", "--json"]
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    assert run(*common) == 0
    # Far from the prompt, so that with limits of its own the tile would look different.
    image[40:60, 40:60] = 60_000
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack")
    capsys.readouterr()
    assert run(*common) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["objects"][0]["candidates"][0]["area"] == 16 * 16 - 4


def store_of_another_image(path):
    from tilesam.opening import open_embedding_store, open_source

    source = open_source(np.zeros((10, 20), np.uint8))
    open_embedding_store(path, source, bright_region_model())


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.write_text("a file"), "is a file; expected a folder"),
        (lambda path: (path / "sub").mkdir(parents=True), "not a store of embeddings"),
        (store_of_another_image, "an image of 10 x 20 pixels"),
    ],
)
def test_a_store_that_does_not_fit_is_one_line_before_any_model_is_loaded(
    tmp_path, image_path, capsys, stand_in_model, make, expected
):
    make(tmp_path / "store")
    code = run(
        "prompt", image_path, "--point", 9, 9, "--store", tmp_path / "store",
        "--out", tmp_path / "out",
    )  # fmt: skip
    error = capsys.readouterr().err
    assert code == 1
    assert expected in error
    assert error.count("\n") == 1
    assert not stand_in_model
    assert not (tmp_path / "out").exists()


def test_a_store_elsewhere_is_refused(tmp_path, image_path, capsys, stand_in_model):
    code = run(
        "prompt", image_path, "--point", 9, 9, "--store", "s3://bucket/a.sam.zarr",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 1
    assert "s3://bucket/a.sam.zarr is a URL" in capsys.readouterr().err
    assert not stand_in_model


def test_a_plane_of_a_stack_can_be_chosen(tmp_path, capsys):
    image = np.zeros((2, 5, 64, 64), np.uint16)
    image[1, 3, 8:24, 8:24] = 1000
    tifffile.imwrite(tmp_path / "a.tif", image, imagej=True, metadata={"axes": "TZYX"})
    common = ["prompt", tmp_path / "a.tif", "--point", 10, 10, "--out", tmp_path / "o"]
    assert run(*common, "--plane", 1, "--plane", 3) == 0
    assert labelled(tmp_path / "o").max(axis=0).tolist() == [23, 23]
    capsys.readouterr()
    assert run(*common, "--plane", 1, "--plane", 5) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("diameter", "point", "level"),
    [(None, (44, 44), 0), (3, (44, 44), -1), (10, (44, 44), 0), (60, (210, 310), 2)],
)
def test_the_diameter_of_objects_sets_the_level(
    tmp_path, capsys, diameter, point, level
):
    image = bright_rectangles((300, 400), [(40, 40, 48, 48), (200, 300, 224, 332)])
    Image.fromarray(image).save(tmp_path / "a.png")
    option = () if diameter is None else ("--object-diameter", diameter)
    run(
        "prompt", tmp_path / "a.png", "--point", *point, *option,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    record = json.loads(capsys.readouterr().out)
    assert record["objects"][0]["candidates"][0]["tile"]["level"] == level


@pytest.mark.parametrize("diameter", ["0", "-3", "nan", "inf"])
def test_a_diameter_that_is_no_length_is_wrong_usage(
    tmp_path, image_path, capsys, stand_in_model, diameter
):
    code = run(
        "prompt", image_path, "--point", 9, 9, "--object-diameter", diameter,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert code == 2
    assert "is no positive number of pixels" in capsys.readouterr().err
    assert not stand_in_model


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("cells.png", "cells.png"),
        ("some/folder/slide.ome.zarr/", "slide.ome.zarr"),
        ("https://example.org/data/slide.zarr", "slide.zarr"),
        ("https://example.org/data/my%20slide.zarr/?token=secret", "my slide.zarr"),
        ("s3://bucket/slide.tif", "slide.tif"),
        ("https://user:secret@example.org/", "example.org"),
    ],
)
def test_the_name_of_an_image_is_the_last_part_of_its_path(image, name):
    assert name_of(image) == name
