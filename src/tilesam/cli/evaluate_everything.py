"""`napari-sam evaluate proposals`, `edges` and `groups`: images, and their kinds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tilesam.cli.evaluate_options import (
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

if TYPE_CHECKING:
    from tilesam.evaluation.experiments.edges import EdgesExperiment
    from tilesam.evaluation.experiments.groups import Group
    from tilesam.evaluation.folders import LabelledImages

SOBEL = "sobel"


def evaluate_proposals(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    points_per_side: Annotated[
        int, typer.Option("--points-per-side", min=1, help="Of the grid in a window.")
    ] = 32,
    limit_per_domain: ImagesOption = None,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
    work: WorkOption = None,
) -> None:
    """Segment everything: average recall of proposals, PQ, AJI, SBD, splits, merges."""
    from tilesam.evaluation.answering import SamSubject
    from tilesam.evaluation.experiments.proposals import ProposalsExperiment
    from tilesam.evaluation.reporting.document import build_document
    from tilesam.evaluation.reporting.image_tables import recall_table, split_table
    from tilesam.evaluation.runs import Limits
    from tilesam.everything.settings import EverythingSettings

    limits = Limits(limit_per_domain)
    places = Places(json_file, report, work)
    job = Job(data, split, model, device, limits, places, threads)
    images = job.open()
    settings = EverythingSettings(points_per_side=points_per_side)
    experiment = ProposalsExperiment(SamSubject(job.load()), settings)
    measured = job.measure(experiment, images)
    document = build_document(
        measured,
        experiment,
        job.provenance(experiment),
        more_tables=[recall_table(measured.results), split_table(measured.results)],
        figures={"images": measured.results},
    )
    finish(document, places, experiment=experiment, images=images)


def evaluate_edges(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: Annotated[
        str, typer.Option("--model", help="Name or path of a model, or sobel.")
    ] = "tiny",
    device: DeviceOption = None,
    thresholds: Annotated[
        int, typer.Option("--thresholds", min=1, help="BSDS takes 99.")
    ] = 33,
    limit_per_domain: ImagesOption = None,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
    work: WorkOption = None,
) -> None:
    """Make edges of masks: ODS, OIS, AP and R50 as on BSDS500.

    DATA is a folder of labels, whose borders count, or has the layout of BSDS500.
    """
    from tilesam.evaluation.berkeley import BerkeleyImages, is_berkeley
    from tilesam.evaluation.reporting.document import build_document
    from tilesam.evaluation.reporting.image_tables import edge_curve, edge_table
    from tilesam.evaluation.reporting.plots import draw_lines
    from tilesam.evaluation.runs import Limits

    places = Places(json_file, report, work)
    job = Job(data, split, model, device, Limits(limit_per_domain), places, threads)
    images: LabelledImages
    if is_berkeley(data):
        images = BerkeleyImages(data, split)
        places.require_writable()
    else:
        images = job.open()
    experiment = _edges(job, thresholds, is_drawn=is_berkeley(data))
    measured = job.measure(experiment, images)
    curve = {"all images": edge_curve(measured.results)}
    document = build_document(
        measured,
        experiment,
        job.provenance(experiment),
        more_tables=[edge_table(measured.results, experiment.cuts)],
        figures={"images": measured.results},
        plots=[
            (
                "precision-over-recall",
                lambda path: draw_lines(curve, path, labels=("recall", "precision")),
            )
        ],
    )
    finish(document, places, experiment=experiment, images=images)


def _edges(job: Job, thresholds: int, *, is_drawn: bool) -> EdgesExperiment:
    from tilesam.evaluation.answering import SamSubject
    from tilesam.evaluation.experiments.edges import EdgesExperiment

    if job.model == SOBEL:
        identity = {"model": SOBEL, "weights_sha256": None, "input_size": None}
        return EdgesExperiment(None, identity, is_drawn, thresholds)
    model = job.load()
    return EdgesExperiment(model, SamSubject(model).identity, is_drawn, thresholds)


def evaluate_groups(
    *,
    data: DataOption,
    column: Annotated[
        str, typer.Option("--column", help="Of the manifest or of metadata.csv.")
    ],
    split: SplitOption = "val",
    model: SubjectOption = "tiny",
    device: DeviceOption = None,
    refine: RefineOption = True,
    limit_per_domain: ImagesOption = None,
    objects_per_image: ObjectsOption = None,
    batch_size: BatchOption = 32,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
    work: WorkOption = None,
) -> None:
    """Compare groups of images: IoU at 1 and 3 points, with 95 % intervals."""
    from tilesam.evaluation.experiments.groups import group_by, say_differences
    from tilesam.evaluation.experiments.points import PointsExperiment
    from tilesam.evaluation.reporting.document import build_document
    from tilesam.evaluation.reporting.image_tables import group_table
    from tilesam.evaluation.reporting.titles import title_of
    from tilesam.evaluation.runs import Limits

    limits = Limits(limit_per_domain, objects_per_image, batch_size)
    places = Places(json_file, report, work)
    job = Job(data, split, model, device, limits, places, threads, refine)
    images = job.open()
    _require_column(images, column, data)
    experiment = PointsExperiment(job.subject(), ["center"], most=3, limits=limits)
    measured = job.measure(experiment, images)
    titles = {name: title_of(name) for name in ("point", "oracle", "three_points")}
    groups: list[Group] = group_by(measured.results, column, [*titles])
    notes: list[str] = []
    for name, title in titles.items():
        notes += say_differences(groups, name, title=title)
    document = build_document(
        measured,
        experiment,
        job.provenance(experiment),
        more_tables=[group_table(groups, titles)],
        notes=notes,
    )
    finish(document, places, experiment=experiment, images=images)


def _require_column(images: LabelledImages, column: str, data: Path) -> None:
    """Make sure that groups are named, before the weights are loaded."""
    from tilesam.errors import DatasetError

    known = sorted({name for row in images.columns for name in row})
    if column not in known:
        raise DatasetError(
            f"no column {column} in the table of '{data}'; its columns are: "
            f"{', '.join(known) or 'none'}; choose one of them, or add it"
        )
