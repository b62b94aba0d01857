"""Random fields that make surfaces and backgrounds look less drawn."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from tilesam.types import Float32Array, FloatArray


def smooth_noise(
    shape: tuple[int, int], cells: float, rng: np.random.Generator
) -> Float32Array:
    """Return noise with about `cells` bumps along each side.

    Returns
    -------
    Float32Array
        `shape`, float32 in [-1, 1].
    """
    count = max(1, round(cells))
    knots = rng.uniform(-1, 1, size=(count + 1, count + 1)).astype(np.float32)
    rows, columns = _interpolation(shape[0], count), _interpolation(shape[1], count)
    return (rows @ knots @ columns.T).astype(np.float32, copy=False)


def fractal_noise(
    shape: tuple[int, int], cells: float, rng: np.random.Generator, *, octaves: int = 3
) -> Float32Array:
    """Return smooth noise plus finer and fainter copies; float32, about [-1, 1]."""
    total = np.zeros(shape, dtype=np.float32)
    for octave in range(octaves):
        total += 0.55**octave * smooth_noise(shape, cells * 2**octave, rng)
    return total / np.float32(1.3)


def grain(
    shape: tuple[int, int], rng: np.random.Generator, *, sigma: float = 0.0
) -> Float32Array:
    """Return white noise of variance one, blurred by `sigma` pixels."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if sigma <= 0:
        return noise
    blurred = gaussian_filter(noise, sigma, mode="wrap", truncate=2.5)
    result: Float32Array = blurred / max(float(blurred.std()), 1e-6)
    return result


def illumination(
    shape: tuple[int, int], rng: np.random.Generator, *, strength: float
) -> Float32Array:
    """Return a slowly varying factor around one: a tilt and a dark or bright centre.

    Parameters
    ----------
    strength
        Largest deviation from one.
    """
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    tilt_y, tilt_x, bowl = rng.uniform(-1, 1, size=3).astype(np.float32)
    field = tilt_y * y + tilt_x * x + bowl * (y**2 + x**2 - np.float32(0.7))
    peak = max(float(np.abs(field).max()), 1e-6)
    return 1 + field * np.float32(strength * rng.uniform() / peak)


def stripes(
    position: Float32Array | FloatArray, period: float, phase: float = 0.0
) -> Float32Array:
    """Return a cosine of the position in pixels; float32 in [-1, 1]."""
    turns = position.astype(np.float32, copy=False) * np.float32(2 * np.pi / period)
    return np.cos(turns + np.float32(phase))


@lru_cache(maxsize=256)
def _interpolation(length: int, cells: int) -> Float32Array:
    """Return (length, cells + 1) weights that interpolate smoothly between knots."""
    position = np.linspace(0, cells, length, dtype=np.float32)
    left = np.minimum(position.astype(np.intp), cells - 1)
    fraction = position - left
    fraction = fraction * fraction * (3 - 2 * fraction)
    weights = np.zeros((length, cells + 1), dtype=np.float32)
    weights[np.arange(length), left] = 1 - fraction
    weights[np.arange(length), left + 1] = fraction
    weights.setflags(write=False)
    return weights
