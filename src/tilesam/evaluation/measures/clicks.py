"""How many clicks an object needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tilesam.types import IntArray


def clicks_needed(iou: ArrayLike, target: float) -> IntArray:
    """Return after how many clicks an IoU is reached.

    Parameters
    ----------
    iou
        (N, P) of each object after 1, 2 ... P clicks.
    target
        The IoU to reach.

    Returns
    -------
    IntArray
        (N,) from 1 to P, and P + 1 where P clicks do not suffice.
    """
    reached = np.asarray(iou) >= target
    first = reached.argmax(axis=1)
    needed: IntArray = np.where(reached.any(axis=1), first, reached.shape[1]) + 1
    return needed
