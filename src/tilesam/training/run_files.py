"""The files of a run besides its weights: checkpoint, log and plot.

Everything is written under another name first and then renamed, so that a killed run
leaves either the old or the new file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from tilesam.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path


LOG_COLUMNS = (
    "step",
    "phase",
    "learning_rate",
    "loss",
    "dense_loss",
    "iou_point",
    "iou_box",
    "iou_error",
    "val_box",
    "val_point",
    "val_point_oracle",
    "cpu_seconds",
)

PLOTTED = (
    ("loss", "dense_loss"),
    ("iou_point", "iou_box"),
    ("val_box", "val_point", "val_point_oracle"),
)


@dataclass(frozen=True)
class RunFiles:
    """Where the files of the run that makes `weights` lie: beside it.

    Parameters
    ----------
    weights
        The finished file, `*.safetensors`.
    """

    weights: Path

    @property
    def checkpoint(self) -> Path:
        """All that is needed to go on."""
        return self.weights.with_suffix(".checkpoint.pt")

    @property
    def log(self) -> Path:
        """One line of figures every few steps."""
        return self.weights.with_suffix(".log.csv")

    @property
    def plot(self) -> Path:
        """The log, drawn."""
        return self.weights.with_suffix(".png")

    def save_checkpoint(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint by a new one."""
        partial = self.checkpoint.with_suffix(".part")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def load_checkpoint(self) -> dict[str, Any]:
        """Return what `save_checkpoint` was given.

        Raises
        ------
        TrainingError
            If there is no checkpoint, or it cannot be read.
        """
        if not self.checkpoint.exists():
            raise TrainingError(
                f"there is no checkpoint {self.checkpoint} to resume from; leave out "
                "--resume to start a new run"
            )
        try:
            state: dict[str, Any] = torch.load(
                self.checkpoint, map_location="cpu", weights_only=True
            )
        except (RuntimeError, EOFError, OSError, ValueError, UnpicklingError) as error:
            raise TrainingError(
                f"the checkpoint {self.checkpoint} cannot be read ({error}); move it "
                "away and start a new run"
            ) from error
        return state

    def append_log(self, row: dict[str, float | str]) -> None:
        """Add a line to the log; the first one comes with a header."""
        is_new = not self.log.exists()
        with self.log.open("a", newline="") as file:
            writer = csv.DictWriter(file, LOG_COLUMNS, restval="")
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def truncate_log(self, step: int) -> None:
        """Drop the lines that a killed run wrote after its last checkpoint."""
        rows = [row for row in read_log(self.log) if int(row["step"]) <= step]
        partial = self.log.with_suffix(".part")
        with partial.open("w", newline="") as file:
            writer = csv.DictWriter(file, LOG_COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(self.log)


def read_log(path: Path) -> list[dict[str, str]]:
    """Return the lines of a log, oldest first; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def plot_log(log: Path, plot: Path) -> None:
    """Draw losses, training IoU and validation IoU over the steps.

    Does nothing where matplotlib is not installed: the log has all figures.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return
    rows = read_log(log)
    figure = Figure(figsize=(7, 8), layout="constrained")
    axes = figure.subplots(len(PLOTTED), sharex=True)
    for axis, columns in zip(axes, PLOTTED, strict=True):
        for column in columns:
            points = [
                (int(row["step"]), float(row[column])) for row in rows if row[column]
            ]
            axis.plot(
                *(zip(*points, strict=True) if points else ([], [])), label=column
            )
        axis.legend()
        axis.grid(alpha=0.3)
    axes[-1].set_xlabel("step")
    figure.savefig(plot, dpi=110)
