"""Options that the commands of `napari-sam evaluate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

STDOUT = Path("-")

DataOption = Annotated[
    Path,
    typer.Option(
        "--data", help="Folder with a manifest.csv, or with images/ and labels/."
    ),
]
SplitOption = Annotated[str, typer.Option("--split", help="Split of the manifest.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="Name of a model, or path of its weights.")
]
SubjectOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Name of a model, path of its weights, or a method without a network: "
        "random-walker, watershed, flood.",
    ),
]
DeviceOption = Annotated[
    str | None, typer.Option("--device", help="cpu, cuda or mps; chosen if not given.")
]
ImagesOption = Annotated[
    int | None,
    typer.Option("--limit-per-domain", min=1, help="At most so many images of each."),
]
ObjectsOption = Annotated[
    int | None,
    typer.Option("--objects-per-image", min=1, help="At most so many objects of each."),
]
BatchOption = Annotated[
    int, typer.Option("--batch-size", min=1, help="Prompts decoded at once.")
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json", help="Write all figures to this file; '-' prints them instead."
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        help="Write report.md here, with plots and pictures; results of single images "
        "are kept in DIR/work.",
    ),
]
WorkOption = Annotated[
    Path | None,
    typer.Option(
        "--work",
        metavar="DIR",
        help="Keep results of single images here; the same run goes on from them.",
    ),
]
RefineOption = Annotated[
    bool,
    typer.Option(
        "--refine/--no-refine",
        help="Whether the model's refiner, if it has one, looks at masks again.",
    ),
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", min=1, help="CPU threads of the network.")
]
