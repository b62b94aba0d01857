"""Tables of proposals, edges and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.experiments.proposals import MOST
from tilesam.evaluation.measures.boundaries import (
    precision_recall,
    summarize_edges,
)
from tilesam.evaluation.measures.precision import SIZES
from tilesam.evaluation.measures.recall import average_recall
from tilesam.evaluation.reporting.tables import Table, shown_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.evaluation.experiments.groups import Group
    from tilesam.types import FloatArray

ALL = "all"
COUNTED = ("true", "found", "duplicates", "over_segmented", "under_segmented",
           "missed", "spurious")  # fmt: skip


def by_domain(
    results: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the results of each domain in alphabetical order, then all of them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for result in sorted(results, key=lambda result: result["domain"]):
        found.setdefault(result["domain"], []).append(result)
    if len(found) > 1:
        found[ALL] = list(results)
    return found


def recall_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return the average recall of the first 10, 100 and 1000 proposals, by size."""
    rows: list[list[Any]] = []
    for name, some in by_domain(results).items():
        areas = np.concatenate([np.array(r["true_areas"]) for r in some])
        found = {most: _found(some, most) for most in MOST}
        sizes = [_of_size(found[MOST[-1]], areas, size) for size in SIZES][1:]
        proposals = float(np.mean([result["proposals"] for result in some]))
        recalls = [average_recall(found[most]) for most in MOST]
        rows.append([name, len(areas), round(proposals), *recalls, *sizes])
    header = ["domain", "objects", "proposals an image", *(f"AR@{m}" for m in MOST)]
    header += [f"AR@{MOST[-1]} {size}" for size in SIZES if size != "all"]
    return Table("Average recall of ranked proposals", header, rows)


def _found(results: Sequence[Mapping[str, Any]], most: int) -> FloatArray:
    return np.concatenate([np.array(r["found"][str(most)], float) for r in results])


def _of_size(found: FloatArray, areas: FloatArray, size: str) -> float:
    low, high = SIZES[size]
    return average_recall(found[(areas > low) & (areas <= high)])


def split_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return how many objects are cut, melted, doubled, missed and made up."""
    rows = [
        [name, *(sum(result["counts"][kind] for result in some) for kind in COUNTED)]
        for name, some in by_domain(results).items()
    ]
    header = ["domain", "true objects", "found", *(kind.replace("_", "-")
              for kind in COUNTED[2:])]  # fmt: skip
    return Table("Objects of the label images", header, rows)


def edge_table(results: Sequence[Mapping[str, Any]], cuts: FloatArray) -> Table:
    """Return ODS, OIS, AP and R50 of each domain and of all images."""
    rows: list[list[Any]] = []
    for name, some in by_domain(results).items():
        counts = np.array([result["counts"] for result in some])
        figures = summarize_edges(counts, cuts)
        rows.append([name, len(some), *figures])
    header = ["domain", "images", "ODS", "OIS", "AP", "R50", "threshold of ODS"]
    return Table("Edges", header, rows)


def edge_curve(
    results: Sequence[Mapping[str, Any]],
) -> tuple[FloatArray, FloatArray]:
    """Return recall and precision of all images at each threshold that finds any."""
    total = np.array([result["counts"] for result in results]).sum(axis=0)
    total = total[total[:, 1] > 0]
    precision, recall = precision_recall(total)
    return recall, precision


def group_table(groups: Sequence[Group], measures: Mapping[str, str]) -> Table:
    """Return the mean of each group with its 95 % interval.

    Parameters
    ----------
    groups
        With these measures.
    measures
        Titles by name.
    """
    rows: list[list[Any]] = []
    for group in groups:
        row: list[Any] = [group.name, group.image_count, len(group.images)]
        for name in measures:
            interval = group.interval(name)
            row += [interval.mean, shown_interval(interval)]
        rows.append(row)
    header = ["group", "images", "objects"]
    for title in measures.values():
        header += [title, "95 % interval"]
    return Table("By group", header, rows)
