"""Masks as a label image, or a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from tilesam.masks.run_masks import Extent, RunMasks

PIXELS_AT_ONCE = 2**22
"""Masks overlap, so that a set of them may have more pixels than the canvas."""


def paint(
    masks: RunMasks, values: ArrayLike, extent: Extent, dtype: DTypeLike = np.uint32
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

    Returns
    -------
    NDArray
        (y1 - y0, x1 - x0), 0 where there is no mask.
    """
    y0, x0, y1, x1 = extent
    width = x1 - x0
    canvas = np.zeros((y1 - y0) * width, dtype)
    seen = masks.clipped(extent)
    color = np.asarray(values, dtype)[seen.mask_of_run]
    first = (seen.rows.astype(np.int64) - y0) * width + seen.starts - x0
    lengths = seen.stops.astype(np.int64) - seen.starts
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
    return canvas.reshape(y1 - y0, width)
