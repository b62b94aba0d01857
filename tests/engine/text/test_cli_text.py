"""`napari-sam text`, `train text` and `evaluate text`, as people type them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.engine.text.test_embedded import fluorescent_nuclei
from tilesam.cli import main


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    return left.value.code


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "nuclei.png"
    Image.fromarray(fluorescent_nuclei()[0]).save(path)
    return path


def test_a_phrase_becomes_files(image, tmp_path, capsys):
    out = tmp_path / "nuclei.csv"
    code = run("text", image, "nuclei", "--out", out, "--out", tmp_path / "nuclei.tif",
               "--points-per-side", 12, "--json")  # fmt: skip
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert 10 <= document["objects"] <= 14
    assert document["notice"] is None
    header, *rows = out.read_text().splitlines()
    assert {"text_score", "score", "predicted_iou"} <= set(header.split(","))
    assert len(rows) == document["objects"]
    assert (tmp_path / "nuclei.tif").exists()


def test_masks_that_were_kept_are_not_decoded_again(image, tmp_path, capsys):
    work = tmp_path / "work"
    common = ("--work", work, "--points-per-side", 6, "--json")
    assert run("text", image, "nuclei", "--out", tmp_path / "a.csv", *common) == 0
    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.npz")}
    assert run("text", image, "leaf", "--out", tmp_path / "b.csv", *common) == 0
    assert before == {path: path.stat().st_mtime_ns for path in work.rglob("*.npz")}
    capsys.readouterr()


def test_corrections_are_taken(image, tmp_path, capsys):
    asked = ("text", image, "nuclei", "--out", tmp_path / "a.json")
    corrections = ("--negative", "leaf", "--point", 30, 40, "--negative-point", 5, 5)
    exemplar = ("--exemplar", 15, 28, 45, 52)
    settings = ("--threshold", 0.2, "--points-per-side", 6, "--json")
    code = run(*asked, *corrections, *exemplar, *settings)
    assert code == 0
    assert json.loads(capsys.readouterr().out)["threshold"] == 0.2


def test_what_is_not_known_is_said_and_nothing_is_found(image, tmp_path, capsys):
    assert run("text", image, "mitochondria", "--out", tmp_path / "a.csv") == 0
    told = capsys.readouterr()
    assert "not known to the embedded model" in told.err
    assert 'pip install "napari-sam-tiles[text]"' in told.err
    assert "organelle" in told.err
    assert "Found 0 objects" in told.out


@pytest.mark.parametrize(
    ("phrase", "more", "words"),
    [("", (), "phrase is empty"), ("x" * 10_000, (), "10000 letters"),
     ("nuclei", ("--backend", "magic"), "no text backend"),
     ("nuclei", ("--point", 9000, 1), "outside")],
)  # fmt: skip
def test_bad_questions_are_one_line_before_any_work(
    image, tmp_path, capsys, phrase, more, words
):
    assert run("text", image, phrase, "--out", tmp_path / "a.csv", *more) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert len(error) < 400


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    image, labels = fluorescent_nuclei()
    Image.fromarray(image).save(folder / "a.png")
    Image.fromarray(labels.astype(np.uint16)).save(folder / "a.labels.png")
    rows = [
        f"{split},nuclei_fluo,a.png,a.labels.png,240,240,12,made,CC0"
        for split in ("train", "val")
    ]
    header = "split,domain,image,labels,height,width,instances,source,licence"
    (folder / "manifest.csv").write_text("\n".join([header, *rows]))
    return folder


def test_weights_are_trained_and_resumed(data, tmp_path, capsys):
    out = tmp_path / "text.safetensors"
    common = ("train", "text", "--data", data, "--out", out, "--proposals", 0,
              "--scenes", 1, "--steps", 2, "--token-steps", 1, "--json")  # fmt: skip
    assert run(*common, "--stop-after", 1) == 0
    capsys.readouterr()
    assert run(*common) == 1
    assert "--resume" in capsys.readouterr().err
    assert run(*common, "--resume") == 0
    assert json.loads(capsys.readouterr().out)["step"] == 2


def test_figures_are_written(data, tmp_path, capsys):
    out = tmp_path / "figures.json"
    work = tmp_path / "work"
    assert run("evaluate", "text", "--data", data, "--json", out, "--work", work) == 0
    figures = json.loads(out.read_text())
    assert figures["retrieval of all objects"] > 0.5
    assert {row["phrase"] for row in figures["present"]} == {
        "nuclei",
        "fluorescent nuclei",
    }
    assert len(figures["absent"]) == 12  # eleven classes, and all of them
    assert (work / "val-0").is_dir()
    capsys.readouterr()


def test_train_alone_is_still_the_command_that_it_was(tmp_path, capsys):
    assert run("train", "--data", tmp_path, "--out", tmp_path / "a.safetensors") == 1
    assert "no manifest.csv" in capsys.readouterr().err
