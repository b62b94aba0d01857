"""Which part of the image is looked at again, and its pixels.

A region is a square `Window` of whole image pixels that may stick out of the image.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tilesam.model.refining.sampling import resample
from tilesam.types import Window

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.tiling.grid import Bounds
    from tilesam.types import BoolArray, Float32Array, FloatArray, UInt8Array

AROUND_BOX = 1.7
AROUND_MASK = 1.9
"""Side of the region over the longest side of what is in it. A mask may be wrong."""

LARGE, LARGER = 2.2, 2
"""A region of more pixels than its size, by the first factor, is shown larger by the
second: a leaf's tip would else be lost."""

LARGE_BY_BOX = 1.5
"""The first factor where a box was asked: one mask may take longer than three."""

HUGE, MUCH_LARGER = 5.0, 3
"""The same for regions that are still larger."""

SMALLEST_SIDE = 8
"""Pixels of the image."""

_READ_PER_SIDE = 4
"""A region of more pixels than this many times its size is read shrunk."""


def region_around(bounds_yxyx: Bounds, expansion: float) -> Window:
    """Return the square around the middle of some bounds.

    Parameters
    ----------
    bounds_yxyx
        Of pixel centres.
    expansion
        Side of the square over the longest side of the bounds.
    """
    y0, x0, y1, x1 = bounds_yxyx
    longest = max(y1 - y0, x1 - x0) + 1
    side = max(math.ceil(longest * expansion), SMALLEST_SIDE)
    # The middle of the square lies half a pixel before the centre of pixel side / 2.
    middle_y, middle_x = (y0 + y1 + 1) / 2, (x0 + x1 + 1) / 2
    return Window(round(middle_y - side / 2), round(middle_x - side / 2), side, side)


def sources(region: Window, size: int) -> tuple[Float32Array, Float32Array]:
    """Return y and x in the image of a region's `size` x `size` pixels, float32."""
    steps = (np.arange(size, dtype=np.float32) + 0.5) * (region.height / size) - 0.5
    y, x = np.meshgrid(steps + region.y0, steps + region.x0, indexing="ij")
    return y.astype(np.float32), x.astype(np.float32)


def to_region(points_yx: FloatArray, region: Window, size: int) -> FloatArray:
    """Map (..., 2) points of the image into pixels of the region."""
    offset = np.array([region.y0, region.x0])
    return (points_yx - offset + 0.5) * (size / region.height) - 0.5


def read_region(
    source: ImageSource, region: Window, size: int
) -> tuple[UInt8Array, BoolArray]:
    """Return the pixels of a region.

    Parameters
    ----------
    region
        Has at least a pixel in the image.
    size
        Side S of the result.

    Returns
    -------
    tuple
        (S, S, 3) uint8 RGB and (S, S) bool, what of it is in the image; beyond, the
        image is mirrored.

    Raises
    ------
    ImageReadError
        If the file cannot be read there.
    """
    y, x = sources(region, size)
    height, width = source.hw
    inside = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
    shrinking = max(1, region.height // (_READ_PER_SIDE * size))
    seen = visible_part(region, source.hw, shrinking)
    out_hw = -(-seen.height // shrinking), -(-seen.width // shrinking)
    shown = Window(seen.y0, seen.x0, out_hw[0] * shrinking, out_hw[1] * shrinking)
    pixels = np.array(source.read_resampled(shown, out_hw))
    read_y, read_x = (
        ((at - start + 0.5) / shrinking - 0.5).astype(np.float32)
        for at, start in ((y, seen.y0), (x, seen.x0))
    )
    return resample(pixels, read_y, read_x, size * shrinking / region.height), inside


def visible_part(region: Window, image_hw: tuple[int, int], margin: int) -> Window:
    """Return what of a region, and of a margin around it, is in the image."""
    starts = region.y0, region.x0
    stops = region.y0 + region.height, region.x0 + region.width
    y0, x0 = (max(start - margin, 0) for start in starts)
    y1, x1 = (
        min(stop + margin, length) for stop, length in zip(stops, image_hw, strict=True)
    )
    return Window(y0, x0, y1 - y0, x1 - x0)
