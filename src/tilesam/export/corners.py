"""The corners of masks: where the edge between pixels turns.

Everything that follows the edge of a mask, polygons and run lengths down the columns,
begins with these few points, found for many masks in one go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, IntArray

_KEY_BITS = 63
_FLAG_BITS = 2


@dataclass(frozen=True, eq=False)
class Corners:
    """V corners, sorted by mask, y and x; pixel (y, x) covers [y, y + 1] x [x, x + 1].

    Corners 2 i and 2 i + 1 are the ends of a horizontal edge. Where two pixels of a
    mask touch at a corner alone there are two corners at one place, one for each.

    Parameters
    ----------
    mask
        (V,) int64, number of the mask.
    y, x
        (V,) int64, in corners of the image's pixels.
    is_start
        (V,) bool, whether the pixels of its vertical edge lie to the right of it.
    is_below
        (V,) bool, whether it is the lower end of its vertical edge, the one with the
        larger y.
    """

    mask: IntArray
    y: IntArray
    x: IntArray
    is_start: BoolArray
    is_below: BoolArray

    def __len__(self) -> int:
        return len(self.mask)


@dataclass(frozen=True, eq=False)
class Frame:
    """One number for a mask and a place, ascending in the order of mask, y and x.

    Parameters
    ----------
    origins_yx
        (N, 2) int64, first row and column of each mask.
    y_bits, x_bits
        How many bits a place relative to these takes.
    """

    origins_yx: IntArray
    y_bits: int
    x_bits: int

    @classmethod
    def around(cls, masks: RunMasks) -> Frame:
        """Return the frame of some masks.

        Raises
        ------
        ValueError
            If they are too many and too large for numbers of 64 bits.
        """
        extents = masks.extents_yxyx
        sides = (extents[:, 2:] - extents[:, :2]).max(axis=0, initial=0)
        y_bits, x_bits = (int(side).bit_length() for side in sides)
        if len(masks).bit_length() + y_bits + x_bits + _FLAG_BITS > _KEY_BITS:
            raise ValueError(
                f"{len(masks)} masks of up to {sides[0]} x {sides[1]} pixels are too "
                "many at once"
            )
        return cls(extents[:, :2], y_bits, x_bits)

    def keys(self, mask: IntArray, y: IntArray, x: IntArray) -> IntArray:
        """Return the numbers of places."""
        origin_y, origin_x = self.origins_yx[mask].T
        row_keys = (mask << self.y_bits) + y - origin_y
        keys: IntArray = (row_keys << self.x_bits) + x - origin_x
        return keys

    def places(self, keys: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Return mask, y and x of numbers."""
        x = keys & ((1 << self.x_bits) - 1)
        y = (keys >> self.x_bits) & ((1 << self.y_bits) - 1)
        mask = keys >> (self.x_bits + self.y_bits)
        origin_y, origin_x = self.origins_yx[mask].T
        return mask, y + origin_y, x + origin_x


def corners_of(masks: RunMasks) -> Corners:
    """Return the corners of all masks.

    Raises
    ------
    ValueError
        If they are too many and too large, see `Frame.around`.
    """
    frame = Frame.around(masks)
    mask = np.repeat(masks.mask_of_run, 2)
    y = np.repeat(masks.rows.astype(np.int64), 2)
    x = np.stack([masks.starts, masks.stops], axis=1).ravel().astype(np.int64)
    is_start = np.tile(np.array([1, 0]), len(masks.rows))
    # A run has a vertical edge at each end, one pixel high. At one place an edge that
    # stops comes before one that starts: pixels that touch at a corner stay apart.
    above = (frame.keys(mask, y, x) << _FLAG_BITS) + 2 * is_start
    below = above + (1 << (frame.x_bits + _FLAG_BITS)) + 1
    # Two ascending halves: a stable sort only has to merge them.
    keys = np.sort(np.concatenate([above, below]), kind="stable")
    # Where an edge goes straight on nothing turns.
    is_straight = np.zeros(len(keys), np.bool_)
    is_straight[1:] = (keys[1:] >> 1) == (keys[:-1] >> 1)
    is_straight[:-1] |= is_straight[1:]
    keys = keys[~is_straight]
    is_start, is_below = ((keys & flag).astype(np.bool_) for flag in (2, 1))
    return Corners(*frame.places(keys >> _FLAG_BITS), is_start, is_below)


def vertical_partners(corners: Corners) -> IntArray:
    """Return (V,) numbers of the corners at the other ends of the vertical edges."""
    order = np.lexsort((corners.y, corners.is_start, corners.x, corners.mask))
    partners = np.empty(len(corners), np.int64)
    partners[order[::2]], partners[order[1::2]] = order[1::2], order[::2]
    return partners
