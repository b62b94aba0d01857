"""A mask as a line around it, drawn where nobody waits for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import minimum_filter1d

from tilesam.types import BoolArray, MaskCandidate, UInt8Array

LINE, INSIDE = 1, 2
"""In the picture of an outline; 0 is around it."""

SHARE = 1 / 60
"""Width of the line, of the longer side of the mask: so much is seen at any zoom."""


@dataclass(frozen=True, eq=False)
class Outline:
    """A mask as a line that is drawn around it.

    Parameters
    ----------
    picture
        (h, w) of `LINE`, `INSIDE` and 0; its edge is 0.
    offset_yx
        Of its first pixel in the image; -1 where the mask begins at the image's edge.
    """

    picture: UInt8Array
    offset_yx: tuple[int, int]


def draw_outline(candidate: MaskCandidate) -> Outline:
    """Return the outline of a mask that has pixels; the line lies within the mask."""
    mask = np.pad(candidate.mask, 1)
    width = max(1, round(max(candidate.mask.shape) * SHARE))
    picture = np.where(mask, np.uint8(LINE), np.uint8(0))
    picture[_eroded(mask, width)] = INSIDE
    y, x = candidate.offset_yx
    return Outline(picture, (y - 1, x - 1))


def _eroded(mask: BoolArray, width: int) -> BoolArray:
    """Return the pixels of which all within so many rows and columns are set."""
    eroded = mask.astype(np.uint8)
    for axis in (0, 1):
        eroded = minimum_filter1d(eroded, 2 * width + 1, axis, mode="constant")
    return eroded.astype(bool)
