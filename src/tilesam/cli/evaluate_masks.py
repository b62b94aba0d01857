"""`napari-sam evaluate quality`, `dataset` and `compare`: masks and results at hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tilesam.cli.evaluate_options import JsonOption, ReportOption, SplitOption
from tilesam.cli.evaluate_run import Places, finish

if TYPE_CHECKING:
    from tilesam.evaluation.experiments.dataset import MaskStatistics
    from tilesam.evaluation.reporting.tables import Table


def evaluate_quality(
    automatic: Annotated[
        Path, typer.Argument(help="Label image, or folder of them, as it was made.")
    ],
    corrected: Annotated[
        Path, typer.Argument(help="The same after correction; files of equal names.")
    ],
    *,
    json_file: JsonOption = None,
    report: ReportOption = None,
) -> None:
    """Compare automatic masks with what a person made of them."""
    from tilesam.evaluation.correcting import measure_corrections, quality_document

    places = Places(json_file, report)
    places.require_writable()
    results = measure_corrections(automatic, corrected)
    finish(quality_document(results, automatic, corrected), places)


def evaluate_dataset(
    masks: Annotated[
        Path,
        typer.Argument(
            help="Folder of label images or with a manifest, a label image, or "
            "exported objects (.json)."
        ),
    ],
    *,
    split: SplitOption = "val",
    json_file: JsonOption = None,
    report: ReportOption = None,
) -> None:
    """Describe masks: how many, how large, how concave, and where they lie."""
    from tilesam.evaluation.experiments.dataset import describe_masks
    from tilesam.evaluation.mask_files import read_masks
    from tilesam.evaluation.reporting.document import Document
    from tilesam.evaluation.reporting.mask_plots import dataset_plots, dataset_table

    places = Places(json_file, report)
    places.require_writable()
    statistics: MaskStatistics = describe_masks(read_masks(masks, split))
    document = Document(
        {"protocol": "dataset", "data": str(masks), "split": split},
        [dataset_table(statistics)],
        figures=statistics.to_plain(),
        plots=dataset_plots(statistics),
    )
    finish(document, places)


def compare(
    first: Annotated[Path, typer.Argument(help="Result of `evaluate --json`.")],
    second: Annotated[Path, typer.Argument(help="Another one of the same protocol.")],
    *,
    measure: Annotated[
        list[str] | None,
        typer.Option("--measure", help="Name of a score; by default the main ones."),
    ] = None,
    json_file: JsonOption = None,
    report: ReportOption = None,
) -> None:
    """Compare two results by domain: differences with 95 % intervals."""
    from tilesam.evaluation.comparison import read_result, shared_measures
    from tilesam.evaluation.reporting.document import Document
    from tilesam.evaluation.reporting.titles import main_measures

    places = Places(json_file, report)
    places.require_writable()
    documents = read_result(first), read_result(second)
    known = shared_measures(*documents)
    chosen = measure or main_measures(known) or known
    for name in chosen:
        if name not in known:
            raise typer.BadParameter(
                f"--measure is {name}; both results have: {', '.join(known)}"
            )
    names = _names(documents, (first, second))
    tables, notes = [], []
    for name in chosen:
        table, said = _compare(documents, name, names)
        tables.append(table)
        notes += said
    provenance = {"protocol": "compare", "first": str(first), "second": str(second)}
    finish(Document(provenance, tables, notes), places)


def _names(
    documents: tuple[dict[str, Any], dict[str, Any]], files: tuple[Path, Path]
) -> tuple[str, str]:
    """Return the names of both models, or of the files where these are equal."""
    first, second = (str(d["provenance"].get("model")) for d in documents)
    return (files[0].stem, files[1].stem) if first == second else (first, second)


def _compare(
    documents: tuple[dict[str, Any], dict[str, Any]],
    measure: str,
    names: tuple[str, str],
) -> tuple[Table, list[str]]:
    from tilesam.evaluation.comparison import compare_results, say_comparison
    from tilesam.evaluation.reporting.tables import Table, shown_interval
    from tilesam.evaluation.reporting.titles import title_of

    rows = compare_results(*documents, measure)
    title = title_of(measure)
    said = say_comparison(
        rows,
        names,
        lower_is_better=measure.removeprefix("random_").startswith("clicks"),
    )
    cells: list[list[Any]] = [
        [
            *(row.domain, row.images, row.cases, row.first, row.second),
            f"{row.interval.mean:+.3f}",
            shown_interval(row.interval, signed=True),
        ]
        for row in rows
    ]
    header = ["domain", "images", "cases", *names, "difference", "95 % interval"]
    return Table(title, header, cells), [f"{title}: {text}" for text in said]
