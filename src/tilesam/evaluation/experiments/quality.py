"""Masks as they were made, compared with what a person made of them.

Kirillov et al. 2023, "Segment Anything", section 6, "Mask quality".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilesam.evaluation.measures.overlaps import count_overlaps, pair_up
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tilesam.types import FloatArray, IntArray

SHARES = (0.9, 0.75)
"""IoU above which a mask hardly needed correction, and needed little."""


@dataclass(frozen=True, eq=False)
class Corrections:
    """What became of the automatic masks of one image.

    Parameters
    ----------
    iou
        (n,) of each mask that is still there with its corrected version.
    object_ids
        (n,) labels of these in the corrected image.
    removed, added
        Masks that have no corrected version, and corrected ones that are new.
    """

    iou: FloatArray
    object_ids: IntArray
    removed: int
    added: int


def compare_corrected(
    automatic: NDArray[np.integer], corrected: NDArray[np.integer]
) -> Corrections:
    """Pair the objects of two label images of one size, and compare the pairs.

    Pairs are those that share pixels and whose IoU add up to most; labels need not be
    equal.
    """
    first, _ = RunMasks.from_labels(automatic)
    second, names = RunMasks.from_labels(corrected)
    overlaps = count_overlaps(first, second)
    pairs = pair_up(overlaps.iou, 0.0)
    order = np.argsort(pairs[:, 1], kind="stable")
    pairs = pairs[order]
    return Corrections(
        overlaps.iou[pairs[:, 0], pairs[:, 1]],
        names[pairs[:, 1]].astype(np.int64),
        removed=len(first) - len(pairs),
        added=len(second) - len(pairs),
    )


def share_above(iou: ArrayLike, threshold: float) -> float:
    """Return which share of masks has a higher IoU; NaN if there are none."""
    values = np.asarray(iou, np.float64)
    return float((values > threshold).mean()) if values.size else float("nan")
