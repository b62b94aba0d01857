from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

import tilesam
from tilesam.cli import main
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model
from tilesam.training.manifest import COLUMNS

OBJECTS = [(8, 8, 24, 24), (40, 32, 56, 60)]


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    loaded = []

    def load(name, *, device=None):
        loaded.append((name, device))
        return bright_region_model()

    monkeypatch.setitem(vars(tilesam), "load_model", load)
    return loaded


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    labels = np.zeros((64, 64), dtype=np.uint8)
    for number, (y0, x0, y1, x1) in enumerate(OBJECTS, start=1):
        labels[y0:y1, x0:x1] = number
    Image.fromarray(bright_rectangles((64, 64), OBJECTS)).save(folder / "a.png")
    Image.fromarray(labels).save(folder / "a.labels.png")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for domain in ("bright", "clear"):
            row = ["val", domain, "a.png", "a.labels.png", 64, 64, 2, "made", "CC0"]
            writer.writerow(row)
    return folder


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_points_as_a_table(data, capfd):
    assert run("evaluate", "points", "--data", data) == 0
    out = capfd.readouterr().out
    header, bright, _, mean = out.strip().splitlines()
    assert "1 point, best of 3" in header
    assert "3 points" in header
    assert bright.split()[:3] == ["bright", "1", "2"]
    assert mean.split()[:5] == ["mean", "over", "domains", "2", "4"]


def test_boxes_as_a_file(data, tmp_path, capfd):
    file = tmp_path / "new" / "boxes.json"
    assert run("evaluate", "boxes", "--data", data, "--json", file) == 0
    document = json.loads(file.read_text())
    assert document["mean_over_domains"]["box"] > 0.97
    assert [domain["domain"] for domain in document["domains"]] == ["bright", "clear"]
    assert len(document["objects"]) == 4
    assert document["provenance"]["protocol"] == "boxes"
    assert document["provenance"]["model"] == "bright_region"
    assert "bright" in capfd.readouterr().out


def test_a_dash_prints_json_and_nothing_else(data, capfd):
    assert run("evaluate", "boxes", "--data", data, "--json", "-") == 0
    assert json.loads(capfd.readouterr().out)["provenance"]["split"] == "val"


def test_limits_and_model_are_passed_on(data, stand_in_model, capfd):
    code = run(
        "evaluate", "boxes", "--data", data, "--json", "-", "--model", "vit_b",
        "--device", "cpu", "--limit-per-domain", 1, "--objects-per-image", 1,
    )  # fmt: skip
    assert code == 0
    assert len(json.loads(capfd.readouterr().out)["objects"]) == 2
    assert stand_in_model == [("vit_b", "cpu")]


def test_missing_data_is_one_line_before_the_model_is_loaded(
    tmp_path, stand_in_model, capfd
):
    assert run("evaluate", "points", "--data", tmp_path / "nowhere") == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("Error: no manifest.csv in")
    assert len(err.strip().splitlines()) == 1
    assert stand_in_model == []


def test_a_file_that_cannot_be_written_is_said_before_the_work(
    data, tmp_path, stand_in_model, capfd
):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "boxes.json"
    assert run("evaluate", "boxes", "--data", data, "--json", place) == 1
    assert capfd.readouterr().err.startswith("Error: cannot write into")
    assert stand_in_model == []


def test_unknown_split(data, capfd):
    assert run("evaluate", "points", "--data", data, "--split", "test") == 1
    assert "its splits are: val" in capfd.readouterr().err
