"""Tables of a study: figures, differences with intervals, and what seeds change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilesam.ablation.differences import differences, over_domains
from tilesam.ablation.measuring import MEASURES
from tilesam.evaluation.metrics import summarize
from tilesam.evaluation.reporting.document import MEAN_TITLE
from tilesam.evaluation.reporting.tables import Table, shown_interval
from tilesam.evaluation.reporting.titles import title_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.ablation.differences import Outcome
    from tilesam.evaluation.comparison import DomainDifference
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.evaluation.reporting.tables import Cell

TITLES = tuple(title_of(name) for name in MEASURES)


def figures_table(outcomes: Sequence[Outcome]) -> Table:
    """Return the mean IoU over domains of every variant, and what it cost."""
    rows: list[list[Cell]] = []
    for outcome in outcomes:
        mean = summarize(outcome.scores).mean
        seconds = sum(run.record["cpu_seconds"] for run in outcome.runs)
        rows.append(
            [
                *(outcome.variant.name, outcome.variant.change),
                round(seconds / len(outcome.runs)),
                *(mean[name] for name in MEASURES),
            ]
        )
    header = ["variant", "what is changed", "CPU seconds", *TITLES]
    return Table(f"IoU, {MEAN_TITLE}", header, rows)


def differences_table(full: Outcome, others: Sequence[Outcome]) -> Table:
    """Return what every variant has more than the full one, over all domains."""
    rows: list[list[Cell]] = []
    for outcome in others:
        cells = [
            shown_difference(_overall(full.scores, outcome.scores, name))
            for name in MEASURES
        ]
        rows.append([outcome.variant.name, *cells])
    title = f"Difference to the full training, {MEAN_TITLE}, with its 95 % interval"
    return Table(title, ["variant", *TITLES], rows)


def left_out_table(full: Outcome, others: Sequence[Outcome]) -> Table | None:
    """Return the differences on domains that were left out and on all others.

    None if no variant leaves any out.
    """
    rows: list[list[Cell]] = []
    for outcome in others:
        left_out = outcome.variant.left_out
        if left_out:
            parts = (
                (", ".join(left_out), lambda name, out=left_out: name in out),
                ("all others", lambda name, out=left_out: name not in out),
            )
            for title, is_wanted in parts:
                found = [
                    differences(full.scores, outcome.scores, name, is_wanted=is_wanted)
                    for name in MEASURES
                ]
                rows.append([outcome.variant.name, title, *_part_cells(found)])
    header = ["variant", "measured on", "images", "objects", *TITLES]
    title = "Domains left out: the full training, the variant, and the difference"
    return Table(title, header, rows) if rows else None


def _part_cells(found: Sequence[Sequence[DomainDifference]]) -> list[Cell]:
    """Return the cells of one part; there are no images of some parts."""
    if not all(found):
        return [0, 0, *["-"] * len(found)]
    last = [over_domains(rows) for rows in found]
    cells = [
        f"{row.first:.3f}, {row.second:.3f}, {shown_difference(row)}" for row in last
    ]
    return [last[0].images, last[0].cases, *cells]


def seeds_table(full: Outcome, others: Sequence[Outcome]) -> Table | None:
    """Return the smallest and the largest difference over seeds; None of one seed.

    The first row is what a seed alone changes: the full training with each further
    seed against the same with the first.
    """
    if len(full.runs) == 1:
        return None
    again = [(full.runs[0], run) for run in full.runs[1:]]
    pairs = {f"{full.variant.name}, other seeds": again}
    for outcome in others:
        pairs[outcome.variant.name] = list(zip(full.runs, outcome.runs, strict=True))
    rows: list[list[Cell]] = []
    for name, compared in pairs.items():
        cells: list[Cell] = []
        for measure in MEASURES:
            found = [
                _overall(first.scores, second.scores, measure).interval.mean
                for first, second in compared
            ]
            cells.append(f"{min(found):+.3f} to {max(found):+.3f}")
        rows.append([name, *cells])
    title = f"Difference by seed, smallest and largest, {MEAN_TITLE}"
    return Table(title, ["variant", *TITLES], rows)


def _overall(
    first: Sequence[ObjectScore], second: Sequence[ObjectScore], measure: str
) -> DomainDifference:
    return over_domains(differences(first, second, measure))


def shown_difference(row: DomainDifference) -> str:
    """Return a difference with its interval as text."""
    interval = row.interval
    return f"{interval.mean:+.3f} ({shown_interval(interval, signed=True)})"


def say_differences(full: Outcome, others: Sequence[Outcome]) -> list[str]:
    """Return a plain sentence for each variant: what it made worse, better, neither.

    A difference is one whose interval leaves zero out, and that is larger than what
    another seed alone has changed, as far as that is known.
    """
    noise = {name: largest_by_seed(full, name) for name in MEASURES}
    return [_say(full, outcome, noise) for outcome in others]


def largest_by_seed(full: Outcome, measure: str) -> float:
    """Return the largest difference of the full training to itself; 0 of one seed."""
    first, *again = full.runs
    found = (_overall(first.scores, run.scores, measure) for run in again)
    return max((abs(row.interval.mean) for row in found), default=0.0)


def _say(full: Outcome, outcome: Outcome, noise: Mapping[str, float]) -> str:
    groups: dict[str, list[str]] = {"worse": [], "better": [], "not to be told": []}
    for measure, title in zip(MEASURES, TITLES, strict=True):
        interval = _overall(full.scores, outcome.scores, measure).interval
        if not interval.excludes_zero or abs(interval.mean) <= noise[measure]:
            groups["not to be told"].append(title)
        else:
            groups["better" if interval.mean > 0 else "worse"].append(title)
    said = [f"{kind}: {'; '.join(names)}" for kind, names in groups.items() if names]
    return f"{outcome.variant.name} against {full.variant.name}, {' | '.join(said)}"
