"""`napari-sam evaluate`: how well a model finds the objects of labelled images."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tilesam.cli.evaluate_everything import (
    evaluate_edges,
    evaluate_groups,
    evaluate_proposals,
)
from tilesam.cli.evaluate_masks import compare, evaluate_dataset, evaluate_quality
from tilesam.cli.evaluate_options import (
    STDOUT,
    BatchOption,
    DataOption,
    DeviceOption,
    ImagesOption,
    JsonOption,
    ModelOption,
    ObjectsOption,
    RefineOption,
    ReportOption,
    SplitOption,
    SubjectOption,
    ThreadsOption,
    WorkOption,
)
from tilesam.cli.evaluate_run import Job, Places, finish
from tilesam.cli.evaluate_similar import evaluate_similar

__all__ = [
    "STDOUT",
    "DataOption",
    "DeviceOption",
    "ImagesOption",
    "JsonOption",
    "ModelOption",
    "SplitOption",
    "app",
]

app = typer.Typer(
    help="Compare the answers of a model with labelled images.", no_args_is_help=True
)


class Clicks(StrEnum):
    """Where clicks are."""

    CENTER = "center"
    RANDOM = "random"
    BOTH = "both"


ClicksOption = Annotated[
    Clicks,
    typer.Option(
        "--sampling",
        help="Click in the middle of object and errors, anywhere, or both.",
    ),
]
PointsOption = Annotated[
    int, typer.Option("--points", min=1, max=20, help="Clicks on each object.")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Of random clicks.")]


@app.command("points")
def evaluate_points(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: SubjectOption = "tiny",
    device: DeviceOption = None,
    refine: RefineOption = True,
    sampling: ClicksOption = Clicks.BOTH,
    points: PointsOption = 9,
    seed: SeedOption = 0,
    limit_per_domain: ImagesOption = None,
    objects_per_image: ObjectsOption = None,
    batch_size: BatchOption = 32,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
    work: WorkOption = None,
) -> None:
    """Click on each object, then on what is wrong: 1, 2, 3, 5 and 9 points."""
    from tilesam.evaluation.clicking import SAMPLINGS
    from tilesam.evaluation.experiments.points import PointsExperiment
    from tilesam.evaluation.reporting.document import build_document
    from tilesam.evaluation.reporting.point_tables import (
        calibration_table,
        clicks_table,
        count_table,
        judgement_table,
    )
    from tilesam.evaluation.runs import Limits

    limits = Limits(limit_per_domain, objects_per_image, batch_size)
    places = Places(json_file, report, work)
    job = Job(data, split, model, device, limits, places, threads, refine)
    images = job.open()
    chosen = [s for s in SAMPLINGS if sampling in (Clicks.BOTH, s)]
    experiment = PointsExperiment(job.subject(), chosen, points, seed, limits)
    measured = job.measure(experiment, images)
    tables = [
        count_table(measured.results),
        clicks_table(measured.results, points),
        calibration_table(measured.results, experiment.ranked_by),
        judgement_table(measured.results),
    ]
    document = build_document(
        measured, experiment, job.provenance(experiment), more_tables=tables
    )
    finish(document, places, experiment=experiment, images=images)


@app.command("boxes")
def evaluate_boxes(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: SubjectOption = "tiny",
    device: DeviceOption = None,
    refine: RefineOption = True,
    boxes: Annotated[
        Path | None,
        typer.Option("--boxes", help="Boxes of a detector, COCO JSON; else true ones."),
    ] = None,
    limit_per_domain: ImagesOption = None,
    objects_per_image: ObjectsOption = None,
    batch_size: BatchOption = 32,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
    work: WorkOption = None,
) -> None:
    """Ask with a box for each object: IoU and mask AP, by size."""
    from tilesam.evaluation.detections import read_detections
    from tilesam.evaluation.experiments.boxes import BoxesExperiment
    from tilesam.evaluation.reporting.document import build_document
    from tilesam.evaluation.reporting.point_tables import (
        calibration_table,
        precision_table,
        size_table,
    )
    from tilesam.evaluation.runs import Limits

    limits = Limits(limit_per_domain, objects_per_image, batch_size)
    places = Places(json_file, report, work)
    job = Job(data, split, model, device, limits, places, threads, refine)
    images = job.open()
    detections = None if boxes is None else read_detections(boxes)
    experiment = BoxesExperiment(job.subject(), detections, limits)
    measured = job.measure(experiment, images)
    tables = [size_table(measured.results), precision_table(measured.results)]
    if detections is None:
        tables.append(calibration_table(measured.results, "box"))
    document = build_document(
        measured, experiment, job.provenance(experiment), more_tables=tables
    )
    finish(document, places, experiment=experiment, images=images)


app.command("proposals")(evaluate_proposals)
app.command("edges")(evaluate_edges)
app.command("groups")(evaluate_groups)
app.command("quality")(evaluate_quality)
app.command("dataset")(evaluate_dataset)
app.command("similar")(evaluate_similar)
app.command("compare")(compare)
