"""Means of many pixels, and pixels in between, by weights along each axis.

A pixel of the result is a weighted sum of pixels of a level, first down the rows and
then along the columns. Which pixels and what weights depends on places in the image
alone, not on the window, and sums are cut at fixed places; so what two windows both
show is equal to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tilesam.image.channels import ChannelChoice
    from tilesam.image.levels import Level
    from tilesam.types import FloatArray, IntArray, Window

WORKING_VALUES = 2**21
"""About how many float64 are at work at once, 16 MiB."""


@dataclass(frozen=True, eq=False)
class Taps:
    """Which pixels of one axis make each pixel of the result.

    Parameters
    ----------
    starts, counts
        (n,) the first pixel and how many there are.
    weights
        (n, k) of those from the first on; zero beyond the count.
    """

    starts: IntArray
    counts: IntArray
    weights: FloatArray

    @property
    def span(self) -> slice:
        """From the first to the last pixel of all."""
        return slice(int(self.starts[0]), int((self.starts + self.counts).max()))

    @property
    def totals(self) -> FloatArray:
        """(n,) sums of the weights."""
        # One after the other, so that zeros at the end do not change the rounding.
        totals: FloatArray = np.cumsum(self.weights, axis=1)[:, -1]
        return totals

    def within(self, part: slice) -> tuple[slice, Taps]:
        """Return which pixels of the result touch a part, and their taps within it."""
        firsts = np.maximum(self.starts, part.start)
        counts = np.minimum(self.starts + self.counts, part.stop) - firsts
        touching = np.flatnonzero(counts > 0)
        chosen = slice(int(touching[0]), int(touching[-1]) + 1)
        columns = (firsts - self.starts)[chosen, None] + np.arange(counts.max())
        columns = np.minimum(columns, self.weights.shape[1] - 1)
        weights = np.take_along_axis(self.weights[chosen], columns, axis=1)
        return chosen, Taps(firsts[chosen] - part.start, counts[chosen], weights)

    def apply(self, values: NDArray[Any], axis: int) -> FloatArray:
        """Return the weighted sums of an array along its first or second axis."""
        values = np.moveaxis(values, axis, 0)
        sums = np.zeros((len(self.starts), *values.shape[1:]))
        if self._is_plain:
            step = int(self.starts[1] - self.starts[0]) if len(self.starts) > 1 else 1
            stop = int(self.starts[-1]) + 1
            for k in range(int(self.counts[0])):
                sums += values[int(self.starts[0]) + k : stop + k : step]
            return np.moveaxis(sums, 0, axis)
        for k in range(int(self.counts.max())):
            # A pixel beyond the count has no weight; NaN times zero would be NaN.
            has_one = np.flatnonzero(self.counts > k)
            weights = self.weights[has_one, k, None, None]
            sums[has_one] += values[self.starts[has_one] + k] * weights
        return np.moveaxis(sums, 0, axis)

    @property
    def _is_plain(self) -> bool:
        """Whether all sums are of equally many whole pixels, at equal distances."""
        count, steps = self.counts[0], np.diff(self.starts)
        return bool(
            (self.counts == count).all()
            and (self.weights[:, :count] == 1).all()
            and (steps > 0).all()
            and (steps == steps[:1]).all()
        )

    def pieces(self, values_per_pixel: int) -> Iterator[tuple[slice, Taps]]:
        """Yield groups of taps whose results are not too many values together.

        The first and the last pixel stand alone: they may be cut, and sums of whole
        pixels alone are much faster.
        """
        size, many = len(self.starts), max(1, WORKING_VALUES // values_per_pixel)
        cuts = sorted({0, *range(1, size - 1, many), size - 1, size} - {-1})
        for start, stop in pairwise(cuts):
            part = slice(start, stop)
            yield part, Taps(self.starts[part], self.counts[part], self.weights[part])


def mean_taps(edges: FloatArray, *, scale: float, size: int, length: int) -> Taps:
    """Return taps for means over intervals, weighted by how much of each pixel is in.

    Parameters
    ----------
    edges
        (n + 1,) of the intervals, in pixels of level 0, ascending. What lies beyond
        the image has no weight.
    scale, size
        Pixels of level 0 per pixel of the level, and how many pixels that has.
    length
        Pixels of level 0.
    """
    ends = np.minimum(edges, length)
    first = max(0, int(ends[0] / scale) - 1)
    last = min(size, int(np.ceil(ends[-1] / scale)) + 1)
    bounds = np.arange(first, last + 1) * float(scale)
    if last == size:
        bounds[-1] = length
    # Where a level was cut short its last pixel stands for the rest, and nothing for 0.
    starts = np.searchsorted(bounds[:-1], ends[:-1], side="right") - 1
    stops = np.maximum(np.searchsorted(bounds[:-1], ends[1:], side="left"), starts + 1)
    counts = stops - starts
    pixels = starts[:, None] + np.arange(counts.max())
    pixels = np.minimum(pixels, len(bounds) - 2)
    overlaps = np.minimum(ends[1:, None], bounds[pixels + 1]) - np.maximum(
        ends[:-1, None], bounds[pixels]
    )
    is_used = np.arange(counts.max()) < counts[:, None]
    return Taps(starts + first, counts, np.where(is_used, overlaps, 0.0))


def bilinear_taps(positions: FloatArray, *, length: int) -> Taps:
    """Return taps for values at positions between the centres of two pixels each.

    Parameters
    ----------
    positions
        (n,) pixel indices; beyond the first or last centre the edge's value holds.
    length
        Pixels of the image.
    """
    inside = np.clip(positions, 0, length - 1)
    starts = np.floor(inside).astype(np.int64)
    share = inside - starts
    counts = np.where(share > 0, 2, 1)
    return Taps(starts, counts, np.stack([1 - share, share], axis=1))


def resample(
    level: Level,
    window: Window,
    out_hw: tuple[int, int],
    *,
    full_hw: tuple[int, int],
    channels: ChannelChoice,
) -> FloatArray:
    """Return a window at another resolution, before its values become 8 bits.

    Parameters
    ----------
    level
        Where to read.
    window
        In pixels of level 0; it may stick out by less than a pixel of the result.
    out_hw
        Height and width of the result. A side that shrinks is averaged, one that
        grows is interpolated.
    full_hw
        Of level 0.
    channels
        Of which the shown ones are returned.

    Returns
    -------
    FloatArray
        (out_h, out_w, C).
    """
    taps_y, taps_x = (
        _axis_taps(start, extent, out, scale=scale, size=size, length=length)
        for start, extent, out, scale, size, length in zip(
            (window.y0, window.x0),
            (window.height, window.width),
            out_hw,
            level.scales,
            level.plane.hw,
            full_hw,
            strict=True,
        )
    )
    sums = np.zeros((*out_hw, len(channels.shown)))
    for rows, columns in level.plane.blocks(taps_y.span, taps_x.span):
        block = channels.pick_shown(level.plane.read(rows, columns))
        chosen_y, block_y = taps_y.within(rows)
        chosen_x, block_x = taps_x.within(columns)
        _add_block(sums[chosen_y, chosen_x], block, block_y, block_x)
    sums /= taps_y.totals[:, None, None]
    sums /= taps_x.totals[None, :, None]
    return sums


def _axis_taps(
    start: int, extent: int, out: int, *, scale: float, size: int, length: int
) -> Taps:
    if out > extent:
        positions = start + (np.arange(out) + 0.5) * extent / out - 0.5
        return bilinear_taps(positions, length=length)
    # One division of whole numbers: the same place gives the same edge in any window.
    edges = (start * out + np.arange(out + 1) * extent) / out
    return mean_taps(edges, scale=scale, size=size, length=length)


def _add_block(
    sums: FloatArray, block: NDArray[Any], taps_y: Taps, taps_x: Taps
) -> None:
    """Add what a block gives to the pixels of the result that it touches."""
    # A mean of both infinities is NaN, and a sum may become infinite: shown as such.
    with np.errstate(invalid="ignore", over="ignore"):
        for rows, piece_y in taps_y.pieces(block.shape[1] * block.shape[2]):
            shrunk = piece_y.apply(block, 0)
            for columns, piece_x in taps_x.pieces(shrunk.shape[0] * shrunk.shape[2]):
                sums[rows, columns] += piece_x.apply(shrunk, 1)
