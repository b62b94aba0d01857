"""What was found in a large region as a pyramid that is painted where it is seen."""

from __future__ import annotations

from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

from tilesam.everything.segmentation import Segmentation
from tilesam.masks.run_masks import Extent

CHUNK = 1024


def painted_levels(segmentation: Segmentation, extent: Extent) -> list[Any]:
    """Return label arrays of a part of an image, each half as large as the one before.

    Parameters
    ----------
    segmentation
        Is asked for the labels of a chunk whenever that is read; nothing is kept.
    extent
        The part, (y0, x0, y1, x1).

    Returns
    -------
    list
        Dask arrays, (h, w) uint32, the finest first; the last is of one chunk.
    """
    y0, x0, y1, x1 = extent
    levels, step = [], 1
    while True:
        shape = -(-(y1 - y0) // step), -(-(x1 - x0) // step)
        levels.append(_level(segmentation, extent, shape, step))
        if max(shape) <= CHUNK:
            return levels
        step *= 2


def _level(
    segmentation: Segmentation, extent: Extent, shape: tuple[int, int], step: int
) -> Any:
    blank = da.zeros(shape, np.uint32, chunks=CHUNK)
    paint = partial(_paint, segmentation=segmentation, extent=extent, step=step)
    # Without a name dask would look at all masks to find one.
    name = f"painted-{id(segmentation)}-{step}"
    return da.map_blocks(paint, blank, dtype=np.uint32, name=name)


def _paint(
    _blank: NDArray[np.uint32],
    *,
    segmentation: Segmentation,
    extent: Extent,
    step: int,
    block_info: Any = None,
) -> NDArray[np.uint32]:
    (top, bottom), (left, right) = block_info[None]["array-location"]
    y0, x0, y1, x1 = extent
    part = (
        *(y0 + top * step, x0 + left * step),
        *(min(y0 + bottom * step, y1), min(x0 + right * step, x1)),
    )
    return segmentation.labels(part, step=step)
