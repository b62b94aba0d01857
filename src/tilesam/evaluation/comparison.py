"""Two results of the same experiment: who is better where, and how sure that is.

Only cases that both have are compared, so that one of them may be a part of the other.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError
from tilesam.evaluation.measures.bootstrap import (
    DRAWS,
    Interval,
    drawn_means,
    interval_of,
    mean_interval,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tilesam.types import FloatArray

Case = tuple[str, str, int, int]
"""Domain, image, layer and id of an object."""


@dataclass(frozen=True)
class DomainDifference:
    """Of one domain and measure: the second result minus the first.

    Parameters
    ----------
    domain
        Its name, or that of the mean over domains.
    images, cases
        That both results have.
    first, second
        Means.
    interval
        Of the difference, with its 95 % interval.
    """

    domain: str
    images: int
    cases: int
    first: float
    second: float
    interval: Interval


def read_result(path: Path) -> dict[str, Any]:
    """Read what `napari-sam evaluate --json` wrote.

    Raises
    ------
    DatasetError
        If it is something else.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        protocol = document["provenance"]["protocol"]
        cases = document["objects"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"'{path}' is no result of an evaluation ({type(error).__name__}: "
            f"{error}); expected a file that `napari-sam evaluate ... --json` wrote"
        ) from error
    if not cases:
        raise DatasetError(
            f"'{path}' holds no single cases of {protocol}; expected at least one; "
            "compare results of points, boxes, proposals, edges or quality"
        )
    return dict(document)


def shared_measures(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Return the names of the measures that two results have, in their order.

    Raises
    ------
    DatasetError
        If there is none: they are results of different experiments.
    """
    others = second["objects"][0]["scores"]
    names = [name for name in first["objects"][0]["scores"] if name in others]
    names = [name for name in names if not name.endswith("predicted")]
    if not names:
        kinds = [one["provenance"]["protocol"] for one in (first, second)]
        raise DatasetError(
            f"the results are of {kinds[0]} and {kinds[1]} and have no measure in "
            "common; expected two results of one experiment"
        )
    return names


def compare_results(
    first: Mapping[str, Any], second: Mapping[str, Any], measure: str
) -> list[DomainDifference]:
    """Return the difference in each domain, then of the mean over domains.

    Parameters
    ----------
    first, second
        Documents from `read_result`.
    measure
        Name of a score.

    Raises
    ------
    DatasetError
        If they have no case in common.
    """
    a, b = _scores(first, measure), _scores(second, measure)
    cases = [case for case in a if case in b]
    if not cases:
        raise DatasetError(
            "the results have no object in common; expected evaluations of one folder "
            "and split"
        )
    rows: list[DomainDifference] = []
    drawn: list[FloatArray] = []
    for number, domain in enumerate(sorted({case[0] for case in cases})):
        own = [case for case in cases if case[0] == domain]
        images = [case[1] for case in own]
        pairs = np.array([[a[case], b[case]] for case in own])
        change = pairs[:, 1] - pairs[:, 0]
        means = (float(pairs[:, 0].mean()), float(pairs[:, 1].mean()))
        interval = mean_interval(change, images, seed=number)
        rows.append(
            DomainDifference(domain, len(set(images)), len(own), *means, interval)
        )
        drawn.append(_drawn(change, images, number))
    return [*rows, _over_domains(rows, drawn)]


def _drawn(change: FloatArray, images: Sequence[str], seed: int) -> FloatArray:
    if len(set(images)) == 1:
        return np.full(DRAWS, change.mean())
    return drawn_means(change, images, seed=seed)


def _over_domains(
    rows: Sequence[DomainDifference], drawn: Sequence[FloatArray]
) -> DomainDifference:
    """Return the mean over domains; a domain of one image adds no uncertainty."""
    first, second = (
        float(np.mean([getattr(row, name) for row in rows]))
        for name in ("first", "second")
    )
    interval = interval_of(second - first, np.mean(drawn, axis=0))
    return DomainDifference(
        "mean over domains",
        sum(row.images for row in rows),
        sum(row.cases for row in rows),
        first,
        second,
        interval,
    )


def _scores(document: Mapping[str, Any], measure: str) -> dict[Case, float]:
    return {
        (row["domain"], row["image"], row["layer"], row["object_id"]): float(
            row["scores"][measure]
        )
        for row in document["objects"]
        if row["scores"].get(measure) is not None
    }


def say_comparison(
    rows: Sequence[DomainDifference], names: tuple[str, str], *, lower_is_better: bool
) -> list[str]:
    """Return plain sentences: where the second is better, worse, or not to be told."""
    groups: dict[str, list[str]] = {"better": [], "worse": [], "not": []}
    for row in rows:
        sign = -1 if lower_is_better else 1
        if not row.interval.excludes_zero:
            groups["not"].append(row.domain)
        else:
            is_better = sign * row.interval.mean > 0
            groups["better" if is_better else "worse"].append(row.domain)
    first, second = names
    said = {
        "better": f"{second} is better than {first} in",
        "worse": f"{second} is worse than {first} in",
        "not": "no difference can be told in",
    }
    return [f"{said[kind]}: {', '.join(d)}" for kind, d in groups.items() if d]
