"""How a variant differs from the full training, and how sure that is."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.comparison import compare_results
from tilesam.evaluation.measures.bootstrap import FEWEST_IMAGES, Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tilesam.ablation.variants import Variant
    from tilesam.evaluation.comparison import Case, DomainDifference
    from tilesam.evaluation.metrics import ObjectScore


@dataclass(frozen=True)
class Run:
    """A variant with one seed, trained and measured.

    Parameters
    ----------
    record
        Of its weights, from `train_variant`.
    scores
        From `measure_model`.
    """

    record: dict[str, Any]
    scores: list[ObjectScore]


@dataclass(frozen=True)
class Outcome:
    """A variant with all seeds.

    Parameters
    ----------
    runs
        In the order of seeds.
    """

    variant: Variant
    runs: list[Run]

    @cached_property
    def scores(self) -> list[ObjectScore]:
        """Of each object, the mean over seeds."""
        return average_scores([run.scores for run in self.runs])


def average_scores(runs: Sequence[Sequence[ObjectScore]]) -> list[ObjectScore]:
    """Return the mean scores of each object over runs that have the same objects."""
    values: dict[Case, list[ObjectScore]] = defaultdict(list)
    for run in runs:
        for row in run:
            case = (row.domain, row.image, row.layer, row.object_id)
            values[case].append(row)
    return [
        replace(
            rows[0],
            scores={
                name: float(np.mean([row.scores[name] for row in rows]))
                for name in rows[0].scores
            },
        )
        for rows in values.values()
    ]


def differences(
    full: Sequence[ObjectScore],
    other: Sequence[ObjectScore],
    measure: str,
    *,
    is_wanted: Callable[[str], bool] = lambda _: True,
) -> list[DomainDifference]:
    """Return what a variant has more than the full training, by domain.

    Parameters
    ----------
    full, other
        Scores of the same objects.
    measure
        Name of a score.
    is_wanted
        Whether a domain is looked at.

    Returns
    -------
    list of DomainDifference
        The last one is the mean over domains. Empty if no domain is wanted.
    """
    chosen = [_document(rows, is_wanted) for rows in (full, other)]
    if not chosen[0]["objects"]:
        return []
    return compare_results(chosen[0], chosen[1], measure)


def over_domains(rows: Sequence[DomainDifference]) -> DomainDifference:
    """Return the last of `differences`, without an interval of too few images."""
    last = rows[-1]
    if last.images >= FEWEST_IMAGES:
        return last
    unknown = Interval(last.interval.mean, float("nan"), float("nan"))
    return replace(last, interval=unknown)


def _document(
    rows: Iterable[ObjectScore], is_wanted: Callable[[str], bool]
) -> dict[str, Any]:
    return {"objects": [asdict(row) for row in rows if is_wanted(row.domain)]}
