"""What all views from above share: ground, trees and the direction of the light."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.outlines import blob
from tilesam.training.scenes.textures import fractal_noise, grain

if TYPE_CHECKING:
    from tilesam.training.scenes.canvas import Canvas
    from tilesam.types import Float32Array, FloatArray

GROUNDS = np.array(
    [
        [0.36, 0.42, 0.24],
        [0.5, 0.45, 0.33],
        [0.62, 0.5, 0.36],
        [0.55, 0.36, 0.26],
        [0.45, 0.45, 0.43],
        [0.28, 0.36, 0.2],
    ]
)
"""Grass, dry grass, sand, red soil, gravel, meadow; RGB in [0, 1]."""


def ground(size: int, rng: np.random.Generator) -> Float32Array:
    """Return patches of two or three kinds of ground, (size, size, 3) float32."""
    shape = (size, size)
    kinds = GROUNDS[rng.choice(len(GROUNDS), size=3, replace=False)]
    kinds = kinds * rng.uniform(0.8, 1.6)
    image = np.broadcast_to(kinds[0], (*shape, 3))
    for kind in kinds[1:]:
        field = fractal_noise(shape, rng.uniform(2, 8), rng, octaves=4)
        share = np.clip((field - rng.uniform(-0.3, 0.4)) * rng.uniform(1, 7), 0, 1)
        image = image + (kind - image) * share[..., None]
    fine = fractal_noise(shape, size / 6, rng, octaves=2) + 0.6 * grain(shape, rng)
    strength = rng.uniform(0.04, 0.2)
    bushes = np.clip(fractal_noise(shape, size / 12, rng) - rng.uniform(0.2, 0.7), 0, 1)
    light = 1 + strength * fine - rng.uniform(0, 1.2) * bushes
    return np.asarray(image * light[..., None], dtype=np.float32)


def sun(rng: np.random.Generator, *, unit: float) -> FloatArray:
    """Draw the direction of shadows `(dy, dx)`, in pixels per unit of height."""
    turn, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 6) * unit
    return np.array([np.sin(turn), np.cos(turn)]) * length


def tree(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    radius: float,
    shadow: FloatArray,
    rng: np.random.Generator,
) -> int:
    """Paint a crown of leaves with its shadow and return its id."""
    shape = canvas.shape
    place = (center[0] + shadow[0], center[1] + shadow[1])
    dark = blob(shape, place, radius=radius, rng=rng, roughness=0.1)
    canvas.multiply(dark, 1 - 0.5 * dark.cover(2))
    crown = blob(shape, center, radius=radius, rng=rng, roughness=0.12)
    whole = canvas.add_whole(crown)
    clumps = fractal_noise(crown.u.shape, max(3.0, radius / 4), rng, octaves=2)
    lit = -(crown.u * shadow[1] + crown.v * shadow[0]) / (
        radius * max(float(np.hypot(*shadow)), 1e-6)
    )
    light = 0.9 + 0.45 * clumps + 0.15 * np.clip(lit, -1, 1)
    green = np.array([0.22, 0.32, 0.14]) * rng.uniform(0.6, 1.3)
    green = green + rng.normal(scale=0.02, size=3)
    canvas.blend(crown, light[..., None] * green, crown.cover(1.5))
    return whole
