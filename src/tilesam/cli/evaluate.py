"""`napari-sam evaluate`: how well a model finds the objects of labelled images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.output import console, print_json, progress_bar

if TYPE_CHECKING:
    from tilesam.evaluation.asking import AskObjects
    from tilesam.evaluation.metrics import Summary
    from tilesam.evaluation.report import Provenance
    from tilesam.evaluation.runs import Limits
    from tilesam.model.runtime import SamModel

app = typer.Typer(
    help="Compare the answers of a model with labelled images.", no_args_is_help=True
)

STDOUT = Path("-")

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of images with a manifest.csv.")
]
SplitOption = Annotated[str, typer.Option("--split", help="Split of the manifest.")]
ModelOption = Annotated[
    str, typer.Option("--model", help="Name of a model, or path of its weights.")
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


@dataclass(frozen=True)
class _Job:
    """What both commands were asked for."""

    data: Path
    split: str
    model: str
    device: str | None
    limits: Limits
    json_file: Path | None


@app.command("points")
def evaluate_points(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    limit_per_domain: ImagesOption = None,
    objects_per_image: ObjectsOption = None,
    batch_size: BatchOption = 32,
    json_file: JsonOption = None,
) -> None:
    """Ask with the centre point of each object, then correct with two more points."""
    from tilesam.evaluation.asking import ask_with_points
    from tilesam.evaluation.runs import Limits

    limits = Limits(limit_per_domain, objects_per_image, batch_size)
    job = _Job(data, split, model, device, limits, json_file)
    _evaluate("points", ask_with_points, job)


@app.command("boxes")
def evaluate_boxes(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    limit_per_domain: ImagesOption = None,
    objects_per_image: ObjectsOption = None,
    batch_size: BatchOption = 32,
    json_file: JsonOption = None,
) -> None:
    """Ask with the tight box of each object."""
    from tilesam.evaluation.asking import ask_with_boxes
    from tilesam.evaluation.runs import Limits

    limits = Limits(limit_per_domain, objects_per_image, batch_size)
    job = _Job(data, split, model, device, limits, json_file)
    _evaluate("boxes", ask_with_boxes, job)


def _evaluate(protocol: str, ask: AskObjects, job: _Job) -> None:
    from tilesam import load_model
    from tilesam.evaluation.metrics import summarize
    from tilesam.evaluation.report import to_document
    from tilesam.evaluation.runs import evaluate
    from tilesam.training.manifest import ManifestDataset
    from tilesam.writing import require_writable_file

    # What costs nothing to check comes before the weights are loaded.
    samples = ManifestDataset(job.data, job.split)
    if job.json_file not in (None, STDOUT):
        require_writable_file(job.json_file)
    model = load_model(job.model, device=job.device)
    with progress_bar(f"Evaluating {model.name}") as progress:
        rows = evaluate(model, samples, ask, limits=job.limits, progress=progress)
    summary = summarize(rows)
    document = to_document(summary, _provenance(protocol, model, job), rows)
    if job.json_file == STDOUT:
        print_json(document)
        return
    if job.json_file is not None:
        print_json(document, file=job.json_file)
    _print_table(summary)


def _provenance(protocol: str, model: SamModel, job: _Job) -> Provenance:
    from tilesam.evaluation.report import Provenance

    return Provenance(
        protocol=protocol,
        model=model.name,
        weights_sha256=model.weights_sha256,
        input_size=model.input_size,
        data=str(job.data),
        split=job.split,
        images_per_domain=job.limits.images_per_domain,
        objects_per_image=job.limits.objects_per_image,
    )


def _print_table(summary: Summary) -> None:
    from rich.table import Table

    from tilesam.evaluation.report import table

    header, rows = table(summary)
    shown = Table(box=None)
    for number, title in enumerate(header):
        shown.add_column(title, justify="left" if number == 0 else "right")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)
