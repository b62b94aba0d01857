"""A whole run on a few synthetic images: it resumes, repeats and improves."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage.io import imsave

from tilesam.errors import DatasetError, TrainingError
from tilesam.model import configs
from tilesam.model.configs import PyramidConfig, SamConfig
from tilesam.training.loop import Trainer, TrainingOptions, build_network
from tilesam.training.recipes import (
    LARGE_OBJECTS,
    ROBUST,
    Phase,
    Prompting,
    Recipe,
)
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
    data: Path,
    out: Path,
    *,
    resume: bool = False,
    stop_after: int | None = None,
    **changes: object,
) -> Trainer:
    options = TrainingOptions(seed=3, stop_after=stop_after)
    trainer = Trainer(recipe(**changes), data, out, options)
    if resume:
        trainer.resume()
    trainer.run()
    return trainer


@pytest.mark.parametrize("drop_path_rate", [0.0, 0.5])
def test_a_stopped_run_goes_on_to_the_very_same_weights(
    drop_path_rate: float, data: Path, tmp_path: Path
) -> None:
    rate = {"drop_path_rate": drop_path_rate}
    whole = train(data, tmp_path / "whole.safetensors", **rate)
    train(data, tmp_path / "parts.safetensors", stop_after=4, **rate)
    parts = train(data, tmp_path / "parts.safetensors", resume=True, **rate)
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


def test_a_new_run_begins_a_new_log(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run.safetensors"
    # Killed before its first checkpoint, a run leaves nothing but lines.
    train(data, out, stop_after=3).files.checkpoint.unlink()
    again = train(data, out)
    assert [row["step"] for row in read_log(again.files.log)] == ["3", "6"]


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_read_is_one_line(
    workers: int, data: Path, tmp_path: Path
) -> None:
    broken = shutil.copytree(data, tmp_path / "data")
    for name in ("0.png", "1.png"):
        (broken / name).write_text("no image")
    options = TrainingOptions(workers=workers)
    trainer = Trainer(recipe(), broken, tmp_path / "run.safetensors", options)
    with pytest.raises(DatasetError, match=r"^\S+[01]\.png cannot be read") as caught:
        trainer.run()
    assert "Traceback" not in str(caught.value)


def test_validation_without_objects_is_said_before_training(
    data: Path, tmp_path: Path
) -> None:
    empty = shutil.copytree(data, tmp_path / "data")
    imsave(empty / "2.labels.png", np.zeros((64, 64), np.uint8), check_contrast=False)
    with pytest.raises(DatasetError, match=r"none of the 1 validation images.*16 pix"):
        train(empty, tmp_path / "run.safetensors")


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
    torch.save({"model": {}}, trainer.files.checkpoint)
    with pytest.raises(TrainingError, match="checkpoint of no training run"):
        trainer.resume()


def test_an_unknown_architecture_is_said(data: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no architecture 'huge'"):
        Trainer(
            recipe(architecture="huge"),
            data,
            tmp_path / "run.safetensors",
            TrainingOptions(),
        )


def test_a_run_begins_with_given_weights(data: Path, tmp_path: Path) -> None:
    first = train(data, tmp_path / "first.safetensors")
    options = TrainingOptions(initial_weights=str(tmp_path / "first.safetensors"))
    second = Trainer(recipe(), data, tmp_path / "second.safetensors", options)
    for name, value in second.network.state_dict().items():
        torch.testing.assert_close(value, first.average.state[name].half().float())


def test_weights_of_another_architecture_are_refused(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(data, tmp_path / "first.safetensors", stop_after=1)
    monkeypatch.setitem(configs.CONFIGS, "other", SamConfig("other", 64, SMALL))
    options = TrainingOptions(initial_weights=str(tmp_path / "first.safetensors"))
    with pytest.raises(TrainingError, match="--architecture small-test"):
        Trainer(recipe(architecture="other"), data, tmp_path / "x", options)


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


@pytest.mark.parametrize(
    "prompting",
    [Prompting(multimask_output=False), Prompting(mask_feedback=False)],
)
def test_other_prompts_make_other_weights(
    prompting: Prompting, data: Path, tmp_path: Path
) -> None:
    usual = train(data, tmp_path / "usual.safetensors")
    other = train(data, tmp_path / "other.safetensors", prompting=prompting)
    first, second = usual.network.state_dict(), other.network.state_dict()
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_with_one_output_the_other_three_learn_nothing(
    data: Path, tmp_path: Path
) -> None:
    trainer = train(
        data,
        tmp_path / "run.safetensors",
        prompting=Prompting(multimask_output=False),
        weight_decay=0.0,
    )
    torch.manual_seed(3)
    fresh = build_network(trainer.recipe, None).state_dict()
    trained = trainer.network.state_dict()
    name = "mask_decoder.output_hypernetworks_mlps.{}.layers.2.bias"
    is_fresh = [
        torch.equal(fresh[name.format(t)], trained[name.format(t)]) for t in range(4)
    ]
    assert is_fresh == [False, True, True, True]


def test_weights_know_the_input_size_of_their_recipe(
    data: Path, tmp_path: Path
) -> None:
    from tilesam.model.checkpoints.loading import load_model

    out = tmp_path / "run.safetensors"
    train(data, out, input_size=128)
    assert load_model(out, device="cpu").input_size == 128


def test_a_run_without_some_domains_is_another_run(data: Path, tmp_path: Path) -> None:
    rows = (data / "manifest.csv").read_text().replace("train,squares", "train,odd", 1)
    folder = shutil.copytree(data, tmp_path / "data")
    (folder / "manifest.csv").write_text(rows)
    out = tmp_path / "run.safetensors"
    options = TrainingOptions(seed=3, stop_after=1, left_out=("odd",))
    trainer = Trainer(recipe(), folder, out, options)
    assert trainer.images.domains == ["squares"]
    trainer.run()
    with pytest.raises(TrainingError, match="another recipe"):
        Trainer(recipe(), folder, out, TrainingOptions(seed=3)).resume()
