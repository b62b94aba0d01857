"""A whole study on squares: trained, measured, compared, and gone on with."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.engine.ablation.squares import plan_of
from tilesam.ablation import making, study
from tilesam.ablation.document import ONE_SEED
from tilesam.ablation.study import run_study
from tilesam.ablation.variants import BUILT_IN, Variant
from tilesam.cli.output import to_plain
from tilesam.errors import DatasetError, OutputError
from tilesam.evaluation.reporting.document import Document

WITHOUT = Variant("without-faint", "not trained on faint", left_out=("faint",))
SMALLER = Variant("size-128", "an input of 128 pixels", input_size=128)
ONE_OUTPUT = BUILT_IN[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture
def found(squares: Path, folder: Path) -> Document:
    """Trained once, for the first test that asks; found in the folder by the others."""
    plan = plan_of(squares, ONE_OUTPUT, WITHOUT, SMALLER, seeds=(0, 1))
    return run_study(plan, folder)


def test_the_document_has_every_variant_and_seed(found: Document) -> None:
    variants = found.figures["variants"]
    names = ["full", "one-output", "without-faint", "size-128"]
    assert [variant["name"] for variant in variants] == names
    for variant in variants:
        assert [run["seed"] for run in variant["runs"]] == [0, 1]
        for run in variant["runs"]:
            assert len(run["objects"]) == 2 * 3 * 2
            assert [domain["domain"] for domain in run["domains"]] == [
                "bright",
                "faint",
            ]
            assert Path(run["weights"]).is_file()
    assert found.provenance["seeds"] == [0, 1]
    assert found.provenance["protocol"] == "ablations"
    assert ONE_SEED not in found.notes
    assert len(found.notes) == 3


def test_means_are_those_of_the_objects(found: Document) -> None:
    for variant in found.figures["variants"]:
        rows = [row for run in variant["runs"] for row in run["objects"]]
        for name in ("box", "oracle"):
            by_domain = [
                np.mean([r["scores"][name] for r in rows if r["domain"] == domain])
                for domain in ("bright", "faint")
            ]
            mean = variant["mean_over_domains"][name]
            assert mean == pytest.approx(np.mean(by_domain))


def test_differences_are_those_of_the_means(found: Document) -> None:
    full, *others = found.figures["variants"]
    assert full["differences"] == {}
    for variant in others:
        *domains, mean = variant["differences"]["three_points"]
        assert [row["domain"] for row in domains] == ["bright", "faint"]
        own = variant["mean_over_domains"]["three_points"]
        expected = own - full["mean_over_domains"]["three_points"]
        assert mean["interval"]["mean"] == pytest.approx(expected, abs=1e-9)


def test_with_one_output_the_best_answer_is_the_only_one(found: Document) -> None:
    for variant in found.figures["variants"]:
        rows = [row["scores"] for run in variant["runs"] for row in run["objects"]]
        is_one = all(row["oracle"] == row["point"] for row in rows)
        assert is_one == (variant["name"] == "one-output")


def test_tables_are_of_all_left_out_and_seeds(found: Document) -> None:
    titles = [table.title.split(",")[0].split(":")[0] for table in found.tables]
    assert titles == [
        *("IoU", "Difference to the full training"),
        *("Domains left out", "Difference by seed"),
    ]
    left_out = found.tables[2]
    assert [row[1:4] for row in left_out.rows] == [
        ["faint", 3, 6],
        ["all others", 3, 6],
    ]


def test_everything_can_be_written_as_json(found: Document) -> None:
    json.dumps(to_plain(found.to_plain()), allow_nan=False)


def test_what_is_finished_is_neither_trained_nor_asked_again(
    found: Document, squares: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise AssertionError("it was done again")

    monkeypatch.setattr(making, "Trainer", refuse)
    monkeypatch.setattr("tilesam.model.runtime.SamModel.decode", refuse)
    plan = plan_of(squares, ONE_OUTPUT, WITHOUT, SMALLER, seeds=(0, 1))
    again = run_study(plan, folder)
    assert to_plain(again.to_plain()) == to_plain(found.to_plain())


def test_more_of_a_study_trains_only_what_is_new(
    found: Document, squares: Path, folder: Path
) -> None:
    shown = []

    @contextmanager
    def bar(title: str):
        steps = []
        yield lambda done, total: steps.append((done, total))
        shown.append((title, steps))

    no_scenes = BUILT_IN[2]
    run_study(plan_of(squares, no_scenes), folder, bar=bar)
    assert [title for title, _ in shown] == [
        *("Training 1/2 full, seed 0", "Measuring 1/2 full, seed 0"),
        *("Training 2/2 no-scenes, seed 0", "Measuring 2/2 no-scenes, seed 0"),
    ]
    assert shown[0][1] == []
    assert shown[2][1] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert shown[3][1][-1] == (12, 12)


def test_one_seed_says_that_it_is_one(squares: Path, folder: Path) -> None:
    alone = run_study(plan_of(squares), folder)
    assert alone.notes == [ONE_SEED]
    assert [table.title.split(",")[0] for table in alone.tables] == ["IoU"]


def test_no_validation_split_is_said_before_training(
    squares: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "train_variant", None)
    data = shutil.copytree(squares, tmp_path / "data")
    rows = (data / "manifest.csv").read_text().replace("\nval,", "\ntrain,")
    (data / "manifest.csv").write_text(rows)
    with pytest.raises(DatasetError, match=r"no rows of split 'val'.*are: train"):
        run_study(plan_of(data), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_validation_without_objects_is_said_before_training(
    squares: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(squares, tmp_path / "data")
    for path in data.glob("*-[234].labels.png"):
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    with pytest.raises(DatasetError, match="none of the 6 validation images"):
        run_study(plan_of(data), tmp_path / "out")


def test_a_place_that_cannot_be_written_is_said(squares: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(OutputError, match="is a file"):
        run_study(plan_of(squares), tmp_path / "out")
