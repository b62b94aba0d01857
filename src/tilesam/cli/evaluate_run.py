"""How every command of `napari-sam evaluate` runs: open, measure, write, show."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from tilesam.cli.evaluate_options import STDOUT
from tilesam.cli.output import console, error_console, print_json, progress_bar

if TYPE_CHECKING:
    from tilesam.evaluation.answering import Subject
    from tilesam.evaluation.experiments.experiment import Experiment
    from tilesam.evaluation.folders import LabelledImages
    from tilesam.evaluation.measuring import Measured
    from tilesam.evaluation.reporting.document import Document, Provenance
    from tilesam.evaluation.reporting.tables import Table
    from tilesam.evaluation.runs import Limits
    from tilesam.model.runtime import SamModel


WIDEST = 240
"""Columns of a table that is not shown on a terminal."""


@dataclass(frozen=True)
class Places:
    """Where results go.

    Parameters
    ----------
    json_file
        For all figures; `STDOUT` prints them.
    report
        Folder for a report.
    work
        Folder for results of single images.
    """

    json_file: Path | None = None
    report: Path | None = None
    work: Path | None = None

    def require_writable(self) -> None:
        """Make sure that everything can be written, before work begins.

        Raises
        ------
        OutputError
            If something cannot, or plots for a report cannot be drawn.
        """
        from tilesam.evaluation.reporting.plots import require_matplotlib
        from tilesam.writing import require_writable_file, require_writable_folder

        if self.json_file not in (None, STDOUT):
            require_writable_file(self.json_file)
        for folder in (self.report, self.work):
            if folder is not None:
                require_writable_folder(folder)
        if self.report is not None:
            require_matplotlib()

    @property
    def kept_in(self) -> Path | None:
        """Folder for results of single images."""
        if self.work is None and self.report is not None:
            return self.report / "work"
        return self.work


@dataclass(frozen=True)
class Job:
    """What a command was asked for."""

    data: Path
    split: str
    model: str
    device: str | None
    limits: Limits
    places: Places
    threads: int | None = None
    refined: bool = True

    def open(self) -> LabelledImages:
        """Return the images, after everything that costs nothing was checked.

        Raises
        ------
        DatasetError, OutputError
            What was found.
        """
        from tilesam.evaluation.folders import open_labelled

        images = open_labelled(self.data, self.split)
        self.places.require_writable()
        return images

    def load(self) -> SamModel:
        """Return the model."""
        import torch

        from tilesam import load_model

        if self.threads is not None:
            torch.set_num_threads(self.threads)
        return load_model(self.model, device=self.device, refined=self.refined)

    def subject(self) -> Subject:
        """Return the model, or a method without a network."""
        from tilesam.evaluation.answering import SamSubject
        from tilesam.evaluation.classical.methods import METHODS
        from tilesam.evaluation.classical.subject import ClassicalSubject

        if self.model in METHODS:
            return ClassicalSubject(self.model)
        return SamSubject(self.load())

    def measure(self, experiment: Experiment, images: LabelledImages) -> Measured:
        """Run an experiment on all images, with a bar."""
        from tilesam.evaluation.measuring import measure_images
        from tilesam.evaluation.results import KeptResults

        title = f"Evaluating {experiment.identity['model']}"
        with progress_bar(title) as progress:
            return measure_images(
                experiment,
                images,
                images_per_domain=self.limits.images_per_domain,
                kept=KeptResults(self.places.kept_in),
                progress=progress,
            )

    def provenance(self, experiment: Experiment) -> Provenance:
        """Return where the figures of an experiment come from."""
        from tilesam.evaluation.reporting.document import Provenance

        return Provenance(
            experiment.name,
            experiment.identity,
            experiment.settings,
            data=str(self.data),
            split=self.split,
            images_per_domain=self.limits.images_per_domain,
        )


def finish(
    document: Document,
    places: Places,
    *,
    experiment: Experiment | None = None,
    images: LabelledImages | None = None,
) -> None:
    """Write a document where it was wanted, and show its tables.

    Parameters
    ----------
    document
        All that was found.
    places
        Where it goes.
    experiment, images
        To draw pictures for the report; None where there are none.
    """
    for note in document.notes:
        error_console.print(note, soft_wrap=True, markup=False, highlight=False)
    plain: dict[str, Any] = document.to_plain()
    if places.report is not None:
        from tilesam.evaluation.reporting.report import write_report

        with progress_bar("Drawing pictures") as progress:
            write_report(document, places.report, experiment, images, progress=progress)
        print_json(plain, file=places.report / "result.json")
    if places.json_file == STDOUT:
        print_json(plain)
        return
    if places.json_file is not None:
        print_json(plain, file=places.json_file)
    for table in document.tables:
        print_table(table)


def print_table(table: Table) -> None:
    """Show a table on the terminal."""
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, title_justify="left", box=None)
    for number, title in enumerate(table.header):
        shown.add_column(title, justify="left" if number == 0 else "right")
    for row in table.texts:
        shown.add_row(*row)
    # A file or a pipe has no width: lines are as long as they are.
    wide = console
    if not console.is_terminal:
        wide = Console(file=console.file, width=WIDEST)
    wide.print(shown)
