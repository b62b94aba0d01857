"""Label images compared as microscopists do: PQ, AJI, SBD, splits and merges."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.evaluation.measures.overlaps import pair_up

if TYPE_CHECKING:
    from tilesam.evaluation.measures.overlaps import Overlaps

MATCH_IOU = 0.5
"""Objects of two label images with a higher IoU are the same; no other can be, too."""

MAJORITY = 0.5


class Panoptic(NamedTuple):
    """Panoptic quality and its two factors.

    Parameters
    ----------
    pq
        `sq * rq`.
    sq
        Mean IoU of the objects that were found; 0 if none was.
    rq
        F1 score of finding them; 1 where there is nothing and nothing was found.
    """

    pq: float
    sq: float
    rq: float


def panoptic_quality(overlaps: Overlaps) -> Panoptic:
    """Return the panoptic quality of one class.

    Parameters
    ----------
    overlaps
        Of two label images, so that the masks of neither overlap.

    Notes
    -----
    Kirillov et al. 2019, "Panoptic Segmentation".
    """
    found, truth = overlaps.shared.shape
    if found + truth == 0:
        return Panoptic(1.0, 1.0, 1.0)
    iou = overlaps.iou
    matches = iou[iou > MATCH_IOU]
    quality = float(matches.mean()) if len(matches) else 0.0
    recognition = 2 * len(matches) / (found + truth)
    return Panoptic(quality * recognition, quality, recognition)


def aggregated_jaccard(overlaps: Overlaps) -> float:
    """Return the aggregated Jaccard index; 1 where there is nothing at all.

    Every true object is joined with the found one of the highest IoU, which may serve
    several; found objects that serve none count as wrong with all their pixels.

    Notes
    -----
    Kumar et al. 2017, "A Dataset and a Technique for Generalized Nuclear Segmentation
    for Computational Pathology".
    """
    if not overlaps.shared.size:
        areas = overlaps.found_areas.sum() + overlaps.true_areas.sum()
        return float(areas == 0)
    shared = union = 0
    used = np.zeros(len(overlaps.found_areas), np.bool_)
    best = overlaps.iou.argmax(axis=0)
    for column, row in enumerate(best):
        common = int(overlaps.shared[row, column])
        shared += common
        union += int(overlaps.true_areas[column])
        if common:
            union += int(overlaps.found_areas[row]) - common
            used[row] = True
    union += int(overlaps.found_areas[~used].sum())
    return shared / max(union, 1)


def symmetric_best_dice(overlaps: Overlaps) -> float:
    """Return the lower of both mean best Dice coefficients; 1 where nothing is.

    Each object of one label image takes the best of the other one; the mean is taken
    for both images.

    Notes
    -----
    Scharr et al. 2016, "Leaf segmentation in plant phenotyping: a collation study".
    """
    found, truth = overlaps.shared.shape
    if not found or not truth:
        return float(found == truth)
    dice = overlaps.dice
    return float(min(dice.max(axis=1).mean(), dice.max(axis=0).mean()))


class Splits(NamedTuple):
    """What was cut into pieces, melted into one, or found several times.

    Parameters
    ----------
    over_segmented
        True objects with two or more found ones that lie mostly inside of them.
    under_segmented
        Found objects that hold most of each of two or more true ones.
    missed
        True objects that no found one is paired with, at an IoU above 0.5.
    spurious
        Found objects that share no pixel with a true one.
    """

    over_segmented: int
    under_segmented: int
    missed: int
    spurious: int


def count_splits(overlaps: Overlaps) -> Splits:
    """Return how many objects of a label image are cut, melted, missed or made up."""
    pieces = (overlaps.of_found > MAJORITY).sum(axis=0)
    melted = (overlaps.of_truth > MAJORITY).sum(axis=1)
    matched = len(pair_up(overlaps.iou, MATCH_IOU))
    return Splits(
        int((pieces > 1).sum()),
        int((melted > 1).sum()),
        overlaps.shared.shape[1] - matched,
        int((overlaps.shared.sum(axis=1) == 0).sum()),
    )


def count_duplicates(overlaps: Overlaps) -> int:
    """Return how many masks show an object that another mask shows already.

    Parameters
    ----------
    overlaps
        Of masks that may overlap with true objects.

    Returns
    -------
    int
        Masks with an IoU of at least 0.5 to a true object, less one for each object;
        a mask counts for the object with which its IoU is highest.
    """
    if not overlaps.shared.size:
        return 0
    iou = overlaps.iou
    best = iou.argmax(axis=1)
    is_hit = iou[np.arange(len(iou)), best] >= MATCH_IOU
    return int(is_hit.sum() - len(np.unique(best[is_hit])))
