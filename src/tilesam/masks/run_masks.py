"""Masks as runs of pixels along rows, many in one set of arrays.

A mask costs 12 bytes for each of its rows, wherever it lies and however large the image
is, and whole sets are cut, joined and compared without a loop over masks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np

from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from tilesam.types import BoolArray, FloatArray, IntArray

    Int32Array: TypeAlias = NDArray[np.int32]

Number = TypeVar("Number", np.int64, np.float64)

Extent: TypeAlias = tuple[int, int, int, int]
"""(y0, x0, y1, x1) of a rectangle of pixels: the first and one past the last."""


@dataclass(frozen=True, eq=False)
class RunMasks:
    """N masks, which may overlap.

    Parameters
    ----------
    offsets
        (N + 1,) int64; mask i has the runs `offsets[i]` to `offsets[i + 1]`.
    rows, starts, stops
        (M,) int32: the row of each run, its first column and the one past its last, in
        pixels of the image. Sorted by mask, row and start; the runs of a mask neither
        overlap nor touch within a row.
    """

    offsets: IntArray
    rows: Int32Array
    starts: Int32Array
    stops: Int32Array

    @classmethod
    def empty(cls, count: int = 0) -> RunMasks:
        """Return so many masks without a pixel."""
        none = np.zeros(0, np.int32)
        return cls(np.zeros(count + 1, np.int64), none, none, none)

    @classmethod
    def from_crops(
        cls, crops: Sequence[BoolArray], offsets_yx: Sequence[tuple[int, int]]
    ) -> RunMasks:
        """Return masks given as crops and where each begins in the image."""
        parts = [_runs_of(crop, yx) for crop, yx in zip(crops, offsets_yx, strict=True)]
        if not parts:
            return cls.empty()
        return _from_parts([len(part[0]) for part in parts], parts)

    @classmethod
    def from_labels(
        cls, labels: NDArray[np.integer], offset_yx: tuple[int, int] = (0, 0)
    ) -> tuple[RunMasks, NDArray[np.integer]]:
        """Return one mask for each value of a label image, and the (N,) values.

        Parameters
        ----------
        labels
            (h, w); 0 is background.
        offset_yx
            Where the image begins.
        """
        rows, starts, stops = _runs_of_equal_values(labels)
        values = labels[rows, starts]
        is_object = values != 0
        order = np.flatnonzero(is_object)
        order = order[np.argsort(values[order], kind="stable")]
        names, counts = np.unique(values[order], return_counts=True)
        y, x = offset_yx
        masks = cls(
            _offsets(counts),
            (rows[order] + y).astype(np.int32),
            (starts[order] + x).astype(np.int32),
            (stops[order] + x).astype(np.int32),
        )
        return masks, names

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def run_counts(self) -> IntArray:
        """(N,) number of runs of each mask."""
        return np.diff(self.offsets)

    @cached_property
    def mask_of_run(self) -> IntArray:
        """(M,) which mask each run belongs to."""
        return np.repeat(np.arange(len(self)), self.run_counts)

    @cached_property
    def extents_yxyx(self) -> IntArray:
        """(N, 4) smallest rectangle of pixels around each; zeros of empty masks."""
        extents = np.zeros((len(self), 4), np.int64)
        filled = np.flatnonzero(self.run_counts)
        if len(filled):
            first = self.offsets[filled]
            extents[filled, 0] = self.rows[first]
            extents[filled, 1] = np.minimum.reduceat(self.starts, first)
            extents[filled, 2] = self.rows[self.offsets[filled + 1] - 1] + 1
            extents[filled, 3] = np.maximum.reduceat(self.stops, first)
        return extents

    @cached_property
    def areas(self) -> IntArray:
        """(N,) number of pixels of each."""
        return self._sums(self._lengths)

    @property
    def centroids_yx(self) -> FloatArray:
        """(N, 2) mean of the pixels' centres; NaN of empty masks."""
        lengths = self._lengths.astype(np.float64)
        middles = (self.starts.astype(np.float64) + self.stops - 1) / 2
        sums = [self._sums(self.rows * lengths), self._sums(middles * lengths)]
        with np.errstate(invalid="ignore"):
            return np.stack(sums, axis=1) / self.areas[:, np.newaxis]

    def crop(self, index: int) -> tuple[BoolArray, tuple[int, int]]:
        """Return one mask cut to its extent, (h, w), and where that begins."""
        y0, x0, y1, x1 = (int(n) for n in self.extents_yxyx[index])
        runs = slice(self.offsets[index], self.offsets[index + 1])
        width = x1 - x0
        row_starts = (self.rows[runs].astype(np.int64) - y0) * width - x0
        # +1 where a run begins and -1 behind its end: the sum is 1 inside of runs.
        # A run that ends with its row and one that begins the next cancel out.
        steps = np.zeros((y1 - y0) * width + 1, np.int8)
        steps[row_starts + self.starts[runs]] += 1
        steps[row_starts + self.stops[runs]] -= 1
        inside = np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)
        return inside.reshape(y1 - y0, width), (y0, x0)

    def take(self, indices: ArrayLike) -> RunMasks:
        """Return some of the masks, chosen by (K,) numbers or (N,) booleans."""
        chosen = np.asarray(indices)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        counts = self.run_counts[chosen]
        runs = concatenated_ranges(self.offsets[chosen], counts)
        return RunMasks(
            _offsets(counts), self.rows[runs], self.starts[runs], self.stops[runs]
        )

    def clipped(self, extent: Extent) -> RunMasks:
        """Return the parts of all masks that lie in a rectangle, some perhaps empty."""
        y0, x0, y1, x1 = extent
        starts, stops = np.maximum(self.starts, x0), np.minimum(self.stops, x1)
        is_left = (self.rows >= y0) & (self.rows < y1) & (starts < stops)
        before = np.concatenate([[0], np.cumsum(is_left)])
        return RunMasks(
            before[self.offsets], self.rows[is_left], starts[is_left], stops[is_left]
        )

    def shifted(self, dy: int, dx: int) -> RunMasks:
        """Return all masks, moved."""
        shift_y, shift_x = np.int32(dy), np.int32(dx)
        return RunMasks(
            self.offsets,
            self.rows + shift_y,
            self.starts + shift_x,
            self.stops + shift_x,
        )

    def upscaled(self, factor: int) -> RunMasks:
        """Return all masks with `factor` x `factor` pixels for each of theirs."""
        if factor == 1:
            return self
        # Run by run would put row 2 y of a second run behind row 2 y + 1 of the first.
        order = np.repeat(np.arange(len(self.rows)), factor)
        rows = self.rows[order] * factor + np.tile(
            np.arange(factor, dtype=np.int32), len(self.rows)
        )
        mask_of_run = self.mask_of_run[order]
        by_row = np.lexsort((self.starts[order], rows, mask_of_run))
        order = order[by_row]
        return RunMasks(
            self.offsets * factor,
            rows[by_row].astype(np.int32),
            self.starts[order] * np.int32(factor),
            self.stops[order] * np.int32(factor),
        )

    @property
    def _lengths(self) -> IntArray:
        return np.subtract(self.stops, self.starts, dtype=np.int64)

    def _sums(self, values: NDArray[Number]) -> NDArray[Number]:
        """Return for each mask the sum of (M,) values of its runs."""
        sums = np.zeros(len(self), values.dtype)
        filled = np.flatnonzero(self.run_counts)
        if len(filled):
            # Each by itself: differences of one running sum would lose digits.
            sums[filled] = np.add.reduceat(values, self.offsets[filled])
        return sums


def concatenate(sets: Sequence[RunMasks]) -> RunMasks:
    """Return the masks of all sets, in their order."""
    if not sets:
        return RunMasks.empty()
    if len(sets) == 1:
        return sets[0]
    return RunMasks(
        _offsets(np.concatenate([masks.run_counts for masks in sets])),
        np.concatenate([masks.rows for masks in sets]),
        np.concatenate([masks.starts for masks in sets]),
        np.concatenate([masks.stops for masks in sets]),
    )


def _from_parts(
    counts: Sequence[int], parts: Sequence[tuple[IntArray, IntArray, IntArray]]
) -> RunMasks:
    rows, starts, stops = (
        np.concatenate(arrays).astype(np.int32) for arrays in zip(*parts, strict=True)
    )
    return RunMasks(_offsets(counts), rows, starts, stops)


def _offsets(counts: ArrayLike) -> IntArray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _runs_of(
    crop: BoolArray, offset_yx: tuple[int, int]
) -> tuple[IntArray, IntArray, IntArray]:
    """Return rows, starts and stops of the runs of one mask."""
    height, width = crop.shape
    padded = np.zeros((height, width + 2), np.bool_)
    padded[:, 1:-1] = crop
    # Background stands around every row, so that starts and stops alternate.
    rows, edges = np.nonzero(padded[:, 1:] != padded[:, :-1])
    y, x = offset_yx
    return rows[::2] + y, edges[::2] + x, edges[1::2] + x


def _runs_of_equal_values(
    labels: NDArray[np.integer],
) -> tuple[IntArray, IntArray, IntArray]:
    """Return rows, starts and stops of runs of one value, background included."""
    height, width = labels.shape
    if not labels.size:
        none = np.zeros(0, np.int64)
        return none, none, none
    is_first = np.ones((height, width), np.bool_)
    is_first[:, 1:] = labels[:, 1:] != labels[:, :-1]
    rows, starts = np.nonzero(is_first)
    stops = np.full(len(rows), width, np.int64)
    goes_on = rows[1:] == rows[:-1]
    stops[:-1][goes_on] = starts[1:][goes_on]
    return rows, starts, stops
