"""Small pictures put down at many places, each as large as its level shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.noise import Float32

LOOPED = 4000
"""Up to so many stamps a loop is quicker than indices of all their pixels."""


@dataclass(frozen=True, eq=False)
class Stamps:
    """A set of square pictures, at all levels at which they can be told apart.

    Parameters
    ----------
    levels
        (n, s, s) float32 each, the finest first, halved from one to the next.
    """

    levels: tuple[Float32, ...]

    @classmethod
    def from_pictures(cls, pictures: NDArray, *, level_count: int) -> Stamps:
        """Return pictures whose side is a multiple of 2^(level_count - 1)."""
        levels = [np.asarray(pictures, np.float32)]
        while len(levels) < level_count:
            count, side, _ = levels[-1].shape
            quads = levels[-1].reshape(count, side // 2, 2, side // 2, 2)
            levels.append(quads.mean(axis=(2, 4)))
        return cls(tuple(levels))

    @property
    def radius(self) -> int:
        """How far a stamp reaches at the finest level, in pixels."""
        return self.levels[0].shape[-1] // 2

    def press(
        self, canvas: Float32, level: int, y: NDArray, x: NDArray, which: NDArray
    ) -> None:
        """Put stamps onto a canvas, which keeps the larger value of each pixel.

        Parameters
        ----------
        canvas
            (h, w), changed in place.
        level
            Of the canvas.
        y, x
            (n,) centres in pixels of the finest level, from the canvas' corner.
        which
            (n,) numbers of pictures.
        """
        pictures = self.levels[level]
        side = pictures.shape[-1]
        tops = np.floor(y / 2**level - side / 2 + 0.5).astype(np.int64)
        lefts = np.floor(x / 2**level - side / 2 + 0.5).astype(np.int64)
        height, width = canvas.shape
        seen = (tops > -side) & (tops < height) & (lefts > -side) & (lefts < width)
        # Always the same order, for what lies upon what.
        tops, lefts, which = tops[seen], lefts[seen], which[seen]
        press = _press_each if len(tops) <= LOOPED else _press_all
        press(canvas, pictures, tops, lefts, which)


def _press_each(
    canvas: Float32, pictures: Float32, tops: NDArray, lefts: NDArray, which: NDArray
) -> None:
    side = pictures.shape[-1]
    height, width = canvas.shape
    for top, left, number in zip(
        tops.tolist(), lefts.tolist(), which.tolist(), strict=True
    ):
        a, b = max(top, 0), min(top + side, height)
        c, d = max(left, 0), min(left + side, width)
        part = canvas[a:b, c:d]
        picture = pictures[number, a - top : b - top, c - left : d - left]
        np.maximum(part, picture, out=part)


def _press_all(
    canvas: Float32, pictures: Float32, tops: NDArray, lefts: NDArray, which: NDArray
) -> None:
    count, side, _ = pictures.shape
    height, width = canvas.shape
    padded = np.zeros((height + 2 * side, width + 2 * side), np.float32)
    corner = (tops + side) * padded.shape[1] + lefts + side
    inner = (np.arange(side)[:, np.newaxis] * padded.shape[1] + np.arange(side)).ravel()
    places = corner[:, np.newaxis] + inner
    np.maximum.at(padded.ravel(), places, pictures.reshape(count, -1)[which])
    np.maximum(canvas, padded[side:-side, side:-side], out=canvas)
