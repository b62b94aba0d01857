"""Which of the refined masks is shown first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.types import BACKGROUND, FOREGROUND

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import BoolArray, FloatArray, IntArray

FAVOUR = 0.2
"""How much better than the correction an alternative has to be to come first."""

PER_WRONG_CLICK = 0.4
"""What a mask loses for each click that it contradicts."""


def order_refined(
    predicted_iou: NDArray[np.floating],
    wrong_clicks: IntArray,
    *,
    is_ambiguous: bool,
) -> IntArray:
    """Return the masks of one object in the order in which they are shown.

    Parameters
    ----------
    predicted_iou
        (C,) by the refiner.
    wrong_clicks
        (C,), see `count_wrong_clicks`.
    is_ambiguous
        Whether one point alone was asked. Else the first mask is the answer, and the
        others have to be better by far.

    Returns
    -------
    IntArray
        (C,) indices.
    """
    worth = predicted_iou - PER_WRONG_CLICK * wrong_clicks
    if not is_ambiguous:
        worth = worth + np.where(np.arange(len(worth)) == 0, FAVOUR, 0.0)
    return np.argsort(-worth, kind="stable")


def count_wrong_clicks(
    mask: BoolArray,
    offset_yx: tuple[int, int],
    points_yx: FloatArray,
    point_labels: IntArray,
) -> int:
    """Return how many clicks a mask contradicts.

    Parameters
    ----------
    mask
        (h, w) crop; everything outside of it is background.
    offset_yx
        Of the crop in the image.
    points_yx, point_labels
        (P, 2) and (P,) of 1, 0 and -1 for no point.
    """
    y, x = np.floor(points_yx + 0.5).astype(np.int64).T - np.array(offset_yx)[:, None]
    height, width = mask.shape
    is_in_crop = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    is_in_mask = np.zeros(len(points_yx), bool)
    is_in_mask[is_in_crop] = mask[y[is_in_crop], x[is_in_crop]]
    missed = (point_labels == FOREGROUND) & ~is_in_mask
    superfluous = (point_labels == BACKGROUND) & is_in_mask
    return int((missed | superfluous).sum())
