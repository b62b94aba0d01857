"""How early what is wanted comes in an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import BoolArray


def average_precision(is_wanted: BoolArray) -> float:
    """Return the mean, over all that is wanted, of the precision down to it.

    Parameters
    ----------
    is_wanted
        (N,) in the order in which they come.

    Returns
    -------
    float
        1 if all that is wanted comes first; NaN if nothing is.
    """
    places = np.flatnonzero(is_wanted)
    if not len(places):
        return float("nan")
    return float((np.arange(1, len(places) + 1) / (places + 1)).mean())
