"""What is asked about an object of which the truth is known.

All coordinates are `(y, x)` pixel centres of the array that holds the mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

if TYPE_CHECKING:
    from tilesam.types import BoolArray, FloatArray

Point = tuple[float, float]
Extent = tuple[slice, slice]


class Correction(NamedTuple):
    """A further click: where, and whether it belongs to the object (1) or not (0)."""

    point_yx: Point
    label: int


def extent(mask: BoolArray) -> Extent:
    """Return the rows and columns of a non-empty (H, W) mask, tightly.

    Raises
    ------
    ValueError
        If the mask is empty.
    """
    rows = np.flatnonzero(np.logical_or.reduce(mask, axis=1))
    columns = np.flatnonzero(np.logical_or.reduce(mask, axis=0))
    if not len(rows):
        raise ValueError(f"mask of shape {mask.shape} is empty; it has no extent")
    return (
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )


def tight_box(mask: BoolArray) -> FloatArray:
    """Return the smallest box around a mask.

    Returns
    -------
    FloatArray
        (4,) float64, `(y0, x0, y1, x1)`: the centres of the outermost pixels.
    """
    rows, columns = extent(mask)
    corners = rows.start, columns.start, rows.stop - 1, columns.stop - 1
    return np.array(corners, dtype=np.float64)


def center_point(mask: BoolArray) -> Point:
    """Return the pixel of a mask that is farthest from everything outside of it.

    What is beyond the border of the array counts as outside. Of several such pixels it
    is the first by rows.

    Raises
    ------
    ValueError
        If the mask is empty.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", appendix D.1: the maximum of the interior
    distance transform.
    """
    rows, columns = extent(mask)
    (y, x), _ = _deepest(mask[rows, columns])
    return y + rows.start, x + columns.start


def next_point(truth: BoolArray, answer: BoolArray) -> Correction | None:
    """Return the click that corrects an answer: the middle of its worst error.

    Parameters
    ----------
    truth, answer
        (H, W) bool.

    Returns
    -------
    Correction or None
        The pixel deepest inside of what is missing (label 1) or of what is too much
        (label 0), whichever is deeper; a tie goes to what is missing. None if the
        answer is perfect.
    """
    errors = truth != answer
    if not errors.any():
        return None
    rows, columns = extent(errors)
    inside, found = truth[rows, columns], answer[rows, columns]
    missing, missing_depth = _deepest(inside & ~found)
    extra, extra_depth = _deepest(found & ~inside)
    is_missing = missing_depth >= extra_depth
    y, x = missing if is_missing else extra
    return Correction((y + rows.start, x + columns.start), int(is_missing))


def _deepest(mask: BoolArray) -> tuple[Point, float]:
    """Return the pixel farthest from the outside, and how far; (0, 0), 0 if empty."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return (float(y), float(x)), float(depth[y, x])
