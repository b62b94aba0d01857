"""Nuclei, touching or apart: fluorescence, with or without cells, and H&E."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, blob
from tilesam.training.scenes.placement import scatter
from tilesam.training.scenes.textures import fractal_noise, grain, illumination

if TYPE_CHECKING:
    from tilesam.types import Float32Array

_DYES = np.array([[0.25, 0.4, 1.0], [0.2, 1.0, 0.3], [1.0, 0.3, 0.25], [1, 1, 1]])
_HEMATOXYLIN = np.array([[0.34, 0.16, 0.62], [0.42, 0.22, 0.62], [0.28, 0.2, 0.45]])
_EOSIN = np.array([[0.85, 0.75, 0.9], [0.75, 0.65, 0.85], [0.93, 0.78, 0.85]])


def nuclei(size: int, rng: np.random.Generator) -> Canvas:
    """Return cell > nucleus > nucleolus or nucleus > nucleolus, in one of two looks."""
    return _stained(size, rng) if rng.random() < 0.4 else _fluorescent(size, rng)


def _fluorescent(size: int, rng: np.random.Generator) -> Canvas:
    unit = size / 256
    shape, color = (size, size), rng.random() < 0.3
    channels = 3 if color else 1
    haze = 0.03 * rng.uniform(0.2, 2) * (1 + fractal_noise(shape, 4, rng))
    canvas = Canvas(np.repeat(haze[..., None], channels, axis=-1).astype(np.float32))
    with_cells = rng.random() < 0.45
    radius = np.exp(rng.uniform(np.log(6), np.log(26))) * unit
    dyes = _DYES[rng.permutation(4)[:2]] if color else np.ones((2, 1))
    speckle = fractal_noise(shape, size / max(radius, 4), rng, octaves=2)
    roughness = rng.uniform(0.02, 0.1)
    for center, own in scatter(
        shape,
        radius=radius * (1.9 if with_cells else 1.0),
        rng=rng,
        filled=rng.uniform(0.1, 0.7),
        touching=rng.uniform(0, 0.8),
        gap=0.8 if rng.random() < 0.5 else 1.0,
    ):
        aspect = np.exp(abs(rng.normal(scale=0.25)))
        body = blob(
            shape, center, radius=own, rng=rng, aspect=aspect, roughness=roughness
        )
        whole = canvas.add_whole(body)
        nucleus = body
        if with_cells:
            light = rng.uniform(0.08, 0.3) * (1 + 0.5 * speckle[body.window])
            _glow(canvas, body, light, dyes[0])
            offset = rng.normal(scale=0.15, size=2) * own
            middle = (center[0] + offset[0], center[1] + offset[1])
            nucleus = blob(shape, middle, radius=own * 0.48, rng=rng, roughness=0.05)
            part = canvas.add_part(nucleus, parent=whole)
            mask = canvas.visible(nucleus, owner=part, layer=PART) if part else None
            if mask is None:
                continue
            nucleus = nucleus.only(mask)
        owner, layer = (part, SUBPART) if with_cells else (whole, PART)
        chromatin = 1 + rng.uniform(0.1, 0.4) * speckle[nucleus.window]
        flat = 1 - rng.uniform(0, 0.5) * np.clip(nucleus.depth, 0, 1) ** 2
        _glow(canvas, nucleus, rng.uniform(0.3, 1) * chromatin * flat, dyes[1])
        _nucleoli(canvas, nucleus, owner=owner, layer=layer, rng=rng)
    canvas.blur(rng.uniform(0.5, 1.8) * max(unit, 0.7))
    canvas.image *= (illumination(shape, rng, strength=0.4))[..., None]
    exposure = np.exp(rng.uniform(np.log(0.15), np.log(1.1)))
    canvas.image = canvas.image * np.float32(exposure)
    canvas.add_noise(rng, photons=rng.uniform(40, 600) / exposure, read=0.004)
    return canvas


def _glow(canvas: Canvas, outline: Outline, light: Float32Array, dye: object) -> None:
    paint = light[..., None] * np.asarray(dye, dtype=np.float32)
    current = canvas.image[outline.window]
    alpha = outline.cover()[..., None]
    # Fluorescence adds up: nothing becomes darker by what lies above it.
    current += (np.maximum(paint, current) - current) * alpha


def _nucleoli(
    canvas: Canvas,
    nucleus: Outline,
    *,
    owner: int,
    layer: int,
    rng: np.random.Generator,
) -> None:
    """Paint dark or bright spots into a nucleus and label them as its parts."""
    change = rng.uniform(0.2, 0.6) if rng.random() < 0.4 else rng.uniform(-0.6, -0.25)
    for _ in range(rng.integers(0, 4)):
        reach, turn = rng.uniform(0, 0.55) * nucleus.radius, rng.uniform(0, 2 * np.pi)
        u, v = nucleus.u - reach * np.cos(turn), nucleus.v - reach * np.sin(turn)
        radius = nucleus.radius * rng.uniform(0.14, 0.3)
        spot = nucleus.with_depth((np.hypot(u, v) / radius).astype(np.float32), radius)
        if canvas.add_part(spot, parent=owner, layer=layer):
            inside = nucleus.mask * spot.cover()
            canvas.multiply(spot, 1 + change * inside)


def _stained(size: int, rng: np.random.Generator) -> Canvas:
    unit, shape = size / 256, (size, size)
    canvas = Canvas(_tissue(size, rng))
    ink = _HEMATOXYLIN[rng.integers(3)] * rng.uniform(0.8, 1.2)
    radius = np.exp(rng.uniform(np.log(6), np.log(24))) * unit
    chromatin = fractal_noise(shape, size / (0.5 * radius), rng, octaves=2)
    common_angle = rng.uniform(0, np.pi)
    aligned = rng.random() < 0.5
    stretch = rng.uniform(0.1, 0.8)
    for center, own in scatter(
        shape,
        radius=radius,
        rng=rng,
        spread=0.25,
        filled=rng.uniform(0.1, 0.7),
        touching=rng.uniform(0.2, 0.9),
        gap=0.8,
    ):
        angle = common_angle + rng.normal(scale=0.3) if aligned else None
        aspect = np.exp(abs(rng.normal(scale=stretch)))
        outline = blob(shape, center, radius=own, rng=rng, aspect=aspect, angle=angle)
        whole = canvas.add_whole(outline)
        rim = 1 - 0.35 * np.exp(-(((outline.depth - 0.92) / 0.12) ** 2))
        shade = rim * (1 + 0.45 * chromatin[outline.window]) * rng.uniform(0.8, 1.3)
        paint = shade[..., None] * (ink + rng.normal(scale=0.03, size=3))
        # Some nuclei lie out of focus: paler, with a softer edge.
        pale = rng.random() < 0.15
        alpha = outline.cover(4.0 if pale else 1.5) * (0.5 if pale else 0.92)
        canvas.blend(outline, paint, alpha)
        _nucleoli(canvas, outline, owner=whole, layer=PART, rng=rng)
    canvas.blur(rng.uniform(0.6, 1.8) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.15)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0, 0.015))
    return canvas


def _tissue(size: int, rng: np.random.Generator) -> Float32Array:
    """Return the counterstained tissue between nuclei, with bright gaps."""
    shape = (size, size)
    base = _EOSIN[rng.integers(3)] + rng.normal(scale=0.03, size=3)
    waves = fractal_noise(shape, rng.uniform(3, 10), rng)
    fibres = grain(shape, rng, sigma=1.0)
    image = base + (0.07 * waves + 0.02 * fibres)[..., None]
    if rng.random() < 0.6:
        field = (fractal_noise(shape, 4, rng) - 0.1) * rng.uniform(1, 6)
        gaps = np.clip(field, 0, 1)[..., None]
        light = np.array([0.93, 0.92, 0.94])
        image = image + (light - image) * gaps * rng.uniform(0.5, 1)
    return np.asarray(image, dtype=np.float32)
