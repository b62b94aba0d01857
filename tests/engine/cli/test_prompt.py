from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

import tilesam
from tilesam.cli import main
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model

OBJECTS = [(8, 8, 24, 24), (40, 40, 56, 56)]


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None):
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
