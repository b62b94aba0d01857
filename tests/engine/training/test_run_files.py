from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from tilesam.errors import OutputError, TrainingError
from tilesam.training.run_files import RunFiles, plot_log, read_log


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(tmp_path / "new.safetensors")


def test_everything_lies_beside_the_weights(files: RunFiles, tmp_path: Path) -> None:
    assert files.checkpoint == tmp_path / "new.checkpoint.pt"
    assert files.log == tmp_path / "new.log.csv"
    assert files.plot == tmp_path / "new.png"


def test_a_checkpoint_is_read_as_it_was_written(files: RunFiles) -> None:
    state = {"identity": "a run", "step": 7, "weights": torch.arange(3.0)}
    files.save_checkpoint(state)
    loaded = files.load_checkpoint()
    torch.testing.assert_close(loaded.pop("weights"), state.pop("weights"))
    assert loaded == state


def test_on_a_full_disk_the_last_checkpoint_stays(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.save_checkpoint({"identity": "a run", "step": 1})

    def fail(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672]")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(OutputError, match=r"cannot write .*new\.checkpoint\.pt"):
        files.save_checkpoint({"identity": "a run", "step": 2})
    assert files.load_checkpoint()["step"] == 1
    assert list(files.log.parent.iterdir()) == [files.checkpoint]


def test_a_file_with_code_is_no_checkpoint(files: RunFiles) -> None:
    torch.save({"identity": Path("code")}, files.checkpoint)
    with pytest.raises(TrainingError, match="cannot be read"):
        files.load_checkpoint()


def test_the_log_keeps_what_came_before_the_checkpoint(files: RunFiles) -> None:
    for step in (10, 20, 30):
        files.append_log({"step": str(step), "loss": "0.5"})
    files.truncate_log(20)
    files.append_log({"step": "25", "val_box": "0.25"})
    rows = read_log(files.log)
    assert [row["step"] for row in rows] == ["10", "20", "25"]
    assert (rows[0]["loss"], rows[0]["val_box"]) == ("0.5", "")
    assert (rows[2]["loss"], rows[2]["val_box"]) == ("", "0.25")


def test_without_matplotlib_the_plot_is_left_out_and_it_is_said(
    files: RunFiles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files.append_log({"step": "10", "loss": "0.5"})
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    plot_log(files.log, files.plot)
    assert not files.plot.exists()
    assert "napari-sam-tiles[train]" in caplog.text
