"""A whole run on squares: it resumes, repeats and improves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from tests.engine.model.refining.scripted import TINY, tiny_network
from tests.engine.training.refining.squares import model, names, sample
from tilesam.errors import CheckpointError, TrainingError
from tilesam.model.checkpoints.refiner_weights import (
    REFINES_KEY,
    load_refiner,
    save_refiner,
)
from tilesam.training.recipes import Recipe
from tilesam.training.refining import run as module
from tilesam.training.refining import sizes
from tilesam.training.refining.answers import DecoderAnswers
from tilesam.training.refining.corrections import CorrectionDraw
from tilesam.training.refining.records import RegionDraw
from tilesam.training.refining.run import (
    RefinerOptions,
    RefinerTrainer,
    refiner_recipe,
)
from tilesam.training.run_files import plot_log, read_log

IMAGES = [sample(), sample([(6, 20, 40, 44)]), sample([(10, 10, 30, 52)])]


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log often enough for short runs, and draw the log only where it is looked at."""
    monkeypatch.setattr(module, "LOG_EVERY", 2)
    monkeypatch.setattr(sizes, "LEAST_SIDE", 30)
    monkeypatch.setattr(module, "plot_log", lambda *_: None)


def recipe(steps: int = 8, **changes: object) -> Recipe:
    standard = refiner_recipe(steps=steps, batch_size=3)
    return replace(standard, **({"bfloat16": False} | changes))


def trainer(
    out: Path,
    *,
    images=None,
    digest: str = "0",
    chosen: Recipe | None = None,
    **options: object,
) -> RefinerTrainer:
    answers = DecoderAnswers(model(digest), images or IMAGES)
    given = {"config": TINY, "seed": 3, "large_every": 3} | options
    return RefinerTrainer(answers, out, chosen or recipe(), RefinerOptions(**given))


def train(out: Path, *, resume: bool = False, **options: object) -> RefinerTrainer:
    found = trainer(out, **options)
    if resume:
        found.resume()
    found.run()
    return found


def assert_equal_files(first: Path, second: Path) -> None:
    one, other = load_file(first), load_file(second)
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(other[name], value), name


@pytest.mark.parametrize(
    ("stops", "bfloat16"),
    [((1,), False), ((5,), True), ((2, 3, 7), False), ((8,), False)],
)
def test_a_stopped_run_goes_on_to_the_very_same_weights(
    stops: tuple[int, ...], bfloat16: bool, tmp_path: Path
) -> None:
    chosen = recipe(bfloat16=bfloat16)
    whole = train(tmp_path / "whole.safetensors", chosen=chosen)
    parts = tmp_path / "parts.safetensors"
    for number, stop in enumerate(stops):
        stopped = train(parts, resume=number > 0, stop_after=stop, chosen=chosen)
        assert stopped.step == stop
    resumed = train(parts, resume=True, chosen=chosen)
    assert whole.step == resumed.step == 8
    assert_equal_files(whole.files.weights, parts)
    for name, value in whole.network.state_dict().items():
        assert torch.equal(resumed.network.state_dict()[name], value)
    steps = [int(row["step"]) for row in read_log(resumed.files.log)]
    assert steps == sorted(set(steps))


def test_a_run_that_is_killed_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path / "whole.safetensors")
    monkeypatch.setattr(module, "CHECKPOINT_EVERY", 3)
    out = tmp_path / "killed.safetensors"

    def kill(step: int, *_: object) -> None:
        if step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(out).run(kill)
    assert not out.exists()
    resumed = trainer(out)
    resumed.resume()
    assert resumed.step == 3
    resumed.run()
    assert_equal_files(tmp_path / "whole.safetensors", out)
    assert [row["step"] for row in read_log(resumed.files.log)][-1] == "8"


def test_equal_seeds_make_equal_weights_and_others_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        train(tmp_path / f"{name}.safetensors", seed=seed)
    assert_equal_files(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    with pytest.raises(AssertionError):
        assert_equal_files(tmp_path / "a.safetensors", tmp_path / "c.safetensors")


def test_processes_make_no_difference(tmp_path: Path) -> None:
    train(tmp_path / "a.safetensors", stop_after=2)
    train(tmp_path / "b.safetensors", stop_after=2, workers=1)
    assert_equal_files(tmp_path / "a.safetensors", tmp_path / "b.safetensors")


def test_a_run_leaves_its_files_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "plot_log", plot_log)
    done = train(tmp_path / "run.safetensors")
    assert names(tmp_path) == [
        "run.checkpoint.pt",
        "run.log.csv",
        "run.png",
        "run.safetensors",
    ]
    rows = read_log(done.files.log)
    assert [row["step"] for row in rows] == ["2", "4", "6", "8"]
    for row in rows:
        assert float(row["loss"]) > 0
        assert float(row["learning_rate"]) > 0
        assert row["iou_box"] or row["iou_point"]
    assert done.files.plot.read_bytes().startswith(b"\x89PNG")


def test_the_weights_say_how_they_were_made_and_what_they_refine(
    tmp_path: Path,
) -> None:
    done = train(tmp_path / "run.safetensors", digest="7", stop_after=2)
    with safe_open(done.files.weights, "pt") as file:
        about = file.metadata()
    assert about[REFINES_KEY] == "7" * 64
    assert about["seed"] == "3"
    assert about["steps"] == "2"
    assert about["initial_weights"] == "random"
    assert "learning_rate" in about["recipe"]
    network = load_refiner(done.files.weights)
    assert network.config == TINY
    for name, value in done.averaged().state_dict().items():
        torch.testing.assert_close(
            network.state_dict()[name], value, rtol=1e-3, atol=1e-4
        )


def test_progress_is_told_of_every_step(tmp_path: Path) -> None:
    told = []
    trainer(tmp_path / "run.safetensors").run(lambda *now: told.append(now))
    assert [step for step, _, _ in told] == list(range(1, 9))
    assert {total for _, total, _ in told} == {8}
    assert all("loss" in figures for _, _, figures in told)


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 4},
        {"chosen": recipe(steps=9)},
        {"chosen": recipe(learning_rate=1e-4)},
        {"images": [sample()]},
        {"regions": RegionDraw(box_share=0.1)},
        {"large_every": 2},
        {"corrections": CorrectionDraw(earlier_shown=0.1)},
        {"config": replace(TINY, dims=(4, 4, 4, 8))},
        {"digest": "1"},
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    other: dict[str, object], tmp_path: Path
) -> None:
    out = tmp_path / "run.safetensors"
    train(out, stop_after=1)
    with pytest.raises(TrainingError, match="belongs to another recipe"):
        trainer(out, **other).resume()
    trainer(out).resume()


def test_a_checkpoint_of_other_first_weights_is_refused(tmp_path: Path) -> None:
    first, out = tmp_path / "first.safetensors", tmp_path / "run.safetensors"
    save_refiner(tiny_network(), first)
    train(out, stop_after=1)
    with pytest.raises(TrainingError, match="belongs to another recipe"):
        trainer(out, initial_weights=first).resume()


def test_a_missing_and_a_broken_checkpoint_are_said(tmp_path: Path) -> None:
    begun = trainer(tmp_path / "run.safetensors")
    with pytest.raises(TrainingError, match="no checkpoint"):
        begun.resume()
    begun.files.checkpoint.write_bytes(b"not a checkpoint")
    with pytest.raises(TrainingError, match="cannot be read"):
        begun.resume()


def test_a_run_begins_with_given_weights_of_whatever_size(tmp_path: Path) -> None:
    first = tmp_path / "first.safetensors"
    config = replace(TINY, size=48, dims=(4, 4, 6, 6))
    save_refiner(tiny_network(5, config), first)
    begun = trainer(tmp_path / "run.safetensors", initial_weights=first)
    for name, value in load_refiner(first).state_dict().items():
        assert torch.equal(begun.network.state_dict()[name], value)
    # What they know are regions of their own size.
    assert begun.regions.usual[0].mask.shape == (48, 48)
    begun.run()
    assert load_refiner(begun.files.weights).config == config


def test_first_weights_that_are_missing_are_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"there is no file .*nowhere"):
        trainer(tmp_path / "a.safetensors", initial_weights=tmp_path / "nowhere")


def test_the_standard_network_has_the_standard_regions(tmp_path: Path) -> None:
    options = RefinerOptions()
    answers = DecoderAnswers(model(), IMAGES)
    begun = RefinerTrainer(answers, tmp_path / "a.safetensors", recipe(), options)
    size = begun.network.config.size
    assert begun.regions.usual[0].mask.shape == (size, size)
    assert begun.recipe.phases[0].size == size


def test_squares_are_learned(tmp_path: Path) -> None:
    # Bright on dark is learned in seconds; nothing but gradients can do it.
    chosen = recipe(steps=80, learning_rate=2e-2)
    chosen = replace(chosen, phases=(replace(chosen.phases[0], batch_size=8),))
    ious: list[float] = []

    def report(_step: int, _total: int, figures: dict[str, float]) -> None:
        if "iou_box" in figures:
            ious.append(figures["iou_box"])

    out = tmp_path / "run.safetensors"
    trainer(out, chosen=chosen, large_every=0).run(report)
    assert sum(ious[:5]) / 5 < 0.4
    assert sum(ious[-10:]) / 10 > 0.65
