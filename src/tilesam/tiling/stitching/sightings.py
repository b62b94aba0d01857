"""The masks of all windows in one order that does not depend on the caller's.

A mask of one window is a *sighting* of an object; most objects are sighted by several
windows. Sightings are numbered window by window, windows in raster order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tilesam.errors import TilingError
from tilesam.masks.run_masks import RunMasks, concatenate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from tilesam.masks.run_masks import Extent
    from tilesam.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class WindowMasks:
    """What was found in one window.

    Parameters
    ----------
    extent
        What the window shows, (y0, x0, y1, x1) in pixels, inside the image.
    masks
        N masks within the extent. They may overlap and nest.
    scores
        (N,) float; of two copies of an object the one with the higher score stays.
    """

    extent: Extent
    masks: RunMasks
    scores: ArrayLike


@dataclass(frozen=True, eq=False)
class Sightings:
    """T masks of W windows.

    Parameters
    ----------
    masks
        All of them.
    scores
        (T,) float64.
    window_of
        (T,) int64 the window that shows each.
    windows_yxyx
        (W, 4) int64 what the windows show.
    places
        (T,) int64 where each was in the order of the caller.
    image_hw
        Height and width of the image.
    tolerance
        By how many pixels borders of masks may be off.
    """

    masks: RunMasks
    scores: FloatArray
    window_of: IntArray
    windows_yxyx: IntArray
    places: IntArray
    image_hw: tuple[int, int]
    tolerance: int

    def __len__(self) -> int:
        return len(self.masks)

    @cached_property
    def cut_sides(self) -> BoolArray:
        """(T, 4) whether the window's upper, left, lower, right edge cuts the mask.

        It does where the mask comes as near to that edge as borders may be off. The
        edges of the image cut nothing.
        """
        extents, windows = self.masks.extents_yxyx, self.windows_yxyx[self.window_of]
        gaps = np.abs(extents - windows)
        is_inner = self.windows_yxyx != [0, 0, *self.image_hw]
        is_near = (gaps <= self.tolerance) & is_inner[self.window_of]
        cut: BoolArray = is_near & (self.masks.areas > 0)[:, np.newaxis]
        return cut

    @cached_property
    def is_cut(self) -> BoolArray:
        """(T,) whether any edge of the window cuts the mask."""
        return np.asarray(self.cut_sides.any(axis=1), np.bool_)

    @cached_property
    def uncertain_areas(self) -> IntArray:
        """(T,) how many pixels a border that is off may add to a mask, or take."""
        extents = self.masks.extents_yxyx
        height, width = (extents[:, 2:] - extents[:, :2]).T
        areas: IntArray = (height + width) * self.tolerance
        return areas


def gather(
    windows: Sequence[WindowMasks], image_hw: tuple[int, int], tolerance: int
) -> Sightings:
    """Put the masks of all windows into one order.

    Raises
    ------
    TilingError
        If a window is not inside the image, a mask not inside its window, or there is
        not one score for each mask.
    """
    for window in windows:
        _check(window, image_hw)
    extents = np.array([w.extent for w in windows], np.int64).reshape(-1, 4)
    order = np.lexsort(extents.T[::-1])
    counts = np.array([len(w.masks) for w in windows], np.int64)
    firsts = np.cumsum(counts) - counts
    chosen = [windows[w] for w in order]
    scores = [np.asarray(w.scores, np.float64) for w in chosen]
    places = [np.arange(firsts[w], firsts[w] + counts[w]) for w in order]
    return Sightings(
        concatenate([w.masks for w in chosen]),
        np.concatenate([np.zeros(0), *scores]),
        np.repeat(np.arange(len(windows)), counts[order]),
        extents[order],
        np.concatenate([np.zeros(0, np.int64), *places]),
        image_hw,
        tolerance,
    )


def _check(window: WindowMasks, image_hw: tuple[int, int]) -> None:
    y0, x0, y1, x1 = window.extent
    if not (0 <= y0 < y1 <= image_hw[0] and 0 <= x0 < x1 <= image_hw[1]):
        raise TilingError(
            f"a window shows (y0, x0, y1, x1) = {window.extent}; expected a rectangle "
            f"inside the image of {image_hw[0]} x {image_hw[1]} pixels; cut it there"
        )
    count, shape = len(window.masks), np.shape(window.scores)
    if shape != (count,):
        raise TilingError(
            f"the window {window.extent} has {count} masks and scores of shape "
            f"{shape}; give each mask one score"
        )
    extents = window.masks.extents_yxyx[window.masks.run_counts > 0]
    low, high = extents[:, :2] < (y0, x0), extents[:, 2:] > (y1, x1)
    if low.any() or high.any():
        outside = extents[(low | high).any(axis=1)][0].tolist()
        raise TilingError(
            f"a mask with the extent {outside} is not inside its window "
            f"{window.extent}; cut masks at the window's edges"
        )
