"""Where low-resolution logits of a window lie in the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.model.preprocessing import resized_hw

if TYPE_CHECKING:
    from tilesam.types import Float32Array, FloatArray, Window


def covered_hw(window: Window, input_size: int) -> tuple[float, float]:
    """Return what the logits of a window cover, padding and all, in image pixels."""
    new_hw = resized_hw((window.height, window.width), input_size)
    return input_size * window.height / new_hw[0], input_size * window.width / new_hw[1]


def cell_centres(side: int, window: Window, input_size: int) -> FloatArray:
    """Return where the cells of (side, side) logits of a window lie.

    Returns
    -------
    FloatArray
        (2, side), y of each row and x of each column, in pixels of the image.
    """
    covered = covered_hw(window, input_size)
    starts = window.y0, window.x0
    cells = (np.arange(side) + 0.5) / side
    return np.stack([starts[i] + cells * covered[i] - 0.5 for i in (0, 1)])


def corners_of(
    logits: Float32Array, window: Window, input_size: int
) -> list[FloatArray]:
    """Return the upper left and the lower right cell of a mask; none if it is empty.

    Parameters
    ----------
    logits
        (4g, 4g) of the window.

    Returns
    -------
    list of FloatArray
        (y, x) in pixels of the image.
    """
    rows = np.flatnonzero((logits > 0).any(axis=1))
    columns = np.flatnonzero((logits > 0).any(axis=0))
    if not len(rows):
        return []
    y, x = cell_centres(len(logits), window, input_size)
    return [np.array([y[rows[end]], x[columns[end]]]) for end in (0, -1)]
