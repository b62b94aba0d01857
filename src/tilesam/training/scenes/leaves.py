"""Leaves on a plain ground or close up, with veins and diseased spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, blob, window_of
from tilesam.training.scenes.textures import fractal_noise, illumination, stripes

if TYPE_CHECKING:
    from tilesam.types import Float32Array


def leaves(size: int, rng: np.random.Generator) -> Canvas:
    """Return leaf > yellow spot > dead middle of the spot."""
    shape = (size, size)
    paper = rng.uniform(0.55, 0.95) + rng.normal(scale=0.02, size=3)
    field = illumination(shape, rng, strength=0.35)[..., None] * paper
    canvas = Canvas(
        (field + 0.01 * fractal_noise(shape, 6, rng)[..., None]).astype("f4")
    )
    count = int(rng.choice([1, 1, 1, 2, 3, 6]))
    for _ in range(count):
        length = rng.uniform(0.6, 2.2) if count == 1 else rng.uniform(0.35, 0.8)
        middle = rng.uniform(0.3, 0.7, size=2) if count == 1 else rng.uniform(size=2)
        center = (float(middle[0] * size), float(middle[1] * size))
        _leaf(canvas, center, half_length=length * size / 2, rng=rng)
    canvas.blur(rng.uniform(0.3, 1.2) * max(size / 256, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.25)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0, 0.02))
    return canvas


def _leaf(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    half_length: float,
    rng: np.random.Generator,
) -> None:
    angle = rng.uniform(0, 2 * np.pi)
    leaf = _leaf_outline(canvas.shape, center, half_length, angle, rng)
    if not leaf.mask.any():
        return
    shift = rng.uniform(-0.06, 0.06, size=2) * half_length
    shadow = leaf.shifted(shift).cover(0.12 * leaf.radius)
    canvas.multiply(leaf, 1 - rng.uniform(0.1, 0.5) * shadow)
    whole = canvas.add_whole(leaf)
    canvas.blend(leaf, _blade(leaf, rng), leaf.cover(1.2))
    for _ in range(rng.integers(0, 9)):
        along, across = rng.uniform(-0.9, 0.9), rng.uniform(-0.3, 0.3)
        cos, sin = np.cos(angle), np.sin(angle)
        u, v = along * half_length, across * half_length
        place = (center[0] + u * sin + v * cos, center[1] + u * cos - v * sin)
        radius = half_length * np.exp(rng.uniform(np.log(0.02), np.log(0.16)))
        _lesion(canvas, place, radius=max(radius, 3), parent=whole, rng=rng)


def _leaf_outline(
    image_hw: tuple[int, int],
    center: tuple[float, float],
    half_length: float,
    angle: float,
    rng: np.random.Generator,
) -> Outline:
    """Return a pointed oval with a wavy rim and a stalk."""
    window = window_of(image_hw, center, half_length * 1.15, angle=angle)
    along = np.clip(window.u / np.float32(half_length), np.float32(-1.1), 1.1)
    widest, power = rng.uniform(-0.25, 0.25), rng.uniform(0.7, 1.1)
    profile = np.clip(1 - along**2, 0, 1) ** power * (1 - widest * along)
    waves = 1 + rng.uniform(0, 0.1) * stripes(along, rng.uniform(0.1, 0.4))
    half_width = half_length * rng.uniform(0.28, 0.5)
    width = np.maximum(half_width * profile * waves, 0.0)
    stalk = (along > 0.9) & (along < rng.uniform(1.0, 1.1))
    width = np.where(stalk, np.maximum(width, 0.025 * half_length), width)
    bent = window.v - np.float32(rng.normal(scale=0.08) * half_length) * along**2
    depth = 1 + (np.abs(bent) - width) / np.float32(half_width)
    depth[np.broadcast_to(width < 0.5, depth.shape)] = 9
    return window.with_depth(depth.astype(np.float32), half_width)


def _blade(leaf: Outline, rng: np.random.Generator) -> Float32Array:
    """Return the colour of the leaf: mottled green, paler along the veins."""
    greens = np.array([[0.16, 0.33, 0.1], [0.35, 0.5, 0.12], [0.1, 0.25, 0.12]])
    green = greens[rng.integers(3)] * rng.uniform(0.7, 1.4) + rng.normal(
        scale=0.02, size=3
    )
    if rng.random() < 0.15:
        green = rng.uniform(0.1, 0.7, size=3)
    mottle = fractal_noise(leaf.u.shape, 5, rng)
    gloss = np.clip(fractal_noise(leaf.u.shape, 3, rng) - 0.3, 0, 1)
    midrib = np.exp(-((leaf.v / np.float32(0.03 * leaf.radius + 1)) ** 2))
    period = max(leaf.radius * rng.uniform(0.25, 0.5), 6.0)
    slanted = leaf.u + np.float32(rng.uniform(0.5, 1.2)) * np.abs(leaf.v)
    veins = np.clip(stripes(slanted, period) - 0.93, 0, 1) * 10
    light = 1 + 0.15 * mottle + rng.uniform(0, 0.8) * gloss
    light = light + rng.uniform(0.1, 0.6) * midrib + rng.uniform(0, 0.3) * veins
    light = light * np.where(leaf.v > 0, rng.uniform(0.8, 1.1), 1)
    return np.asarray(light[..., None] * green, dtype=np.float32)


def _lesion(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    radius: float,
    parent: int,
    rng: np.random.Generator,
) -> None:
    """Paint a yellow spot, most with a brown middle."""
    spot = blob(
        canvas.shape, center, radius=radius, rng=rng, aspect=rng.uniform(1, 1.6),
        roughness=0.18,
    )  # fmt: skip
    part = canvas.add_part(spot, parent=parent)
    if not part:
        return
    inside = canvas.visible(spot, owner=part, layer=PART)
    yellow = np.array([0.6, 0.5, 0.1]) * rng.uniform(0.7, 1.3)
    brown = np.array([0.25, 0.16, 0.1]) * rng.uniform(0.6, 1.3)
    mottle = 1 + 0.25 * fractal_noise(spot.u.shape, 4, rng)[..., None]
    is_brown = rng.random() < 0.4
    softness = max(1.0, radius * rng.uniform(0.05, 0.4))
    alpha = spot.cover(softness) * inside
    canvas.blend(spot, (brown if is_brown else yellow) * mottle, 0.9 * alpha)
    if not is_brown and rng.random() < 0.7:
        scale = rng.uniform(1.8, 3)
        middle = spot.with_depth(spot.depth * np.float32(scale), radius / scale)
        if canvas.add_part(middle, parent=part, layer=SUBPART):
            canvas.blend(middle, brown * mottle, 0.9 * middle.cover(1.5) * inside)
