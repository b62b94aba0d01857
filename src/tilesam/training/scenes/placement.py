"""Where to put things: scattered, or in clusters that touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

Place = tuple[tuple[float, float], float]
"""A centre `(y, x)` and a radius, in pixels."""


def scatter(
    image_hw: tuple[int, int],
    *,
    radius: float,
    rng: np.random.Generator,
    spread: float = 0.2,
    filled: float = 0.3,
    touching: float = 0.3,
    gap: float = 1.0,
    at_most: int = 60,
) -> Iterator[Place]:
    """Yield places for round things until the image is full enough.

    Parameters
    ----------
    radius
        Median radius in pixels.
    spread
        Standard deviation of the logarithm of the radius.
    filled
        Share of the image to be covered.
    touching
        Share of things that are put beside an earlier one.
    gap
        Smallest distance of two centres over the sum of their radii.
    at_most
        Upper limit of the number, for speed.
    """
    height, width = image_hw
    wanted = filled * height * width / (np.pi * radius**2)
    count = int(np.clip(round(wanted), 1, at_most))
    centers, radii = np.empty((0, 2)), np.empty(0)
    for _ in range(4 * count):
        own = radius * np.exp(rng.normal(scale=spread))
        if len(radii) and rng.random() < touching:
            near, turn = rng.integers(len(radii)), rng.uniform(0, 2 * np.pi)
            step = (radii[near] + own) * gap * 1.02
            center = centers[near] + step * np.array([np.sin(turn), np.cos(turn)])
        else:
            center = rng.uniform(0, 1, size=2) * (height, width)
        if not (-0.3 * own < center).all() or not (center < image_hw).all():
            continue
        distances = np.hypot(*(centers - center).T)
        if (distances < gap * (radii + own)).any():
            continue
        centers, radii = np.vstack([centers, center]), np.append(radii, own)
        yield (float(center[0]), float(center[1])), float(own)
        if len(radii) == count:
            return
