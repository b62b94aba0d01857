"""`napari-sam evaluate similar`: whether objects of one kind find each other."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from tilesam.cli.evaluate_options import (
    DataOption,
    DeviceOption,
    JsonOption,
    ModelOption,
    ReportOption,
    SplitOption,
    ThreadsOption,
)
from tilesam.cli.evaluate_run import Job, Places, finish
from tilesam.cli.output import progress_bar


def evaluate_similar(
    *,
    data: DataOption,
    split: SplitOption = "val",
    model: ModelOption = "tiny",
    device: DeviceOption = None,
    mosaics: Annotated[
        int,
        typer.Option("--mosaics", min=1, help="How many pictures are put together."),
    ] = 60,
    seed: Annotated[int, typer.Option("--seed", help="Of what is in them.")] = 0,
    token_weight: Annotated[
        float | None,
        typer.Option(
            "--token-weight", min=0.0, max=1.0, help="Of the decoder's mask token."
        ),
    ] = None,
    threads: ThreadsOption = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
) -> None:
    """Rank objects of several domains, side by side, by likeness to each of them."""
    from tilesam.evaluation.experiments.similar import measure_mosaics
    from tilesam.evaluation.metrics import summarize
    from tilesam.evaluation.reporting.document import Document, domain_table
    from tilesam.evaluation.runs import Limits
    from tilesam.similarity.object_vectors import TOKEN_WEIGHT

    places = Places(json_file, report)
    job = Job(data, split, model, device, Limits(), places, threads)
    images, network = job.open(), job.load()
    weight = TOKEN_WEIGHT if token_weight is None else token_weight
    with progress_bar(f"Evaluating {network.name}") as progress:
        rows = measure_mosaics(
            *(network, images),
            mosaics=mosaics,
            seed=seed,
            token_weight=weight,
            progress=progress,
        )
    summary = summarize(rows)
    provenance = {
        "protocol": "similar",
        "model": network.name,
        "weights_sha256": network.weights_sha256,
        "data": str(data),
        "split": split,
        "mosaics": mosaics,
        "seed": seed,
        "token_weight": weight,
    }
    objects = [{**asdict(row), "scores": dict(row.scores)} for row in rows]
    document = Document(
        provenance, [domain_table(summary)], summary=summary, objects=objects
    )
    finish(document, places)
