"""The command `ablate`: errors in one line, and a study of a few steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.ablation.squares import write_squares
from tilesam.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["ablate", *arguments])
    return int(stop.value.code or 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_squares(tmp_path / "data")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (
            ["--only", "two-outputs"],
            1,
            "no variant 'two-outputs'; there are full, one-",
        ),
        (["--leave-out", "leaf"], 1, "there are bright, faint"),
        (["--leave-out", "bright,faint"], 1, "no rows are left"),
        (["--sizes", "100"], 1, "input size is 100"),
        (["--sizes", "1,x"], 2, "--sizes is 1,x; expected whole numbers"),
        (["--seeds=-1"], 2, "--seeds is -1; expected whole numbers"),
        (["--steps", "2"], 1, "expected at least 3"),
        (["--init", "nothing"], 1, "no model is named 'nothing'"),
        (["--device", "abacus"], 1, "abacus"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str],
    code: int,
    message: str,
    data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = data.parent / "out"
    assert run("--data", str(data), "--out", str(out), *options) == code
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]
    assert not out.exists()


def test_a_missing_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nothing"
    assert run("--data", str(missing), "--out", str(tmp_path / "out")) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert str(missing) in lines[0]


def test_a_study_of_a_few_steps_writes_a_report_and_goes_on_from_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    options = ["--data", str(data), "--out", str(out), "--steps", "3"]
    options += ["--input-size", "64", "--only", "one-output,without-bright"]
    options += ["--leave-out", "bright", "--limit-per-domain", "1", "--threads", "1"]
    options += ["--seeds", "123456789"]
    assert run(*options) == 0
    shown = capsys.readouterr().out
    assert "| without-bright | bright | 1 | 2 |" in shown
    assert "| one-output | the single mask answers a point" in shown
    assert "one seed: how much another seed alone" in shown
    report = (out / "report.md").read_text()
    assert "| without-bright | bright | 1 | 2 |" in report
    assert "- steps: 3" in report
    weights = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*.safe*")}
    assert len(weights) == 3
    assert run(*options, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document == json.loads((out / "result.json").read_text())
    assert [variant["name"] for variant in document["variants"]] == [
        *("full", "one-output", "without-bright")
    ]
    assert {path: path.stat().st_mtime_ns for path in weights} == weights
