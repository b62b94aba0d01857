"""Which cells of a tile's embedding objects lie on, by the pixels of their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from tilesam.model.configs import PATCH_SIZE
from tilesam.model.preprocessing import resized_hw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tilesam.types import FloatArray, IntArray, Window

ROWS_AT_ONCE = 256
"""Of labels: a bound for what the indices of their pixels take in memory."""


def count_cells(
    labels: IntArray,
    blocks: Iterable[tuple[IntArray, tuple[int, int]]],
    window: Window,
    input_size: int,
) -> sparse.csr_array:
    """Return how many pixels of each object lie in each cell.

    Parameters
    ----------
    labels
        (N,) of the objects, ascending; others in the blocks are passed over.
    blocks
        (h, w) labels, and where in the image each begins.
    window
        What the tile shows; the objects lie in it.
    input_size
        Side of the network's input in pixels, 16 g.

    Returns
    -------
    csr_array
        (N, g g) int64, rows of the cells innermost last as in a flattened embedding. A
        pixel counts for the cell in which its centre lies.
    """
    side = input_size // PATCH_SIZE
    rows, cells, counts = [], [], []
    for block, offset_yx in blocks:
        for start in range(0, len(block), ROWS_AT_ONCE):
            part = block[start : start + ROWS_AT_ONCE]
            begin_yx = (offset_yx[0] + start, offset_yx[1])
            keys = _keys(labels, part, begin_yx, window, input_size)
            found, times = np.unique(keys, return_counts=True)
            rows.append(found // side**2)
            cells.append(found % side**2)
            counts.append(times)
    shape = len(labels), side**2
    if not rows:
        return sparse.csr_array(shape, dtype=np.int64)
    place = np.concatenate(rows), np.concatenate(cells)
    # What several blocks have of one cell is added up.
    return sparse.coo_array((np.concatenate(counts), place), shape=shape).tocsr()


def mean_and_spread(cells: sparse.csr_array, embedding: FloatArray) -> FloatArray:
    """Return (N, 2 D): mean and standard deviation of an embedding over N objects.

    Parameters
    ----------
    cells
        (N, g g) pixels of each object in each cell.
    embedding
        (D, g, g).
    """
    flat = embedding.reshape(len(embedding), -1).T.astype(np.float64)  # (g g, D)
    pixels = np.maximum(np.asarray(cells.sum(axis=1)), 1).reshape(-1, 1)
    mean = cells @ flat / pixels
    variance = cells @ flat**2 / pixels - mean**2
    return np.concatenate([mean, np.sqrt(np.maximum(variance, 0))], axis=1)


def _keys(
    labels: IntArray,
    block: IntArray,
    offset_yx: tuple[int, int],
    window: Window,
    input_size: int,
) -> IntArray:
    """Return number of object times cells plus cell for each pixel of the objects."""
    side = input_size // PATCH_SIZE
    y, x = np.nonzero(block)
    values = block[y, x].astype(np.int64)
    number = np.minimum(np.searchsorted(labels, values), len(labels) - 1)
    is_wanted = labels[number] == values
    number, y, x = number[is_wanted], y[is_wanted], x[is_wanted]
    scales = np.array(resized_hw((window.height, window.width), input_size)) / (
        window.height,
        window.width,
    )
    cell_y = (y + offset_yx[0] - window.y0 + 0.5) * scales[0] // PATCH_SIZE
    cell_x = (x + offset_yx[1] - window.x0 + 0.5) * scales[1] // PATCH_SIZE
    cell = np.clip(cell_y, 0, side - 1) * side + np.clip(cell_x, 0, side - 1)
    keys: IntArray = number * side**2 + cell.astype(np.int64)
    return keys
