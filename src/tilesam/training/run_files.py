"""The files of a run besides its weights: checkpoint, log and plot.

Checkpoint and plot are replaced as a whole and the log grows by whole lines, so that a
killed run leaves files that can be read.
"""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch

from tilesam.errors import TrainingError
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

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
        """Replace the checkpoint by a new one.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with written_whole(self.checkpoint) as partial:
            try:
                torch.save(state, partial)
            except RuntimeError as error:  # what torch makes of a full disk
                raise OSError(str(error)) from error

    def require_checkpoint(self) -> None:
        """Make sure that there is something to go on from.

        Raises
        ------
        TrainingError
            If there is no checkpoint.
        """
        if not self.checkpoint.exists():
            raise TrainingError(
                f"there is no checkpoint {self.checkpoint} to resume from; leave out "
                "--resume to start a new run"
            )

    def load_checkpoint(self) -> dict[str, Any]:
        """Return what `save_checkpoint` was given.

        Raises
        ------
        TrainingError
            If there is no checkpoint, or the file is none.
        """
        self.require_checkpoint()
        try:
            state: Any = torch.load(
                self.checkpoint, map_location="cpu", weights_only=True
            )
        except (RuntimeError, EOFError, OSError, ValueError, UnpicklingError) as error:
            raise self._unreadable(str(error)) from error
        if not isinstance(state, dict) or "identity" not in state:
            raise self._unreadable("it is the checkpoint of no training run")
        return state

    def _unreadable(self, reason: str) -> TrainingError:
        return TrainingError(
            f"the checkpoint {self.checkpoint} cannot be read ({reason}); move it "
            "away and start a new run"
        )

    def append_log(self, row: dict[str, float | str]) -> None:
        """Add a line to the log; the first one comes with a header."""
        is_new = not self.log.exists()
        with self.log.open("a", newline="") as file:
            writer = csv.DictWriter(file, LOG_COLUMNS, restval="")
            if is_new:
                writer.writeheader()
            writer.writerow(row)

    def truncate_log(self, step: int) -> None:
        """Drop the lines that a killed run wrote after its last checkpoint.

        At step 0 these are all lines.
        """
        rows = [row for row in read_log(self.log) if int(row["step"]) <= step]
        with (
            written_whole(self.log) as partial,
            partial.open("w", newline="") as file,
        ):
            writer = csv.DictWriter(file, LOG_COLUMNS, restval="")
            writer.writeheader()
            writer.writerows(rows)


def read_log(path: Path) -> list[dict[str, str]]:
    """Return the lines of a log, oldest first; none if there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def plot_log(log: Path, plot: Path) -> None:
    """Draw losses, training IoU and validation IoU over the steps.

    Where matplotlib is not installed it only says so: the log has all figures.

    Raises
    ------
    OutputError
        If the plot cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        logger.warning(
            "%s was not drawn: matplotlib is not installed; it comes with "
            "napari-sam-tiles[train]",
            plot,
        )
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
    with written_whole(plot) as partial:
        figure.savefig(partial, dpi=110, format="png")
