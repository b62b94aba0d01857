"""Synthetic images of which the right answer is known to the pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import BoolArray, UInt8Array

Rectangle: TypeAlias = tuple[int, int, int, int]
"""(y0, x0, y1, x1): first pixel and one past the last, as slices have it."""

DARK, BRIGHT = 40, 230


def bright_rectangles(
    image_hw: tuple[int, int], rectangles: Sequence[Rectangle]
) -> UInt8Array:
    """Return a dark RGB image with bright rectangles.

    Parameters
    ----------
    image_hw
        Height and width in pixels.
    rectangles
        Where the bright pixels are.

    Returns
    -------
    UInt8Array
        (H, W, 3).
    """
    image = np.full((*image_hw, 3), DARK, np.uint8)
    for y0, x0, y1, x1 in rectangles:
        image[y0:y1, x0:x1] = BRIGHT
    return image


def rectangle_mask(image_hw: tuple[int, int], rectangle: Rectangle) -> BoolArray:
    """Return the (H, W) mask of one rectangle."""
    y0, x0, y1, x1 = rectangle
    mask = np.zeros(image_hw, np.bool_)
    mask[y0:y1, x0:x1] = True
    return mask
