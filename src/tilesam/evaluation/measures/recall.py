"""Average recall of the first proposals, as detectors are measured on COCO."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.evaluation.measures.precision import IOU_THRESHOLDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import FloatArray


def found_at(iou: FloatArray, most: int) -> FloatArray:
    """Return with which IoU each true object is among the first proposals.

    Parameters
    ----------
    iou
        (N, K) of proposals, the best ranked first, and true objects.
    most
        How many of the proposals count.

    Returns
    -------
    FloatArray
        (K,) IoU with the proposal that stands for it. A proposal stands for one object
        only: pairs are made from the highest IoU downwards. 0 of objects without one.

    Notes
    -----
    Hosang et al. 2015, "What makes for effective detection proposals?".
    """
    table = np.array(iou[:most], np.float64)
    found = np.zeros(iou.shape[1])
    rows, columns = np.nonzero(table > 0)
    order = np.argsort(-table[rows, columns], kind="stable")
    used_rows = np.zeros(len(table), np.bool_)
    for row, column in zip(rows[order], columns[order], strict=True):
        if not used_rows[row] and not found[column]:
            used_rows[row] = True
            found[column] = table[row, column]
    return found


def average_recall(
    found: FloatArray, thresholds: Sequence[float] = IOU_THRESHOLDS
) -> float:
    """Return the share of objects that are found, mean over IoU 0.50, 0.55 ... 0.95.

    Parameters
    ----------
    found
        (K,) from `found_at`, of all images.
    thresholds
        Of the IoU.

    Returns
    -------
    float
        NaN if there are no objects.
    """
    if not len(found):
        return float("nan")
    # A threshold of 0.55 is met by 11 of 20 pixels, however both are rounded.
    reached = found[:, None] >= np.asarray(thresholds)[None] - 1e-9
    return float(reached.mean())
