"""Where a window is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.masks.run_masks import Extent
    from tilesam.types import FloatArray


def build_point_grid(extent: Extent, points_per_side: int) -> FloatArray:
    """Return points evenly over a rectangle, row by row.

    Parameters
    ----------
    extent
        Of the image.
    points_per_side
        Along each side, however long it is.

    Returns
    -------
    FloatArray
        (points_per_side ** 2, 2) `(y, x)`, half a step away from the edges.

    Notes
    -----
    As in the released generator a share of a side is taken as the index of a pixel,
    which is half a pixel right of and below the even grid.
    """
    y0, x0, y1, x1 = extent
    shares = (np.arange(points_per_side, dtype=np.float64) + 0.5) / points_per_side
    rows, columns = y0 + shares * (y1 - y0), x0 + shares * (x1 - x0)
    grid = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1)
    return grid.reshape(-1, 2)
