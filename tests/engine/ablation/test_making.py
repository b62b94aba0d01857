"""Weights are made once: killed runs go on, finished ones are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.engine.ablation.squares import plan_of
from tilesam.ablation import making
from tilesam.ablation.making import Place, place_of, train_variant
from tilesam.ablation.variants import BUILT_IN, FULL, Variant

WITHOUT = Variant("without-faint", "", left_out=("faint",))


class KilledError(Exception):
    pass


def kill_at(step: int):
    def report(done: int, _total: int) -> None:
        if done == step:
            raise KilledError

    return report


def forbid_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise AssertionError("it was trained again")

    monkeypatch.setattr(making, "Trainer", refuse)


def test_a_finished_variant_is_not_trained_again(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, place = plan_of(squares), Place(tmp_path / "run")
    steps = []
    first = train_variant(
        *(plan, FULL, 7, place),
        progress=lambda done, total: steps.append((done, total)),
    )
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (first["seed"], first["steps"], first["left_out"]) == (7, 4, [])
    assert first["cpu_seconds"] > 0
    # The checkpoint is several times as large as the weights.
    assert not list(place.folder.glob("*.pt"))
    forbid_training(monkeypatch)
    assert train_variant(plan, FULL, 7, place) == first


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_a_killed_run_comes_to_the_very_same_weights(
    killed_at: int, squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "CHECKPOINT_EVERY", 2)
    plan = plan_of(squares)
    whole, parts = Place(tmp_path / "whole"), Place(tmp_path / "parts")
    train_variant(plan, WITHOUT, 0, whole)
    with pytest.raises(KilledError):
        train_variant(plan, WITHOUT, 0, parts, progress=kill_at(killed_at))
    assert parts.read_record() is None
    steps = []
    train_variant(
        *(plan, WITHOUT, 0, parts), progress=lambda done, _: steps.append(done)
    )
    assert steps == ([3, 4] if killed_at == 3 else [1, 2, 3, 4])
    first, second = load_file(whole.weights), load_file(parts.weights)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0)


def test_killed_between_weights_and_record_nothing_is_lost(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, place = plan_of(squares), Place(tmp_path / "run")

    def die(_path: Path) -> object:
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(making, "written_whole", die)
        with pytest.raises(KilledError):
            train_variant(plan, FULL, 0, place)
    assert place.weights.exists()
    steps = []
    train_variant(*(plan, FULL, 0, place), progress=lambda done, _: steps.append(done))
    assert steps == []  # all of them are in the checkpoint
    assert place.read_record() is not None


@pytest.mark.parametrize("damage", ["no weights", "other weights", "broken record"])
def test_what_is_damaged_is_made_again(
    damage: str, squares: Path, tmp_path: Path
) -> None:
    plan, place = plan_of(squares), Place(tmp_path / "run")
    train_variant(plan, FULL, 0, place)
    first = load_file(place.weights)
    if damage == "no weights":
        place.weights.unlink()
    elif damage == "other weights":
        place.weights.write_bytes(place.weights.read_bytes() + b"\0")
    else:
        place.record.write_text("[]")
    assert place.read_record() is None
    train_variant(plan, FULL, 0, place)
    assert place.read_record() is not None
    for name, value in load_file(place.weights).items():
        torch.testing.assert_close(value, first[name], rtol=0, atol=0)


def test_variants_make_different_weights_of_one_seed(
    squares: Path, tmp_path: Path
) -> None:
    variants = [FULL, *BUILT_IN, WITHOUT, Variant("size-128", "", input_size=128)]
    records = [
        train_variant(plan_of(squares), variant, 0, Place(tmp_path / variant.name))
        for variant in variants
    ]
    assert len({record["weights_sha256"] for record in records}) == len(variants)
    assert "multimask_output=False" in records[1]["recipe"]
    assert records[4]["left_out"] == ["faint"]
    kept = json.loads((tmp_path / "full" / "finished.json").read_text())
    assert kept == records[0]


def test_places_have_names_that_every_file_system_takes(tmp_path: Path) -> None:
    odd = Variant("without-a/b: c*" + "d" * 300, "")
    place = place_of(tmp_path, odd, 3, "0123456789abcdef")
    assert place.folder.parent == tmp_path
    assert place.folder.name.startswith("without-a_b__c_d")
    assert place.folder.name.endswith("d-seed-3-0123456789ab")
    assert len(place.folder.name) < 120
