"""Upsample only the part of a mask where there is one, exactly as the whole would be.

Both interpolations between the decoder's grid and the window are bilinear: linear and
separable. So rows and columns of the result are products with two narrow matrices, and
any rectangle can be computed by itself. A pixel whose sources all lie at or below a
level cannot exceed it, which tells where not to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from tilesam.model.preprocessing import resized_hw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tilesam.types import BoolArray, Float32Array

ROWS_AT_ONCE = 512
"""Logits exist for so many rows of a crop at a time; only the mask exists whole."""


@dataclass(frozen=True, eq=False)
class MaskCrop:
    """A mask cut to its bounding box, and how it would look cut at other levels.

    Parameters
    ----------
    mask
        (h, w) bool, logits above 0; (0, 0) if there are none.
    offset_yx
        Position of the crop's first pixel in the window; (0, 0) if it is empty.
    stability_score
        IoU of the mask cut at -1 and +1; 0 if the wider one is empty.
    """

    mask: BoolArray
    offset_yx: tuple[int, int]
    stability_score: float


def crop_mask(
    low_res_logits: Float32Array,
    *,
    window_hw: tuple[int, int],
    input_size: int,
    visible_hw: tuple[int, int] | None = None,
    hidden_hw: tuple[int, int] = (0, 0),
    stability_offset: float = 1.0,
) -> MaskCrop:
    """Upsample logits to the pixels of a window, threshold and crop them.

    Parameters
    ----------
    low_res_logits
        (4g, 4g) float, unthresholded.
    window_hw
        Height and width of the window in image pixels.
    input_size
        Side of the network's input in pixels.
    visible_hw
        How much of the window is inside the image; what lies beyond is in no mask. By
        default all of it.
    hidden_hw
        How many of its first rows and columns are not.
    stability_offset
        In units of logits; positive.

    Raises
    ------
    ValueError
        If `stability_offset` is not positive.

    Notes
    -----
    Stability: Kirillov et al. 2023, "Segment Anything", section 5 and appendix B.
    """
    if stability_offset <= 0:
        raise ValueError(f"stability_offset is {stability_offset}; must be positive")
    kept_hw = resized_hw(window_hw, input_size)
    axes = [
        _axis(low_res_logits.shape[i], input_size, kept_hw[i], window_hw[i])
        for i in range(2)
    ]
    # The widest of the three masks decides how much is looked at.
    above = np.asarray(low_res_logits > -stability_offset)
    visible = visible_hw or window_hw
    rows, columns = (
        axes[i].reached_by(np.any(above, axis=1 - i), slice(hidden_hw[i], visible[i]))
        for i in (0, 1)
    )
    mask = np.empty((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    loose = tight = 0
    for strip, logits in _logit_strips(low_res_logits, axes, rows, columns):
        mask[strip] = logits > 0
        loose += int(np.count_nonzero(logits > -stability_offset))
        tight += int(np.count_nonzero(logits > stability_offset))
    trimmed, (y, x) = _trim(mask)
    offset_yx = (rows.start + y, columns.start + x) if trimmed.size else (0, 0)
    return MaskCrop(trimmed, offset_yx, tight / loose if loose else 0.0)


@dataclass(frozen=True, eq=False)
class _Axis:
    """Where along one axis each pixel of the window gets its value from.

    Pixel i of n is `weights[i] @ low_res[first[i] : first[i] + 4]`: two pixels of the
    resized window, each between two cells of the grid, and the same cells may recur.
    """

    cells: NDArray[np.int64]  # (n, 4) indices into the low-resolution axis
    weights: Float32Array  # (n, 4), each row sums to one
    size: int  # of the low-resolution axis

    def reached_by(self, is_source: BoolArray, visible: slice) -> slice:
        """Return the visible pixels that get anything from the marked cells."""
        is_used = is_source[self.cells] & (self.weights > 0)
        reached = visible.start + np.flatnonzero(is_used[visible].any(axis=1))
        if reached.size == 0:
            return slice(0, 0)
        return slice(int(reached[0]), int(reached[-1]) + 1)

    def matrix(self, pixels: slice) -> Float32Array:
        """Return the (pixels, low-resolution cells) interpolation matrix."""
        cells, weights = self.cells[pixels], self.weights[pixels]
        dense = np.zeros((len(cells), self.size), np.float32)
        rows = np.arange(len(cells))
        for tap in range(4):
            dense[rows, cells[:, tap]] += weights[:, tap]
        return dense


@lru_cache(maxsize=32)
def _axis(low_size: int, input_size: int, kept: int, window_size: int) -> _Axis:
    """Compose grid -> input (of which `kept` pixels are the window) -> window."""
    to_grid, grid_weights = _bilinear_taps(low_size, input_size)
    to_input, input_weights = _bilinear_taps(kept, window_size)
    cells = to_grid[to_input].reshape(-1, 4)
    weights = (input_weights[..., np.newaxis] * grid_weights[to_input]).reshape(-1, 4)
    return _Axis(cells, weights.astype(np.float32), low_size)


def _bilinear_taps(
    source_size: int, target_size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the (target, 2) source indices and weights, as torch interpolates.

    Pixel centres are at half-integers (`align_corners=False`), and what would lie
    before the first or after the last centre repeats it.
    """
    scale = source_size / target_size
    position = np.maximum((np.arange(target_size) + 0.5) * scale - 0.5, 0.0)
    low = np.minimum(position.astype(np.int64), source_size - 1)
    high = np.minimum(low + 1, source_size - 1)
    fraction = position - low
    fraction[high == low] = 0.0
    return np.stack([low, high], 1), np.stack([1 - fraction, fraction], 1)


def _logit_strips(
    low_res_logits: Float32Array, axes: list[_Axis], rows: slice, columns: slice
) -> Iterator[tuple[slice, Float32Array]]:
    """Yield the logits of a rectangle of the window, some rows at a time."""
    across = low_res_logits @ axes[1].matrix(columns).T  # (4g, w)
    for start in range(rows.start, rows.stop, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows.stop)
        logits: Float32Array = axes[0].matrix(slice(start, stop)) @ across
        yield slice(start - rows.start, stop - rows.start), logits


def _trim(mask: BoolArray) -> tuple[BoolArray, tuple[int, int]]:
    """Return the mask cut to its bounding box, a copy, and where that begins."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return np.zeros((0, 0), np.bool_), (0, 0)
    columns = np.flatnonzero(mask.any(axis=0))
    y, x = int(rows[0]), int(columns[0])
    return mask[y : rows[-1] + 1, x : columns[-1] + 1].copy(), (y, x)
