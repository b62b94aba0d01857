"""Pictures of masks for networks that look at pictures: square, close up, in RGB."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from tilesam.types import Window

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.masks.run_masks import Extent, RunMasks
    from tilesam.types import BoolArray, UInt8Array

Background: TypeAlias = Literal["kept", "blank", "both"]
"""Of a picture: whether what is not the mask is seen."""

LARGEST_SIDE = 384
"""Of a picture in pixels; networks see it with 224 to 384."""

SMALLEST_SPAN = 16
"""Of a picture in pixels of the image: less shows nothing but blur."""


def take_pictures(
    source: ImageSource,
    masks: RunMasks,
    row: int,
    *,
    context: float,
    background: Background,
    fill: tuple[int, int, int],
) -> list[UInt8Array]:
    """Return one picture of a mask, or two.

    Parameters
    ----------
    source
        The image.
    masks
        In pixels of the image.
    row
        Which of them.
    context
        Side of the picture as a multiple of the mask's longest side, at least 1.
    background
        `"kept"`: all that is there; `"blank"`: the mask alone; `"both"`: the one, then
        the other.
    fill
        RGB of what is blank, and of what lies beyond the image.

    Returns
    -------
    list of UInt8Array
        (S, S, 3) each.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", appendix D.5: the box of the mask is made
    1 to 2 times as large, and the background left out for half of the masks.
    """
    extent: Extent = tuple(masks.extents_yxyx[row].tolist())
    square = _square_around(extent, context)
    side = min(square.height, LARGEST_SIDE)
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = fill
    _paste_image(picture, source, square)
    if background == "kept":
        return [picture]
    blank = np.where(
        _mask_in(square, masks, row, side)[..., np.newaxis],
        picture,
        np.array(fill, np.uint8),
    )
    return [blank] if background == "blank" else [picture, blank]


def _square_around(extent: Extent, context: float) -> Window:
    y0, x0, y1, x1 = extent
    longest = max(y1 - y0, x1 - x0)
    side = max(math.ceil(context * longest), SMALLEST_SPAN)
    return Window((y0 + y1 - side) // 2, (x0 + x1 - side) // 2, side, side)


def _paste_image(picture: UInt8Array, source: ImageSource, square: Window) -> None:
    """Write what the image has of a square into its picture."""
    height, width = source.hw
    top, left = max(square.y0, 0), max(square.x0, 0)
    bottom = min(square.y0 + square.height, height)
    right = min(square.x0 + square.width, width)
    scale = len(picture) / square.height
    rows = [round((y - square.y0) * scale) for y in (top, bottom)]
    columns = [round((x - square.x0) * scale) for x in (left, right)]
    out_hw = rows[1] - rows[0], columns[1] - columns[0]
    if min(out_hw) > 0:
        inside = Window(top, left, bottom - top, right - left)
        pixels = source.read_resampled(inside, out_hw)
        picture[slice(*rows), slice(*columns)] = pixels


def _mask_in(square: Window, masks: RunMasks, row: int, side: int) -> BoolArray:
    """Return (side, side), the mask at the centre of each pixel of a picture."""
    crop, (y, x) = masks.crop(row)
    centres = ((np.arange(side) + 0.5) * (square.height / side)).astype(np.int64)
    rows, columns = centres + (square.y0 - y), centres + (square.x0 - x)
    is_row = (rows >= 0) & (rows < crop.shape[0])
    is_column = (columns >= 0) & (columns < crop.shape[1])
    found = np.zeros((side, side), np.bool_)
    found[np.ix_(is_row, is_column)] = crop[np.ix_(rows[is_row], columns[is_column])]
    return found
