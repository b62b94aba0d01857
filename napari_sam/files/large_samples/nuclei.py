"""Nuclei and goblets as stamps: some of each kind, turned by steps."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.stamps import Stamps

SIDE = 48
"""Of a stamp, in pixels of the finest level."""

LEVELS = 4

TURNS, VARIANTS = 12, 5

EPITHELIAL, SPINDLE, ROUND = range(3)
"""Kinds of nuclei: of glands, of the stroma's fibres, of lymphocytes."""

HALF_AXES = {EPITHELIAL: (17.0, 10.5), SPINDLE: (19.0, 6.0), ROUND: (10.5, 9.5)}
DARKNESS = {EPITHELIAL: 0.72, SPINDLE: 0.85, ROUND: 1.05}


@cache
def nucleus_stamps() -> Stamps:
    """Return pictures of how much haematoxylin nuclei hold."""
    rng = np.random.default_rng(5)
    pictures = [
        _nucleus(rng, kind, turn * np.pi / TURNS)
        for kind in HALF_AXES
        for turn in range(TURNS)
        for _ in range(VARIANTS)
    ]
    return Stamps.from_pictures(np.stack(pictures), level_count=LEVELS)


@cache
def goblet_stamps() -> Stamps:
    """Return pictures of how much of the stain goblets of mucus push away."""
    rng = np.random.default_rng(6)
    pictures = []
    for _ in range(TURNS):
        axes = rng.uniform(13, 19), rng.uniform(11, 15)
        distance = _distance(rng, axes, rng.uniform(0, np.pi), roughness=0.05)
        pictures.append(np.clip((1 - distance) * 6, 0, 1) * rng.uniform(0.75, 0.95))
    return Stamps.from_pictures(np.stack(pictures), level_count=LEVELS)


def nucleus_numbers(kind: NDArray, angle: NDArray, variant: NDArray) -> NDArray:
    """Return which stamps show nuclei.

    Parameters
    ----------
    kind
        (n,) `EPITHELIAL`, `SPINDLE` or `ROUND`.
    angle
        (n,) of the longer axis to the x axis, in radians.
    variant
        (n,) from 0 and below 1, which of those that look alike.
    """
    turn = np.rint(angle * (TURNS / np.pi)).astype(np.int64) % TURNS
    return (kind * TURNS + turn) * VARIANTS + (variant * VARIANTS).astype(np.int64)


def _nucleus(rng: np.random.Generator, kind: int, angle: float) -> NDArray[np.float64]:
    size = rng.uniform(0.82, 1.12)
    axes = tuple(axis * size for axis in HALF_AXES[kind])
    distance = _distance(rng, axes, angle, roughness=0.035)
    sharpness = 5.0
    mask = np.clip((1 - distance) * sharpness, 0, 1)
    chromatin = _blurred(rng.standard_normal((SIDE, SIDE)), 2.2)
    rim = np.exp(-(((distance - 0.86) / 0.13) ** 2))
    stain = DARKNESS[kind] * rng.uniform(0.85, 1.15)
    return mask * stain * np.clip(0.88 + 0.14 * chromatin + 0.22 * rim, 0.3, 1.5)


def _distance(
    rng: np.random.Generator, axes: tuple[float, ...], angle: float, *, roughness: float
) -> NDArray[np.float64]:
    """Return the distance from the middle, 1 at the edge of an uneven ellipse."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    along = x * np.cos(angle) + y * np.sin(angle)
    across = y * np.cos(angle) - x * np.sin(angle)
    distance = np.hypot(along / axes[0], across / axes[1])
    direction = np.arctan2(across / axes[1], along / axes[0])
    phases = rng.uniform(0, 2 * np.pi, 4)
    waves = np.array([2, 3, 4, 5])[:, np.newaxis, np.newaxis]
    bumps = np.cos(waves * direction + phases[:, np.newaxis, np.newaxis]).sum(axis=0)
    return distance / (1 + roughness * bumps)


def _blurred(values: NDArray, sigma: float) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(values, sigma)
    return blurred / blurred.std()
