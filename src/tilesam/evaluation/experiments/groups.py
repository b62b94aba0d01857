"""Whether a model serves all groups alike: the paper's table of fairness.

Kirillov et al. 2023, "Segment Anything", section 7, "Segmenting people from different
backgrounds": mean IoU with 1 and 3 points and 95 % intervals for each group.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import DatasetError
from tilesam.evaluation.measures.bootstrap import (
    FEWEST_IMAGES,
    Interval,
    drawn_means,
    interval_of,
    mean_interval,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, eq=False)
class Group:
    """Objects of images with one value in a column.

    Parameters
    ----------
    name
        The value.
    images
        (n,) where each object is.
    scores
        (n,) by name of the measure.
    """

    name: str
    images: Sequence[str]
    scores: Mapping[str, Sequence[float]]

    @property
    def image_count(self) -> int:
        """Number of images."""
        return len(set(self.images))

    def interval(self, measure: str) -> Interval:
        """Return the mean with its 95 % interval."""
        return mean_interval(self.scores[measure], self.images)


def group_by(
    results: Sequence[Mapping[str, Any]], column: str, measures: Sequence[str]
) -> list[Group]:
    """Return the groups of a column, in alphabetical order.

    Parameters
    ----------
    results
        Of all images, with `columns` and `rows`.
    column
        Of the table of images.
    measures
        Names of scores.

    Raises
    ------
    DatasetError
        If an image has nothing in that column.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        value = result["columns"].get(column)
        if not value:
            known = ", ".join(result["columns"]) or "none"
            raise DatasetError(
                f"'{result['image']}' has nothing in the column {column}; its columns "
                f"are: {known}; choose one of them, or fill it in"
            )
        found.setdefault(value, []).append(result)
    return [_group(name, some, measures) for name, some in sorted(found.items())]


def _group(
    name: str, results: Sequence[Mapping[str, Any]], measures: Sequence[str]
) -> Group:
    rows = [(result["image"], row) for result in results for row in result["rows"]]
    scores = {m: [float(row["scores"][m]) for _, row in rows] for m in measures}
    return Group(name, [image for image, _ in rows], scores)


@dataclass(frozen=True)
class Difference:
    """Of two groups, the first minus the second.

    Parameters
    ----------
    first, second
        Names.
    interval
        Mean difference, and where it lies with 95 % confidence for all pairs of groups
        together (Bonferroni).
    """

    first: str
    second: str
    interval: Interval


def compare_groups(groups: Sequence[Group], measure: str) -> list[Difference]:
    """Return the differences of all pairs of groups with enough images."""
    usable = [group for group in groups if group.image_count >= FEWEST_IMAGES]
    drawn = {
        group.name: drawn_means(group.scores[measure], group.images, seed=number)
        for number, group in enumerate(usable)
    }
    means = {g.name: float(np.mean(g.scores[measure])) for g in usable}
    pairs = list(combinations([group.name for group in usable], 2))
    return [
        Difference(
            a,
            b,
            interval_of(
                means[a] - means[b], drawn[a] - drawn[b], comparisons=len(pairs)
            ),
        )
        for a, b in pairs
    ]


def say_differences(groups: Sequence[Group], measure: str, *, title: str) -> list[str]:
    """Return plain sentences about which groups differ."""
    few = [group.name for group in groups if group.image_count < FEWEST_IMAGES]
    differences = compare_groups(groups, measure)
    told = [
        f"{title}: {d.first} is {'better' if d.interval.mean > 0 else 'worse'} than "
        f"{d.second} by {abs(d.interval.mean):.3f} (from "
        f"{_ends(d.interval)})"
        for d in differences
        if d.interval.excludes_zero
    ]
    if differences and not told:
        told = [f"{title}: no two groups differ, as far as these images can tell"]
    if few:
        told.append(
            f"{title}: nothing is said about {', '.join(few)}, with fewer than "
            f"{FEWEST_IMAGES} images"
        )
    return told


def _ends(interval: Interval) -> str:
    low, high = sorted((abs(interval.low), abs(interval.high)))
    return f"{low:.3f} to {high:.3f}"
