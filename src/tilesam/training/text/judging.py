"""Whether a mask is a labelled object, a piece of one, several, or none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.masks.pairs import intersection_areas, overlapping_extents

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import FloatArray, IntArray

GOOD_IOU, BAD_IOU = 0.6, 0.4
"""From the first on a mask is the object, up to the second it is not."""


class Judged(NamedTuple):
    """Each of N masks compared with the labelled objects.

    Parameters
    ----------
    iou
        (N,) with the object that it fits best; 0 where it touches none.
    best
        (N,) which object that is, or -1.
    what
        N times "good", "between", or a key of `tilesam.text.words.LEFTOVERS`.
    """

    iou: FloatArray
    best: IntArray
    what: tuple[str, ...]


def judge(masks: RunMasks, objects: RunMasks) -> Judged:
    """Compare masks with the labelled objects of an image.

    Parameters
    ----------
    masks
        N of them.
    objects
        The truth.
    """
    pairs = overlapping_extents(masks.extents_yxyx, objects.extents_yxyx)
    shared = intersection_areas(masks, objects, pairs).astype(np.float64)
    own, theirs = masks.areas[pairs[:, 0]], objects.areas[pairs[:, 1]]
    iou = shared / np.maximum(own + theirs - shared, 1)
    best = np.full(len(masks), -1, np.int64)
    best_iou = np.zeros(len(masks))
    for row in np.argsort(iou, kind="stable"):  # the best one comes last
        if shared[row]:
            best[pairs[row, 0]], best_iou[pairs[row, 0]] = pairs[row, 1], iou[row]
    covered = np.bincount(pairs[:, 0], shared, len(masks)) / np.maximum(masks.areas, 1)
    whole = np.bincount(
        pairs[:, 0], shared > 0.5 * np.maximum(theirs, 1), minlength=len(masks)
    )
    return Judged(best_iou, best, tuple(map(_name, best_iou, covered, whole)))


def _name(iou: float, covered: float, whole: float) -> str:
    if iou >= GOOD_IOU:
        return "good"
    if whole >= 2:
        return "group"
    if iou > BAD_IOU:
        return "between"
    return "piece" if covered > 0.6 else "background"
