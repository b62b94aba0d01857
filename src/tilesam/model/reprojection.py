"""Carry the logits of one window over to another, as a mask prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.model.preprocessing import resized_hw

if TYPE_CHECKING:
    from tilesam.types import BoolArray, Float32Array, FloatArray, Window

CELL = 4
"""Side in input pixels of one cell of the low-resolution logits."""

OUTSIDE_LOGIT = -10.0
"""What is said of places that the earlier window did not show: surely background."""


def project_logits(
    low_res_logits: Float32Array,
    *,
    source: Window,
    target: Window,
    input_size: int,
) -> Float32Array:
    """Return the logits of one window in the frame of another.

    Parameters
    ----------
    low_res_logits
        (4g, 4g), of the window `source`.
    source, target
        Windows of one image.
    input_size
        Side of the model's input in pixels, 16 g.

    Returns
    -------
    Float32Array
        (4g, 4g), interpolated bilinearly; -10 where `source` had no pixels. Of equal
        windows the very same array.
    """
    if source == target:
        return low_res_logits
    source_hw = resized_hw((source.height, source.width), input_size)
    target_hw = resized_hw((target.height, target.width), input_size)
    rows, has_row = _interpolation(
        len(low_res_logits),
        source_span=(source.y0, source.height, source_hw[0]),
        target_span=(target.y0, target.height, target_hw[0]),
    )
    columns, has_column = _interpolation(
        len(low_res_logits),
        source_span=(source.x0, source.width, source_hw[1]),
        target_span=(target.x0, target.width, target_hw[1]),
    )
    projected = rows @ low_res_logits @ columns.T
    is_known = has_row[:, np.newaxis] & has_column
    return np.where(is_known, projected, np.float32(OUTSIDE_LOGIT))


def _interpolation(
    cell_count: int,
    *,
    source_span: tuple[int, int, int],
    target_span: tuple[int, int, int],
) -> tuple[Float32Array, BoolArray]:
    """Return a (target, source) matrix along one axis, and which targets it knows.

    A span is (start in the image, length in the image, length in the input).
    """
    position = _to_cells(_cell_centres(cell_count, target_span), source_span)
    _, _, length = source_span
    # Half a cell of tolerance: the outermost centres of the source lie inside of it.
    is_known = (position >= -0.5) & (position <= length / CELL - 0.5)
    position = np.clip(position, 0, cell_count - 1)
    low = np.minimum(position.astype(np.int64), cell_count - 2)
    fraction = (position - low).astype(np.float32)
    matrix = np.zeros((cell_count, cell_count), np.float32)
    targets = np.arange(cell_count)
    matrix[targets, low] = 1 - fraction
    matrix[targets, low + 1] = fraction
    return matrix, is_known


def _cell_centres(cell_count: int, span: tuple[int, int, int]) -> FloatArray:
    """Return where the centres of cells lie in the image, in the data frame."""
    start, length, input_length = span
    centres = (np.arange(cell_count, dtype=np.float64) + 0.5) * CELL
    return centres * (length / input_length) - 0.5 + start


def _to_cells(positions: FloatArray, span: tuple[int, int, int]) -> FloatArray:
    """Return positions of the data frame as fractional indices of cells."""
    start, length, input_length = span
    return (positions - start + 0.5) * (input_length / length) / CELL - 0.5
