"""A whole run on a few synthetic images: it resumes, repeats and improves."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage.io import imsave

from tilesam.errors import TrainingError
from tilesam.model import configs
from tilesam.model.configs import PyramidConfig, SamConfig
from tilesam.training.loop import Trainer, TrainingOptions
from tilesam.training.recipes import LARGE_OBJECTS, ROBUST, Phase, Recipe
from tilesam.training.run_files import read_log

SMALL = PyramidConfig(dims=(8, 8, 8, 8), depths=(1, 1, 1, 1))
ARCHITECTURE = "small-test"


def recipe(**changes: object) -> Recipe:
    phases = (
        Phase(2, 64, 2, 0, 0, zoom=LARGE_OBJECTS, dense_weight=1.0, scene_share=0.0),
        Phase(4, 64, 2, 2, 1, 1, LARGE_OBJECTS, ROBUST, 0.5, scene_share=0.0),
    )
    standard = Recipe(ARCHITECTURE, phases, warmup_steps=2, validate_every=3)
    return replace(standard, **changes)


@pytest.fixture(autouse=True)
def small_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        configs.CONFIGS, ARCHITECTURE, SamConfig(ARCHITECTURE, 64, SMALL)
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bright squares on dark ground: two images to train on, one to validate."""
    folder = tmp_path_factory.mktemp("squares")
    rows = []
    for index, split in enumerate(("train", "train", "val")):
        image = np.full((64, 64), 30, np.uint8)
        labels = np.zeros((64, 64), np.uint16)
        for number, (y, x) in enumerate(((6, 8), (30, 36)), start=1):
            square = (slice(y + index, y + index + 18), slice(x, x + 16))
            image[square], labels[square] = 200, number
        imsave(folder / f"{index}.png", image, check_contrast=False)
        imsave(folder / f"{index}.labels.png", labels, check_contrast=False)
        files = [f"{index}.png", f"{index}.labels.png"]
        rows.append([split, "squares", *files, 64, 64, 2, "made here", "CC0"])
    header = "split,domain,image,labels,height,width,instances,source,licence"
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header.split(","), *rows])
    return folder


def train(
    data: Path, out: Path, *, resume: bool = False, stop_after: int | None = None
) -> Trainer:
    options = TrainingOptions(seed=3, stop_after=stop_after)
    trainer = Trainer(recipe(), data, out, options)
    if resume:
        trainer.resume()
    trainer.run()
    return trainer


def test_a_stopped_run_goes_on_to_the_very_same_weights(
    data: Path, tmp_path: Path
) -> None:
    whole = train(data, tmp_path / "whole.safetensors")
    train(data, tmp_path / "parts.safetensors", stop_after=4)
    parts = train(data, tmp_path / "parts.safetensors", resume=True)
    assert whole.step == parts.step == 6
    first, second = (
        load_file(tmp_path / f"{name}.safetensors") for name in ("whole", "parts")
    )
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0)
    steps = [row["step"] for row in read_log(parts.files.log)]
    assert steps == sorted(set(steps), key=int)


def test_the_log_has_validation_and_the_plot_is_there(
    data: Path, tmp_path: Path
) -> None:
    trainer = train(data, tmp_path / "run.safetensors")
    validated = [row for row in read_log(trainer.files.log) if row["val_box"]]
    assert [row["step"] for row in validated] == ["3", "6"]
    assert 0 <= float(validated[-1]["val_point_oracle"]) <= 1
    assert trainer.files.plot.read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob("*.part"))


def test_the_weights_are_half_precision_and_say_what_they_are(
    data: Path, tmp_path: Path
) -> None:
    from safetensors import safe_open

    out = tmp_path / "run.safetensors"
    train(data, out)
    with safe_open(out, "pt") as file:
        metadata = file.metadata()
        tensor = file.get_tensor("mask_decoder.iou_token.weight")
    assert metadata["architecture"] == ARCHITECTURE
    assert metadata["seed"] == "3"
    assert tensor.dtype == torch.float16


def test_lines_after_the_last_checkpoint_are_dropped_on_resume(
    data: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run.safetensors"
    trainer = train(data, out, stop_after=4)
    trainer.files.append_log({"step": "5", "phase": "1", "loss": "9"})
    resumed = train(data, out, resume=True)
    losses = [row["loss"] for row in read_log(resumed.files.log)]
    assert "9" not in losses


def test_a_checkpoint_of_another_run_is_refused(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.safetensors"
    train(data, out, stop_after=1)
    other = Trainer(recipe(), data, out, TrainingOptions(seed=4))
    with pytest.raises(TrainingError, match="another recipe"):
        other.resume()


def test_a_missing_and_a_broken_checkpoint_are_said(data: Path, tmp_path: Path) -> None:
    trainer = Trainer(recipe(), data, tmp_path / "run.safetensors", TrainingOptions())
    with pytest.raises(TrainingError, match="no checkpoint"):
        trainer.resume()
    trainer.files.checkpoint.write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match="cannot be read"):
        trainer.resume()


def test_an_unknown_architecture_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no architecture 'huge'"):
        Trainer(
            recipe(architecture="huge"),
            data,
            tmp_path / "run.safetensors",
            TrainingOptions(),
        )


@pytest.mark.slow
def test_squares_are_learned(data: Path, tmp_path: Path) -> None:
    phases = (
        Phase(60, 64, 4, 0, 0, zoom=LARGE_OBJECTS, dense_weight=1.0, scene_share=0.0),
        Phase(240, 64, 4, 4, 0, 0, LARGE_OBJECTS, ROBUST, 0.5, scene_share=0.0),
    )
    chosen = recipe(phases=phases, learning_rate=1e-3, validate_every=300)
    trainer = Trainer(chosen, data, tmp_path / "run.safetensors", TrainingOptions())
    trainer.run()
    assert float(read_log(trainer.files.log)[-1]["val_box"]) > 0.5
