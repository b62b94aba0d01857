"""Tables of clicks and boxes beside those of the domains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.experiments.boxes import mask_average_precision
from tilesam.evaluation.experiments.experiment import to_scores
from tilesam.evaluation.experiments.points import (
    COUNTS,
    PREDICTED,
    RANDOM,
    SAMPLED,
    TARGETS,
    oracle_name,
    predicted_name,
)
from tilesam.evaluation.measures.precision import IOU_THRESHOLDS, SIZES, size_of
from tilesam.evaluation.metrics import summarize
from tilesam.evaluation.reporting.tables import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.types import FloatArray


def count_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return the IoU for each number of points, mean over domains."""
    mean = summarize(to_scores(results)).mean
    rows = [
        [points, *(mean.get(prefix + name, np.nan) for prefix in ("", RANDOM)
                   for name in (COUNTS[points], oracle_name(points)))]
        for points in COUNTS
        if COUNTS[points] in mean or RANDOM + COUNTS[points] in mean
    ]  # fmt: skip
    header = ["points", "centre", "centre, best of 3", "anywhere",
              "anywhere, best of 3"]  # fmt: skip
    return Table("IoU by number of points, mean over domains", header, rows)


def clicks_table(results: Sequence[Mapping[str, Any]], most: int) -> Table:
    """Return how many clicks objects need, and which share of them never gets there.

    Parameters
    ----------
    results
        Of all images.
    most
        Clicks that were made; objects that need more count as one more.
    """
    scores = to_scores(results)
    rows: list[list[Any]] = []
    for prefix, title in SAMPLED.items():
        for target, name in TARGETS.items():
            values = [s.scores[prefix + name] for s in scores
                      if prefix + name in s.scores]  # fmt: skip
            if values:
                failed = float(np.mean(np.array(values) > most))
                rows.append([f"{title}, IoU {target:.2f}", float(np.mean(values)),
                             float(np.median(values)), failed])  # fmt: skip
    header = ["target", "mean clicks", "median", f"share not reached in {most}"]
    return Table("Clicks needed, over all objects", header, rows)


ALL_OBJECTS = "all objects"


def calibration_table(results: Sequence[Mapping[str, Any]], measure: str) -> Table:
    """Return how well predicted IoU tells the true one, by domain.

    Parameters
    ----------
    results
        Of all images.
    measure
        Whose IoU was predicted.
    """
    estimate = (RANDOM if measure.startswith(RANDOM) else "") + PREDICTED
    groups: dict[str, list[ObjectScore]] = {}
    for score in to_scores(results):
        if estimate in score.scores:
            groups.setdefault(score.domain, []).append(score)
            groups.setdefault(ALL_OBJECTS, []).append(score)
    rows: list[list[Any]] = [
        [name, len(some), *calibration(*_pairs(some, estimate, measure))]
        for name, some in sorted(groups.items(), key=_all_last)
    ]
    header = ["domain", "objects", "correlation", "mean absolute error"]
    return Table("Predicted and true IoU of the first answer", header, rows)


def _all_last(group: tuple[str, object]) -> tuple[bool, str]:
    return group[0] == ALL_OBJECTS, group[0]


def _pairs(
    scores: Sequence[ObjectScore], estimate: str, measure: str
) -> tuple[FloatArray, FloatArray]:
    predicted, true = (
        np.array([score.scores[name] for score in scores])
        for name in (estimate, measure)
    )
    return predicted, true


def calibration(predicted: FloatArray, true: FloatArray) -> tuple[float, float]:
    """Return the correlation of predicted with true IoU, and the mean absolute error.

    The correlation is NaN where one of them is the same for all.
    """
    error = float(np.abs(predicted - true).mean())
    if predicted.std() < 1e-12 or true.std() < 1e-12:
        return float("nan"), error
    return float(np.corrcoef(predicted, true)[0, 1]), error


def judgement_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return how well predicted IoU tells the true one after each number of points."""
    scores = to_scores(results)
    rows: list[list[Any]] = []
    for prefix, title in SAMPLED.items():
        for points, name in COUNTS.items():
            estimate = prefix + predicted_name(points)
            judged = [score for score in scores if estimate in score.scores]
            if judged:
                figures = calibration(*_pairs(judged, estimate, prefix + name))
                rows.append([f"{points}, {title}", len(judged), *figures])
    header = ["clicks", "objects", "correlation", "mean absolute error"]
    return Table("Predicted and true IoU by number of points", header, rows)


def size_table(results: Sequence[Mapping[str, Any]], measure: str = "box") -> Table:
    """Return the IoU and mask AP of small, medium and large objects."""
    scores = to_scores(results)
    precision = mask_average_precision(results)
    rows: list[list[Any]] = []
    for size in SIZES:
        own = [s.scores[measure] for s in scores if size in ("all", size_of(s.area))]
        ap = precision[size]
        mean = float(np.mean(own)) if own else float("nan")
        at = [float(ap[IOU_THRESHOLDS.index(t)]) for t in (0.5, 0.75)]
        rows.append([size, len(own), mean, float(ap.mean()), *at])
    header = ["size", "objects", "mIoU", "mask AP", "AP at 0.50", "AP at 0.75"]
    return Table("By size, over all objects", header, rows)


def precision_table(results: Sequence[Mapping[str, Any]]) -> Table:
    """Return the mask AP of each domain and the mean over domains."""
    domains: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        domains.setdefault(result["domain"], []).append(result)
    rows: list[list[Any]] = []
    for name, some in sorted(domains.items()):
        ap = mask_average_precision(some)
        rows.append([name, *(float(ap[size].mean()) for size in SIZES)])
    columns = np.array([row[1:] for row in rows], np.float64)
    known = [column[~np.isnan(column)] for column in columns.T]
    means = [float(c.mean()) if len(c) else float("nan") for c in known]
    header = ["domain", "mask AP", *(f"AP {size}" for size in SIZES if size != "all")]
    return Table("Mask AP by domain", header, [*rows, ["mean over domains", *means]])
