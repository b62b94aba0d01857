"""The resolutions of an image: what each one shrinks, and which ones fit together."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tilesam.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.image.arrays import ArrayLike
    from tilesam.image.axes import Layout
    from tilesam.image.planes import Plane

_logger = logging.getLogger(__name__)

Scales = tuple[float, float]
"""How many pixels of level 0 one pixel of a level stands for, along y and x."""


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution of an image.

    Parameters
    ----------
    plane
        Its pixels.
    scales
        Pixels of level 0 per pixel. Pixel j stands for those from j times the scale
        on; the last one for all up to the edge of the image.
    """

    plane: Plane
    scales: Scales

    def shrinks_at_most(self, wanted: Scales, full_hw: tuple[int, int]) -> bool:
        """Return whether nothing that is wanted was lost on the way to this level."""
        sides = zip(self.plane.hw, full_hw, self.scales, wanted, strict=True)
        # A side that is as long as at level 0 has lost nothing, whatever the scale.
        return all(n == full or f <= w * (1 + 1e-9) for n, full, f, w in sides)


def checked_scales(arrays: Sequence[ArrayLike], layout: Layout) -> list[Scales]:
    """Make sure that arrays are one image at falling resolutions; return their scales.

    Raises
    ------
    ImageError
        If they differ in type or in anything but height and width, if one is not
        smaller than the one before, or is not the same image by its proportions.
    """
    first = arrays[0]
    scales: list[Scales] = [(1.0, 1.0)]
    for number, (finer, array) in enumerate(pairwise(arrays), start=1):
        reason = _misfit(first, finer, array, layout)
        found = None if reason else level_scales(_hw(first, layout), _hw(array, layout))
        if found is None:
            raise ImageError(
                f"level {number} of the image {reason or 'has other proportions'}: it "
                f"has shape {tuple(array.shape)} and type {np.dtype(array.dtype)}, "
                f"level 0 {tuple(first.shape)} and {np.dtype(first.dtype)}; expected "
                "the same image at falling resolutions; leave this level out, or pass "
                "a stack as one array"
            )
        scales.append(found)
    return scales


def usable_levels(
    arrays: Sequence[ArrayLike], layout: Layout, *, skips_misfits: bool
) -> list[tuple[int, ArrayLike]]:
    """Return the levels that show the plane, with their numbers.

    Parameters
    ----------
    arrays
        All levels, the finest first.
    layout
        Of their axes.
    skips_misfits
        Whether to leave out what `checked_scales` would refuse.
    """
    kept = [(0, arrays[0])]
    for number, array in enumerate(arrays[1:], start=1):
        fits = _misfit(arrays[0], kept[-1][1], array, layout) is None and level_scales(
            _hw(arrays[0], layout), _hw(array, layout)
        )
        if _blends_planes(arrays[0], array, layout) or (skips_misfits and not fits):
            _logger.warning("level %d of the image is not used", number)
        else:
            kept.append((number, array))
    return kept


def _blends_planes(first: ArrayLike, array: ArrayLike, layout: Layout) -> bool:
    """Return whether a level has shrunk along the axes that are cut to a plane.

    Its planes are means of several, which is not what level 0 shows.
    """
    if len(array.shape) != len(first.shape):
        return False
    return any(array.shape[axis] != first.shape[axis] for axis, _ in layout.plane)


def _misfit(
    first: ArrayLike, finer: ArrayLike, array: ArrayLike, layout: Layout
) -> str | None:
    """Return in words what keeps an array from being the next level, if anything."""
    if len(array.shape) != len(first.shape):
        return "has another number of axes"
    if np.dtype(array.dtype) != np.dtype(first.dtype):
        return "has another type"
    plane_axes = (layout.y_axis, layout.x_axis)
    sizes = zip(array.shape, first.shape, strict=True)
    if any(a != b for axis, (a, b) in enumerate(sizes) if axis not in plane_axes):
        return "differs in more than height and width"
    hw, finer_hw = _hw(array, layout), _hw(finer, layout)
    if hw == finer_hw or any(n > m for n, m in zip(hw, finer_hw, strict=True)):
        return "is not smaller than the one before"
    return None


def level_scales(full_hw: tuple[int, int], hw: tuple[int, int]) -> Scales | None:
    """Return how much a level of this size shrinks the image.

    Returns
    -------
    tuple or None
        The same whole number for both sides, if rounding a division by it up or down
        gives this size, powers of two first; else the ratio of each side; None if the
        proportions of the image are not kept to the pixel.
    """
    longest = int(np.argmax(full_hw))
    ratio = full_hw[longest] / hw[longest]
    power_of_two = 2 ** round(math.log2(ratio))
    for factor in (power_of_two, round(ratio), int(ratio), int(ratio) + 1):
        if factor > 1 and all(
            n in (max(1, full // factor), -(-full // factor))
            for n, full in zip(hw, full_hw, strict=True)
        ):
            return float(factor), float(factor)
    if any(abs(n - full / ratio) > 1 for n, full in zip(hw, full_hw, strict=True)):
        return None
    return full_hw[0] / hw[0], full_hw[1] / hw[1]


def coarsest(levels: Sequence[Level], *, wanted: Scales) -> Level:
    """Return the smallest level from which the wanted resolution can be made."""
    full_hw = levels[0].plane.hw
    return [
        level
        for level in levels
        if level is levels[0] or level.shrinks_at_most(wanted, full_hw)
    ][-1]


def _hw(array: ArrayLike, layout: Layout) -> tuple[int, int]:
    return array.shape[layout.y_axis], array.shape[layout.x_axis]
