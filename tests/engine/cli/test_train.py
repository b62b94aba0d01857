from __future__ import annotations

import json
from pathlib import Path

import pytest

from tilesam.cli import main


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["train", *arguments])
    return int(stop.value.code or 0)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    import numpy as np
    from skimage.io import imsave

    folder = tmp_path / "data"
    folder.mkdir()
    labels = np.zeros((64, 64), np.uint8)
    labels[10:40, 10:40] = 1
    imsave(folder / "a.png", labels * 200, check_contrast=False)
    imsave(folder / "a.labels.png", labels, check_contrast=False)
    header = "split,domain,image,labels,height,width,instances,source,licence"
    lines = [
        f"{split},d,a.png,a.labels.png,64,64,1,s,CC0" for split in ("train", "val")
    ]
    (folder / "manifest.csv").write_text("\n".join([header, *lines]))
    return folder


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--out", "w.pt"], "ends in .safetensors"),
        (["--out", "w.safetensors", "--recipe", "quick"], "no recipe 'quick'"),
        (["--out", "w.safetensors", "--architecture", "huge"], "no architecture"),
        (["--out", "w.safetensors", "--resume"], "no checkpoint"),
        (["--out", "w.safetensors", "--device", "abacus"], "abacus"),
    ],
)
def test_wrong_options_are_one_line(
    options: list[str],
    message: str,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(data.parent)
    assert run("--data", str(data), *options) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


@pytest.mark.parametrize("out", ["data/a.png/w.safetensors", "folder.safetensors"])
def test_a_place_that_cannot_be_written_is_said_before_training(
    out: str,
    data: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(data.parent)
    (data.parent / "folder.safetensors").mkdir()
    assert run("--data", str(data), "--out", out, "--recipe", "smoke") == 1
    assert capsys.readouterr().err.startswith("Error: cannot write ")
    assert not list(data.parent.glob("**/*.csv.part"))
    assert not list(data.parent.glob("**/*.log.csv"))


def test_a_missing_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "nothing"
    assert run("--data", str(missing), "--out", str(tmp_path / "w.safetensors")) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert str(missing) in lines[0]


def test_a_smoke_run_writes_weights_that_load(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tilesam.model.checkpoints.loading import load_model

    out = tmp_path / "run" / "w.safetensors"
    options = ["--data", str(data), "--out", str(out), "--recipe", "smoke", "--json"]
    assert run(*options, "--stop-after", "3") == 0
    assert json.loads(capsys.readouterr().out)["step"] == 3
    assert run(*options) == 1
    assert "--resume" in capsys.readouterr().err
    assert run(*options, "--resume") == 0
    assert json.loads(capsys.readouterr().out)["step"] == 6
    assert load_model(out, device="cpu").input_size == 512
