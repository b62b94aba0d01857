"""Average precision of masks with scores, as COCO defines it.

One class, IoU thresholds 0.50, 0.55 ... 0.95, precision at 101 recalls. Objects of
other sizes than the one asked for are neither wanted nor wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import BoolArray, FloatArray, IntArray

IOU_THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))

RECALLS = np.linspace(0.0, 1.0, 101)

SIZES: dict[str, tuple[float, float]] = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""Areas in pixels, both ends included, by COCO's names."""


@dataclass(frozen=True, eq=False)
class Matches:
    """What became of the detections of one image, for objects of one size.

    Parameters
    ----------
    scores
        (N,) falling.
    is_hit, is_ignored
        (T, N) at each IoU threshold: whether it is a wanted object, and whether it
        counts neither way.
    wanted
        Number of objects of that size.
    """

    scores: FloatArray
    is_hit: BoolArray
    is_ignored: BoolArray
    wanted: int


def size_of(area: float) -> str:
    """Return "small", "medium" or "large"; on a border the smaller one."""
    return next(
        name for name, (_, most) in SIZES.items() if name != "all" and area <= most
    )


def match_detections(
    iou: FloatArray,
    scores: FloatArray,
    *,
    areas: IntArray,
    true_areas: IntArray,
    size: str = "all",
    most: int = 1000,
) -> Matches:
    """Give every detection of an image the best object that is left.

    Parameters
    ----------
    iou
        (N, K) of detections and objects.
    scores
        (N,) of the detections; the highest choose first.
    areas, true_areas
        (N,) and (K,) pixels.
    size
        Key of `SIZES`.
    most
        Detections that count, the highest scores.
    """
    low, high = SIZES[size]
    order = np.argsort(-scores, kind="stable")[:most]
    is_other = (true_areas < low) | (true_areas > high)
    # Wanted objects are looked at first; others only where none of them fits.
    columns = np.argsort(is_other, kind="stable")
    is_other, table = is_other[columns], iou[order][:, columns]
    is_hit = np.zeros((len(IOU_THRESHOLDS), len(order)), np.bool_)
    is_ignored = np.zeros_like(is_hit)
    for place, threshold in enumerate(IOU_THRESHOLDS):
        taken = np.full(len(columns), -1, np.int64)
        for row, values in enumerate(table):
            column = _choose(values, taken, is_other, threshold)
            if column is not None:
                taken[column] = row
                is_ignored[place, row] = is_other[column]
                is_hit[place, row] = not is_other[column]
    is_off_size = (areas[order] < low) | (areas[order] > high)
    is_ignored |= ~is_hit & is_off_size[None]
    return Matches(scores[order], is_hit, is_ignored, int((~is_other).sum()))


def _choose(
    values: FloatArray, taken: IntArray, is_other: BoolArray, threshold: float
) -> int | None:
    """Return the free object with the highest IoU, of equals the last; or None."""
    for group in (~is_other, is_other):
        free = np.flatnonzero(
            group & (taken < 0) & (values >= min(threshold, 1 - 1e-10))
        )
        if len(free):
            best = values[free].max()
            return int(free[np.flatnonzero(values[free] == best)[-1]])
    return None


def average_precision(matches: Sequence[Matches]) -> FloatArray:
    """Return the average precision at each IoU threshold.

    Parameters
    ----------
    matches
        Of all images, for objects of one size.

    Returns
    -------
    FloatArray
        (T,) in [0, 1]; NaN if there are no such objects.
    """
    wanted = sum(image.wanted for image in matches)
    if not wanted:
        return np.full(len(IOU_THRESHOLDS), np.nan)
    scores = np.concatenate([image.scores for image in matches])
    order = np.argsort(-scores, kind="stable")
    is_hit = np.concatenate([image.is_hit for image in matches], axis=1)[:, order]
    is_ignored = np.concatenate([image.is_ignored for image in matches], axis=1)
    is_ignored = is_ignored[:, order]
    return np.array(
        [
            _area_under(hit[~ignored], wanted)
            for hit, ignored in zip(is_hit, is_ignored, strict=True)
        ]
    )


def _area_under(is_hit: BoolArray, wanted: int) -> float:
    """Return the mean precision at 101 recalls, made falling from the right."""
    hits = np.cumsum(is_hit)
    recall = hits / wanted
    precision = hits / np.maximum(np.arange(1, len(hits) + 1), np.spacing(1.0))
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    reached = places < len(precision)
    return float(precision[places[reached]].sum() / len(RECALLS))
