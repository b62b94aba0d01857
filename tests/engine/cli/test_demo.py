from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image

import tilesam
from tilesam.cli import main
from tilesam.cli.demo import DEMO_IMAGES
from tilesam.testing.models import bright_region_model


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    model = bright_region_model(input_size=512)
    monkeypatch.setitem(vars(tilesam), "load_model", lambda *_, **__: model)


@pytest.fixture(autouse=True)
def no_screen(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.fixture
def screen(no_screen, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":0")


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_every_image_has_all_its_files(tmp_path, capsys):
    assert run("demo", "--headless", "--out", tmp_path, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document["images"]) == {"immunohistochemistry", "cell", "coins"}
    for image in DEMO_IMAGES:
        folder = tmp_path / image.name
        record = json.loads((folder / "candidates.json").read_text())
        assert len(record["objects"]) == len(image.objects)
        labels = tifffile.imread(folder / "labels.tif")
        size = record["image"]["height"], record["image"]["width"]
        assert labels.shape == size
        assert 0 < np.max(labels) <= len(image.objects)
        with Image.open(folder / "overlay.png") as overlay:
            assert overlay.width > 500


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "out").touch()
    assert run("demo", "--headless", "--out", tmp_path / "out") == 1
    assert capsys.readouterr().err.startswith("Error: cannot write into")


@pytest.mark.usefixtures("screen")
@pytest.mark.parametrize("options", [[], ["--headless"]])
def test_with_a_screen_napari_opens(tmp_path, monkeypatch, options):
    commands = []

    def record(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", record)
    assert run("demo", "--out", tmp_path, *options) == 0
    start = [sys.executable, "-m", "napari_sam.demo", str(tmp_path)]
    assert commands == [start + options]


def test_without_a_screen_there_is_no_napari_and_it_is_said(tmp_path, capsys):
    assert run("demo", "--out", tmp_path) == 0
    assert "There is no screen" in capsys.readouterr().err


@pytest.mark.usefixtures("screen")
def test_a_viewer_that_fails_is_one_line(tmp_path, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 3)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert run("demo", "--out", tmp_path) == 1
    assert "napari ended with code 3; the results are in" in capsys.readouterr().err
