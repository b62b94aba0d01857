"""Masks as a label image, or a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from tilesam.masks.run_masks import Extent, RunMasks
    from tilesam.types import IntArray

PIXELS_AT_ONCE = 2**22
"""Masks overlap, so that a set of them may have more pixels than the canvas."""


def paint(
    masks: RunMasks,
    values: ArrayLike,
    extent: Extent,
    dtype: DTypeLike = np.uint32,
    *,
    step: int = 1,
) -> NDArray[Any]:
    """Paint masks in their order; later ones paint over earlier ones.

    Parameters
    ----------
    masks
        N masks, anywhere.
    values
        (N,) what to paint each with.
    extent
        The part of the image to paint, (y0, x0, y1, x1).
    dtype
        Of the result.
    step
        Of how many rows, and columns, one is painted, beginning with the first of the
        part; costs as much less.

    Returns
    -------
    NDArray
        (y1 - y0, x1 - x0), 0 where there is no mask; every `step`-th row and column of
        that.
    """
    y0, x0, y1, x1 = extent
    height, width = -(-(y1 - y0) // step), -(-(x1 - x0) // step)
    canvas = np.zeros(height * width, dtype)
    seen = masks.clipped(extent)
    rows = seen.rows.astype(np.int64) - y0
    starts, stops = -(-(seen.starts - x0) // step), -(-(seen.stops - x0) // step)
    painted = (rows % step == 0) & (starts < stops)
    first = (rows[painted] // step) * width + starts[painted]
    color = np.asarray(values, dtype)[seen.mask_of_run[painted]]
    _paint_runs(canvas, first, (stops - starts)[painted].astype(np.int64), color)
    return canvas.reshape(height, width)


def _paint_runs(
    canvas: NDArray[Any], first: IntArray, lengths: IntArray, color: NDArray[Any]
) -> None:
    painted = np.cumsum(lengths)
    start = 0
    while start < len(first):
        before = painted[start] - lengths[start]
        stop = int(np.searchsorted(painted, before + PIXELS_AT_ONCE, "right"))
        runs = slice(start, max(stop, start + 1))
        # Where a pixel occurs twice NumPy keeps what is assigned last.
        pixels = concatenated_ranges(first[runs], lengths[runs])
        canvas[pixels] = np.repeat(color[runs], lengths[runs])
        start = runs.stop
