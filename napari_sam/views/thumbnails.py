"""A small picture of a candidate: the image around it with the mask outlined."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UInt8Array = NDArray[np.uint8]
BoolArray = NDArray[np.bool_]

SIDE = 56
"""Pixels of a thumbnail; enough to tell a whole from its part."""

MARGIN = 0.25
"""How much of the image is shown on each side of a mask, of the mask's longer side."""

_LINE_WIDTH = 2
_DARK = (0, 0, 0)


def thumbnail_window(
    bounds_yxyx: tuple[float, float, float, float], image_hw: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the part of the image to read for thumbnails: square where it can be.

    Parameters
    ----------
    bounds_yxyx
        Around all that is to be seen, centres of pixels. Give the bounds of all three
        candidates together, so that their thumbnails can be compared.
    image_hw
        Height and width of the image.

    Returns
    -------
    tuple of int
        (y0, x0, y1, x1), ends exclusive, inside of the image and never empty.
    """
    y0, x0, y1, x1 = bounds_yxyx
    half = max(y1 - y0 + 1, x1 - x0 + 1) * (0.5 + MARGIN)
    spans = []
    for center, size in zip(((y0 + y1) / 2, (x0 + x1) / 2), image_hw, strict=True):
        length = min(max(round(2 * half), 1), size)
        start = min(max(round(center - half), 0), size - length)
        spans.append((start, start + length))
    (top, bottom), (left, right) = spans
    return top, left, bottom, right


def place_mask(
    mask: BoolArray, offset_yx: tuple[int, int], window_yxyx: tuple[int, int, int, int]
) -> BoolArray:
    """Return the part of a mask crop that lies in a window, with the window's shape."""
    y0, x0, y1, x1 = window_yxyx
    placed = np.zeros((y1 - y0, x1 - x0), bool)
    top, left = offset_yx[0] - y0, offset_yx[1] - x0
    rows = slice(max(top, 0), min(top + mask.shape[0], placed.shape[0]))
    columns = slice(max(left, 0), min(left + mask.shape[1], placed.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        placed[rows, columns] = mask[
            rows.start - top : rows.stop - top,
            columns.start - left : columns.stop - left,
        ]
    return placed


def draw_thumbnail(
    pixels: UInt8Array,
    mask: BoolArray,
    *,
    color: tuple[int, int, int],
    side: int = SIDE,
) -> UInt8Array:
    """Return a square picture with the outline of a mask.

    Parameters
    ----------
    pixels
        (H, W) or (H, W, 3) uint8 of a window, at any resolution.
    mask
        (h, w) of the same window, at any resolution.
    color
        Of the outline, red, green and blue. Around it runs a dark line, so that it
        stands out on any image, in any colour.
    side
        Of the result.

    Returns
    -------
    array
        (side, side, 3) uint8; what the window does not fill is black.

    Raises
    ------
    ValueError
        If pixels or mask are empty or have another number of axes.
    """
    if pixels.ndim not in (2, 3) or mask.ndim != 2 or not (pixels.size and mask.size):
        raise ValueError(
            f"pixels have shape {pixels.shape} and the mask has {mask.shape}; expected "
            "(H, W) or (H, W, 3) and (h, w), none of them empty"
        )
    height, width = _fitted(pixels.shape[:2], side)
    small = _sampled(pixels, height, width)
    drawn = np.stack([small] * 3, axis=-1) if small.ndim == 2 else small[..., :3].copy()
    outline, halo = _lines(_sampled(mask, height, width))
    drawn[halo], drawn[outline] = _DARK, color
    picture = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    picture[top : top + height, left : left + width] = drawn
    return picture


def _fitted(hw: tuple[int, ...], side: int) -> tuple[int, int]:
    scale = side / max(hw)
    height, width = (max(round(length * scale), 1) for length in hw)
    return height, width


def _sampled(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the nearest pixels; a mask of one pixel may get lost, an outline not."""
    rows = (np.arange(height) + 0.5) * array.shape[0] / height
    columns = (np.arange(width) + 0.5) * array.shape[1] / width
    return array[rows.astype(int)[:, None], columns.astype(int)]


def _lines(mask: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Return the rim of a mask, inside of it, and the pixels just outside."""
    inner = mask
    for _ in range(_LINE_WIDTH):
        inner = _eroded(inner)
    return mask & ~inner, ~_eroded(~mask) & ~mask


def _eroded(mask: BoolArray) -> BoolArray:
    """Return the pixels whose four neighbours are in the mask too.

    The edge of the picture counts as more of the same: objects may go on there.
    """
    padded = np.pad(mask, 1, mode="edge")
    vertical = padded[:-2, 1:-1] & padded[2:, 1:-1]
    return mask & vertical & padded[1:-1, :-2] & padded[1:-1, 2:]
