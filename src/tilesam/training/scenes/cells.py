"""Whole cells with nuclei: cytology smears and phase contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, blob
from tilesam.training.scenes.placement import scatter
from tilesam.training.scenes.textures import fractal_noise, grain, illumination

if TYPE_CHECKING:
    from tilesam.types import Float32Array


def cells(size: int, rng: np.random.Generator) -> Canvas:
    """Return cell > nucleus > nucleolus, absorbing light or bending it."""
    return _smear(size, rng) if rng.random() < 0.45 else _phase_contrast(size, rng)


def _smear(size: int, rng: np.random.Generator) -> Canvas:
    """Large transparent cells on bright ground, overlapping, with dark nuclei."""
    unit, shape = size / 256, (size, size)
    ground = rng.uniform(0.8, 0.95) + 0.02 * fractal_noise(shape, 3, rng)
    canvas = Canvas(np.repeat(ground[..., None], 3, axis=-1).astype(np.float32))
    stain = np.array([1.0, 1.0, 1.0])
    if rng.random() < 0.5:
        stain = rng.uniform(0.5, 1.5, size=3)
    radius = rng.uniform(20, 55) * unit
    folds = fractal_noise(shape, rng.uniform(8, 24), rng)
    for center, own in scatter(
        shape,
        radius=radius,
        rng=rng,
        filled=rng.uniform(0.2, 0.9),
        touching=0.6,
        gap=rng.uniform(0.6, 1.0),
        at_most=25,
    ):
        aspect = np.exp(abs(rng.normal(scale=0.25)))
        cell = blob(shape, center, radius=own, rng=rng, aspect=aspect, roughness=0.1)
        whole = canvas.add_whole(cell)
        density = rng.uniform(0.1, 0.45) * (1 + 0.5 * folds[cell.window])
        _absorb(canvas, cell, density, stain)
        offset = rng.normal(scale=0.2, size=2) * own
        nucleus = blob(
            shape,
            (center[0] + offset[0], center[1] + offset[1]),
            radius=max(own * rng.uniform(0.12, 0.4), 3),
            rng=rng,
            aspect=1.2,
            roughness=0.05,
        )
        part = canvas.add_part(nucleus, parent=whole)
        if part:
            texture = 1 + 0.3 * folds[nucleus.window]
            _absorb(canvas, nucleus, rng.uniform(0.6, 1.4) * texture, stain)
            _spot(canvas, nucleus, owner=part, rng=rng, change=-0.3)
    canvas.blur(rng.uniform(0.3, 1.1) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.1)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0, 0.02))
    return canvas


def _absorb(
    canvas: Canvas, outline: Outline, density: Float32Array | float, stain: object
) -> None:
    """Let light through as Beer and Lambert say, so that overlaps are darker."""
    amount = (outline.cover(1.5) * density)[..., None]
    canvas.multiply(outline, np.exp(-amount * np.asarray(stain, dtype=np.float32)))


def _spot(
    canvas: Canvas,
    nucleus: Outline,
    *,
    owner: int,
    rng: np.random.Generator,
    change: float,
) -> None:
    """Paint one nucleolus and label it as a part of the nucleus."""
    reach = rng.uniform(0, 0.4) * nucleus.radius
    u, v = nucleus.u - np.float32(reach), nucleus.v
    radius = nucleus.radius * rng.uniform(0.2, 0.35)
    spot = nucleus.with_depth(np.hypot(u, v) / np.float32(radius), radius)
    if canvas.add_part(spot, parent=owner, layer=SUBPART):
        canvas.multiply(spot, 1 + change * spot.cover())


def _phase_contrast(size: int, rng: np.random.Generator) -> Canvas:
    """Grey ground; thin spiky cells with halos, and round bright ones."""
    unit, shape = size / 256, (size, size)
    ground = rng.uniform(0.35, 0.6) + 0.015 * fractal_noise(shape, 6, rng)
    canvas = Canvas(ground[..., None].astype(np.float32))
    radius = rng.uniform(9, 30) * unit
    texture = grain(shape, rng, sigma=max(0.8, 1.2 * unit))
    contrast = rng.uniform(0.5, 1.3)
    for center, own in scatter(
        shape,
        radius=radius,
        rng=rng,
        spread=0.3,
        filled=rng.uniform(0.1, 0.5),
        touching=0.5,
        gap=1.0,
        at_most=30,
    ):
        if rng.random() < 0.15:
            _round_cell(canvas, center, radius=own * 0.5, rng=rng)
            continue
        cell = blob(
            shape, center, radius=own * 0.85, rng=rng,
            aspect=np.exp(abs(rng.normal(scale=0.5))), roughness=0.15,
            spikes=int(rng.integers(0, 5)), margin=1.5,
        )  # fmt: skip
        whole = canvas.add_whole(cell)
        pixels = (cell.depth - 1) * np.float32(cell.radius / max(unit, 0.7))
        halo = 0.16 * np.exp(-(((pixels - 2) / 2.5) ** 2))
        rim = -0.2 * np.exp(-(((pixels + 1) / 1.5) ** 2))
        inside = cell.cover() * 0.06 * (texture[cell.window] + rng.normal())
        canvas.add_light(cell, contrast * (halo + rim + inside))
        nucleus = blob(shape, center, radius=own * 0.35, rng=rng, aspect=1.3)
        part = canvas.add_part(nucleus, parent=whole)
        if part:
            edge = np.exp(-(((nucleus.depth - 1) / 0.2) ** 2))
            mask = canvas.visible(nucleus, owner=part, layer=PART)
            light = 0.08 * nucleus.cover() - 0.1 * edge
            canvas.add_light(nucleus, contrast * light * mask)
            _spot(canvas, nucleus, owner=part, rng=rng, change=-0.35)
    canvas.blur(rng.uniform(0.3, 0.9) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.2)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0.005, 0.03))
    return canvas


def _round_cell(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    radius: float,
    rng: np.random.Generator,
) -> None:
    """Paint a cell that rounded up: dark ring, bright halo, bright middle."""
    cell = blob(
        canvas.shape, center, radius=radius, rng=rng, roughness=0.03, margin=1.8
    )
    canvas.add_whole(cell)
    halo = 0.5 * np.exp(-(((cell.depth - 1.15) / 0.2) ** 2))
    ring = -0.35 * np.exp(-(((cell.depth - 0.85) / 0.15) ** 2))
    middle = rng.uniform(0, 0.5) * np.exp(-((cell.depth / 0.5) ** 2))
    canvas.add_light(cell, halo + ring + middle)
