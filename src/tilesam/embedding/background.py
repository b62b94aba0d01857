"""Tiles that show nothing: no data, fully transparent, or bare glass.

A tile that is left out wrongly is lost for everything that follows, while one that is
embedded in vain costs a fraction of a second; so all doubt speaks for embedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import UInt8Array

BLOCK = 8
"""Side in pixels of the blocks of which every single one has to look like glass."""

DARKEST_GLASS = 215
LARGEST_COLOUR_CAST = 16
LARGEST_SLOPE = 20
LARGEST_NOISE = 8.0
"""Of 8-bit RGB: mean of a block's darkest channel, difference of a block's channels,
difference between blocks of a tile, standard deviation within a block."""

DARKEST_PIXEL = 150


def is_background(pixels: UInt8Array, valid_fraction: float) -> bool:
    """Return whether a tile certainly shows nothing.

    Parameters
    ----------
    pixels
        (h, w, 3) RGB as the model would see it.
    valid_fraction
        Share of the tile where the image has data and is not transparent.

    Returns
    -------
    bool
        True if no pixel is valid, or if all of it is bright, without colour, and
        smooth, as glass under transmitted light is. A single block of 8 x 8 pixels that
        is not makes it False.
    """
    if valid_fraction <= 0:
        return True
    if pixels.min() < DARKEST_PIXEL:  # spares most tiles the rest
        return False
    blocks = _to_blocks(pixels).astype(np.float32)  # (N, BLOCK**2, 3)
    means = blocks.mean(axis=1)
    is_bright = means.min() >= DARKEST_GLASS
    is_grey = np.ptp(means, axis=1).max() <= LARGEST_COLOUR_CAST
    is_even = np.ptp(means, axis=0).max() <= LARGEST_SLOPE
    is_smooth = blocks.std(axis=1).max() <= LARGEST_NOISE
    return bool(is_bright and is_grey and is_even and is_smooth)


def _to_blocks(pixels: UInt8Array) -> UInt8Array:
    """Return (N, BLOCK**2, 3); what is left over at the edges is repeated."""
    height, width = pixels.shape[:2]
    padding = ((0, -height % BLOCK), (0, -width % BLOCK), (0, 0))
    padded = np.pad(pixels, padding, mode="edge")
    rows, columns = padded.shape[0] // BLOCK, padded.shape[1] // BLOCK
    split = padded.reshape(rows, BLOCK, columns, BLOCK, 3)
    return split.swapaxes(1, 2).reshape(rows * columns, BLOCK**2, 3)
