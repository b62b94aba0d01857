"""The result of an experiment as one document: figures, tables and where from."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from tilesam.evaluation.experiments.experiment import to_scores
from tilesam.evaluation.metrics import summarize
from tilesam.evaluation.reporting.tables import Table
from tilesam.evaluation.reporting.titles import is_of_objects, main_measures, title_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tilesam.evaluation.experiments.experiment import Experiment
    from tilesam.evaluation.measuring import Measured
    from tilesam.evaluation.metrics import ObjectScore, Summary

MEAN_TITLE = "mean over domains"


@dataclass(frozen=True)
class Provenance:
    """What was evaluated, so that the figures can be made again.

    Parameters
    ----------
    protocol
        Name of the experiment.
    identity
        Of who was asked: model, weights, input size.
    settings
        Of the experiment.
    data, split
        Folder and split of the images.
    images_per_domain
        Upper limit, None for all.
    """

    protocol: str
    identity: Mapping[str, Any]
    settings: Mapping[str, Any]
    data: str
    split: str
    images_per_domain: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return all of it on one level."""
        own = {"protocol": self.protocol, **self.identity}
        place = {"data": self.data, "split": self.split}
        limits = {"images_per_domain": self.images_per_domain}
        return {**own, **place, **limits, **self.settings}


@dataclass(frozen=True)
class Document:
    """All that an experiment has found.

    Parameters
    ----------
    provenance
        Plain data.
    tables
        For people.
    notes
        Sentences for people.
    summary
        Means of domains; None of experiments without domains.
    objects
        One row for each case: plain data with `domain`, `image` and `scores`.
    figures
        Anything else, plain data.
    scores
        The same rows as `objects`, to choose cases that are shown.
    places
        Number of each image in its folder, by name.
    ranked_by
        Name of the score that tells good cases from bad ones.
    plots
        Names, and what draws each into a file.
    """

    provenance: Mapping[str, Any]
    tables: Sequence[Table]
    notes: Sequence[str] = ()
    summary: Summary | None = None
    objects: Sequence[Mapping[str, Any]] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    scores: Sequence[ObjectScore] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    ranked_by: str = ""
    plots: Sequence[tuple[str, Callable[[Path], None]]] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return everything for JSON."""
        plain: dict[str, Any] = {"provenance": dict(self.provenance)}
        if self.summary is not None:
            plain["mean_over_domains"] = dict(self.summary.mean)
            plain["domains"] = [
                {**asdict(domain), "scores": dict(domain.scores)}
                for domain in self.summary.domains
            ]
        plain["tables"] = [table.to_plain() for table in self.tables]
        plain["notes"] = list(self.notes)
        plain.update(self.figures)
        plain["objects"] = list(self.objects)
        return plain


def build_document(
    measured: Measured,
    experiment: Experiment,
    provenance: Provenance,
    *,
    more_tables: Sequence[Table] = (),
    notes: Sequence[str] = (),
    figures: Mapping[str, Any] | None = None,
    plots: Sequence[tuple[str, Callable[[Path], None]]] = (),
) -> Document:
    """Return the document of an experiment with a score for each case.

    Parameters
    ----------
    measured
        Of all images.
    experiment
        That was made.
    provenance
        Of the run.
    more_tables
        After that of the domains.
    notes
        For people; that images were left out is added.
    figures, plots
        See `Document`.
    """
    rows = to_scores(measured.results)
    summary = summarize(rows)
    empty = measured.empty
    left_out = (
        [f"left out, because their labels are empty: {', '.join(empty)}"]
        if empty
        else []
    )
    return Document(
        provenance.to_plain(),
        [domain_table(summary), *more_tables],
        [*notes, *left_out],
        summary,
        [{**asdict(row), "scores": dict(row.scores)} for row in rows],
        figures or {},
        scores=rows,
        places={result["image"]: result["index"] for result in measured.results},
        ranked_by=experiment.ranked_by,
        plots=plots,
    )


def domain_table(summary: Summary) -> Table:
    """Return the main measures, a row for each domain and one for their mean."""
    names = main_measures(summary.mean)
    rows: list[list[Any]] = [
        [d.domain, d.images, d.objects, *(d.scores[name] for name in names)]
        for d in summary.domains
    ]
    counts = [sum(row[column] for row in rows) for column in (1, 2)]
    rows.append([MEAN_TITLE, *counts, *(summary.mean[name] for name in names)])
    header = ["domain", "images", "objects", *(title_of(name) for name in names)]
    if all(row[1] == row[2] for row in rows) and not is_of_objects(names):
        header, rows = header[:2] + header[3:], [row[:2] + row[3:] for row in rows]
    return Table("By domain", header, rows)
