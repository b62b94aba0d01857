"""Numbers by chance that depend on nothing but a place: equal in every chunk."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float32 = NDArray[np.float32]

_MIX = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)


def hashed(seed: int, *places: ArrayLike) -> NDArray[np.uint32]:
    """Return for whole numbers, broadcast, one number by chance each."""
    mixed = np.full((1,), seed * 0x165667B1 % 2**32, np.uint32)
    for number, place in enumerate(places):
        value = np.asarray(place).astype(np.int64).astype(np.uint32)
        mixed = (mixed ^ (value * np.uint32(_MIX[number % 4]))) * np.uint32(_MIX[1])
        mixed ^= mixed >> np.uint32(15)
        mixed *= np.uint32(_MIX[2])
        mixed ^= mixed >> np.uint32(13)
    return mixed


def chance(seed: int, *places: ArrayLike) -> Float32:
    """Return for whole numbers, broadcast, one number from 0 and below 1 each."""
    bits = hashed(seed, *places) >> np.uint32(8)
    return bits.astype(np.float32) * np.float32(2.0**-24)


def smooth_noise(seed: int, y: NDArray, x: NDArray, period: float) -> Float32:
    """Return noise without corners on a grid, about -1 to 1.

    Parameters
    ----------
    seed
        Other seeds give other noise.
    y, x
        (h,) and (w,) places in pixels of the finest level.
    period
        How far apart independent values lie, in pixels.

    Returns
    -------
    NDArray
        (h, w) float32.
    """
    rows, down = _spline(y / period)
    columns, across = _spline(x / period)
    values = chance(seed, rows[:, np.newaxis], columns) * 2 - 1
    # A spline of independent values has half of their spread.
    return (down @ values @ across.T) * np.float32(1.9)


def layered_noise(seed: int, y: NDArray, x: NDArray, periods: ArrayLike) -> Float32:
    """Return noise of several periods, each as strong as its share of the first one."""
    first, *others = [float(period) for period in np.asarray(periods)]
    total = smooth_noise(seed, y, x, first)
    for number, period in enumerate(others, start=1):
        weight = np.float32((period / first) ** 0.6)
        total += weight * smooth_noise(seed + 101 * number, y, x, period)
    return total


def _spline(position: NDArray) -> tuple[NDArray[np.int64], Float32]:
    """Return which values are needed along an axis, and the weights of each place."""
    cell = np.floor(position).astype(np.int64)
    first = int(cell.min()) - 1
    count = int(cell.max()) - first + 3
    t = (position - cell).astype(np.float32)
    parts = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    weights = np.zeros((len(position), count), np.float32)
    here = np.arange(len(position))
    for step, part in enumerate(parts):
        weights[here, cell - first - 1 + step] = part
    return first + np.arange(count), weights


@cache
def texture(
    seed: int, side: int, *, grain: float, stretch: float = 1.0
) -> tuple[Float32, ...]:
    """Return a picture of noise that goes on at its own other side, at all levels.

    Parameters
    ----------
    seed
        Other seeds give other noise.
    side
        In pixels.
    grain
        Width of what is seen, in pixels.
    stretch
        By how much longer than wide grains are.

    Returns
    -------
    tuple of NDArray
        (side, side) float32 of mean 0 and standard deviation 1, and the means of 2 x 2
        of its pixels, 4 x 4 and so on.
    """
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(side)
    fy, fx = frequency[:, np.newaxis], frequency[np.newaxis, :]
    radius = np.hypot(fy * grain, fx * grain * stretch) * 2 * np.pi
    spectrum = np.fft.fft2(rng.standard_normal((side, side))) * np.exp(-(radius**2) / 4)
    # Nothing as wide as the picture itself: it would be seen again and again.
    spectrum *= 1 - np.exp(-((np.hypot(fy, fx) * side / 6) ** 2))
    values = np.fft.ifft2(spectrum).real
    levels = [(values / values.std()).astype(np.float32)]
    while len(levels[-1]) > 1:
        quads = levels[-1].reshape(len(levels[-1]) // 2, 2, -1, 2)
        levels.append(quads.mean(axis=(1, 3)))
    return tuple(levels)


def textured(
    levels: tuple[Float32, ...], level: int, y0: int, x0: int, shape: tuple[int, int]
) -> Float32:
    """Return a part of the plane covered with a texture, at a level."""
    picture = levels[min(level, len(levels) - 1)]
    rows = (y0 + np.arange(shape[0])) % len(picture)
    columns = (x0 + np.arange(shape[1])) % len(picture)
    return picture[rows].take(columns, axis=1)


def noise_at(seed: int, y: NDArray, x: NDArray, period: float) -> Float32:
    """Return noise of about -1 to 1 at (n,) places, another one than on a grid."""
    row, column = np.floor(y / period), np.floor(x / period)
    down, across = (y / period - row), (x / period - column)
    down, across = (t * t * (3 - 2 * t) for t in (down, across))
    corners = [
        [chance(seed, row + i, column + j) * 2 - 1 for j in (0, 1)] for i in (0, 1)
    ]
    top, bottom = (left + (right - left) * across for left, right in corners)
    return (top + (bottom - top) * down).astype(np.float32)
