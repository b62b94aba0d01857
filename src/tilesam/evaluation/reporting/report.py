"""A report that a person can read: tables, plots and pictures in one folder.

DIR/report.md
DIR/plots/...png
DIR/pictures/best-1.png ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.reporting.pictures import draw_case, pick_cases
from tilesam.evaluation.reporting.plots import draw_lines, draw_ranges
from tilesam.evaluation.reporting.titles import title_of
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tilesam.evaluation.experiments.experiment import Experiment
    from tilesam.evaluation.folders import LabelledImages
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.evaluation.reporting.document import Document

PLOTS, PICTURES = "plots", "pictures"
LEGEND = "Green: the truth. Orange: the answer. White: what was asked."


def write_report(
    document: Document,
    folder: Path,
    experiment: Experiment | None = None,
    images: LabelledImages | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `report.md` with its plots and pictures.

    Parameters
    ----------
    document
        All that was found.
    folder
        Made if it is missing.
    experiment, images
        To ask about the cases that are shown; None draws none.
    progress
        Is called after each picture with (done, in all).

    Raises
    ------
    OutputError
        If something cannot be written, or matplotlib is missing.
    """
    lines = [*_head(document)]
    for table in document.tables:
        lines += [f"## {table.title}", "", table.to_markdown()]
    lines += _plots(document, folder / PLOTS)
    if experiment is not None and images is not None:
        lines += _pictures(document, folder / PICTURES, experiment, images, progress)
    with written_whole(folder / "report.md") as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _head(document: Document) -> Iterator[str]:
    provenance = document.provenance
    model = provenance.get("model")
    yield f"# {provenance['protocol']}" + (f": {model}" if model else "")
    yield ""
    for name, value in provenance.items():
        if name not in ("protocol", "model") and value is not None:
            yield f"- {name}: {value}"
    yield ""
    for note in document.notes:
        yield f"{note[:1].upper()}{note[1:]}."
        yield ""


def _plots(document: Document, folder: Path) -> list[str]:
    lines = []
    for name, draw in _drawings(document):
        draw(folder / f"{name}.png")
        lines += [f"![{name.replace('-', ' ')}]({PLOTS}/{name}.png)", ""]
    return ["## Plots", "", *lines] if lines else []


def _drawings(document: Document) -> Iterator[tuple[str, Callable[[Path], None]]]:
    yield from document.plots
    by_domain: dict[str, list[float]] = {}
    measure = document.ranked_by
    for row in document.objects:
        by_domain.setdefault(row["domain"], []).append(row["scores"][measure])
    if by_domain:
        yield (
            "distribution",
            lambda path: draw_ranges(by_domain, path, title=title_of(measure)),
        )
    for table in document.tables:
        if table.header[0] == "points":
            columns = [list(column) for column in zip(*table.rows, strict=True)]
            curves: dict[str, Any] = {
                name: (columns[0], values)
                for name, values in zip(table.header[1:], columns[1:], strict=True)
                if not np.isnan(values).all()
            }
            yield (
                "points",
                lambda path, curves=curves: draw_lines(  # type: ignore[misc]
                    curves, path, labels=("points", "mean IoU over domains")
                ),
            )


def _pictures(
    document: Document,
    folder: Path,
    experiment: Experiment,
    images: LabelledImages,
    progress: Callable[[int, int], None] | None,
) -> list[str]:
    cases = pick_cases(document.scores, experiment.ranked_by)
    places = document.places
    total = sum(len(rows) for rows in cases.values())
    lines, done = [f"## Cases, by {experiment.ranked_by}", "", LEGEND, ""], 0
    for kind, rows in cases.items():
        lines += [f"### {kind}", ""]
        for number, row in enumerate(rows, start=1):
            name = f"{kind}-{number}.png"
            _draw(row, folder / name, experiment, images, places)
            score = row.scores[experiment.ranked_by]
            lines += [f"![{row.image}]({PICTURES}/{name})", ""]
            lines += [f"{row.image}, object {row.object_id}: {score:.3f}", ""]
            done += 1
            if progress is not None:
                progress(done, total)
    return lines


def _draw(
    row: ObjectScore,
    path: Path,
    experiment: Experiment,
    images: LabelledImages,
    places: Mapping[str, int],
) -> None:
    picture = draw_case(experiment.show(images[places[row.image]], row))
    with written_whole(path) as partial:
        picture.save(partial, format="PNG")
