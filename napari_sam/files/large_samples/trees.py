"""Trees from above: crowns that the sun lights from one side, and their shadows."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.stamps import Stamps

SIDE = 48
"""Of a stamp, in pixels of the finest level."""

LEVELS = 4
"""At coarser levels trees are no longer drawn one by one."""

VARIANTS = 24


@cache
def crown_stamps() -> Stamps:
    """Return pictures of how bright crowns are; 0 where there is none."""
    rng = np.random.default_rng(8)
    pictures = np.stack([_crown(rng) for _ in range(VARIANTS)])
    return Stamps.from_pictures(pictures, level_count=LEVELS)


@cache
def shadow_stamps() -> Stamps:
    """Return the outlines of the same crowns."""
    outlines = np.clip(crown_stamps().levels[0] * 4, 0, 1)
    return Stamps.from_pictures(outlines, level_count=LEVELS)


def _crown(rng: np.random.Generator) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    direction = np.arctan2(y, x)
    bumps = sum(
        np.cos(n * direction + rng.uniform(0, 2 * np.pi)) / n for n in (3, 5, 7, 9)
    )
    radius = rng.uniform(11, 20) * (1 + 0.10 * bumps)
    height = np.clip(1 - (np.hypot(y, x) / radius) ** 2, 0, None)
    leaves = gaussian_filter(rng.standard_normal((SIDE, SIDE)), 1.6)
    leaves /= leaves.std()
    dome = np.sqrt(height) + 0.10 * leaves
    slope_y, slope_x = np.gradient(dome)
    light = 0.62 - 1.5 * (slope_y + slope_x) + 0.05 * leaves
    return np.where(height > 0, np.clip(light, 0.25, 1.0), 0)
