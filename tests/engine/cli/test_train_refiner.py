from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.engine.model.refining.scripted import TINY
from tests.engine.training.refining.squares import names, sample
from tilesam.cli import main
from tilesam.model import configs
from tilesam.model.checkpoints.loading import load_model
from tilesam.model.checkpoints.refiner_weights import refiner_path
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import SamConfig
from tilesam.testing.models import SMALLEST_ENCODER, tiny_random_model


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["train", "refiner", *map(str, arguments)])
    return int(stop.value.code or 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    from skimage.io import imsave

    folder = tmp_path / "data"
    folder.mkdir()
    lines = ["split,domain,image,labels,height,width,instances,source,licence"]
    for name, split in (("a", "train"), ("b", "train"), ("c", "val")):
        picture = sample()
        imsave(folder / f"{name}.png", picture.image, check_contrast=False)
        labels = picture.label_layers[0].astype(np.uint8)
        imsave(folder / f"{name}.labels.png", labels, check_contrast=False)
        lines.append(f"{split},d,{name}.png,{name}.labels.png,64,64,2,s,CC0")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of a small model with random weights."""
    config = SamConfig("small-test", 64, SMALLEST_ENCODER)
    monkeypatch.setitem(configs.CONFIGS, "small-test", config)
    network = tiny_random_model(0).network
    network.config = config
    path = tmp_path / "mine.safetensors"
    save_weights(network, path)
    return path


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train a network that runs in a millisecond."""
    from tilesam.training.refining import run as module

    options = partial(module.RefinerOptions, config=TINY)
    monkeypatch.setattr(module, "RefinerOptions", options)


@pytest.fixture
def options(data: Path, weights: Path) -> list[str | Path]:
    return [
        *("--data", data, "--model", weights, "--scenes", "0"),
        *("--steps", "2", "--batch-size", "2", "--threads", "1"),
    ]


def only_line(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_a_run_makes_weights_that_the_model_uses(
    options: list[str | Path], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = refiner_path(weights)
    assert load_model(weights, device="cpu").refiner is None
    assert run(*options, "--out", out, "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "weights": str(out),
        "step": 2,
        "log": str(out.with_suffix(".log.csv")),
    }
    model = load_model(weights, device="cpu")
    assert model.refiner is not None
    assert len(names(out.with_suffix(".answers"))) == 2  # the images to train on


@pytest.mark.usefixtures("tiny")
def test_a_stopped_run_goes_on_with_resume_and_not_without(
    options: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "a.safetensors"
    work = tmp_path / "kept"
    options += ["--work", work, "--json"]
    assert run(*options, "--out", out, "--stop-after", "1") == 0
    assert json.loads(capsys.readouterr().out)["step"] == 1
    kept = names(work)
    assert run(*options, "--out", out) == 1
    assert "add --resume" in only_line(capsys)
    assert run(*options, "--out", out, "--resume") == 0
    assert json.loads(capsys.readouterr().out)["step"] == 2
    assert names(work) == kept

    whole = tmp_path / "whole.safetensors"
    assert run(*options, "--out", whole) == 0
    from safetensors.torch import load_file

    one, other = load_file(out), load_file(whole)
    assert all((one[name] == other[name]).all() for name in one)

    capsys.readouterr()
    assert run(*options, "--out", out, "--resume", "--seed", "1") == 1
    assert "belongs to another recipe" in only_line(capsys)


@pytest.mark.usefixtures("tiny")
def test_a_run_begins_with_given_weights(
    options: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert run(*options, "--out", first, "--stop-after", "1") == 0
    assert "after step 1" in capsys.readouterr().out
    assert run(*options, "--out", out, "--init", first, "--stop-after", "1") == 0
    assert out.exists()
    capsys.readouterr()
    missing = tmp_path / "nowhere.safetensors"
    third = tmp_path / "third.safetensors"
    assert run(*options, "--out", third, "--init", missing) == 1
    assert f"there is no file {missing}" in only_line(capsys)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("w.pt", "ends in .safetensors"),
        ("data/a.png/w.safetensors", "cannot write "),
        ("folder.safetensors", "cannot write "),
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_anything_is_asked(
    out: str,
    message: str,
    options: list[str | Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert run(*options, "--out", tmp_path / out) == 1
    assert message in only_line(capsys)
    assert sorted(tmp_path.rglob("*")) == before


def test_resume_without_a_checkpoint_is_one_line(
    options: list[str | Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*options, "--out", tmp_path / "w.safetensors", "--resume") == 1
    assert "no checkpoint" in only_line(capsys)


def test_missing_data_and_an_unknown_model_are_one_line(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "w.safetensors"
    missing = tmp_path / "nothing"
    assert run("--data", missing, "--out", out, "--scenes", "0") == 1
    assert str(missing) in only_line(capsys)
    unknown = ["--data", data, "--out", out, "--model", "abacus", "--scenes", "0"]
    assert run(*unknown) == 1
    assert "abacus" in only_line(capsys)


@pytest.mark.parametrize(
    "option", [("--steps", "0"), ("--batch-size", "1"), ("--scenes", "-1")]
)
def test_numbers_that_are_too_small_are_wrong_usage(
    option: tuple[str, str], options: list[str | Path], tmp_path: Path
) -> None:
    assert run(*options, "--out", tmp_path / "w.safetensors", *option) == 2
