"""Bacteria: bent and dividing rods, alone and in aligned colonies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, capsule
from tilesam.training.scenes.textures import fractal_noise, illumination

if TYPE_CHECKING:
    from tilesam.types import Float32Array

_TRIALS = 160


def rods(size: int, rng: np.random.Generator) -> Canvas:
    """Return dividing pair > daughter > nucleoid, or single rods with nucleoids."""
    unit, shape = size / 256, (size, size)
    phase = rng.random() < 0.6
    ground = rng.uniform(0.3, 0.6) if phase else rng.uniform(0.02, 0.12)
    field = ground * (1 + 0.06 * fractal_noise(shape, 4, rng))
    canvas = Canvas(field[..., None].astype(np.float32))
    half_width = np.exp(rng.uniform(np.log(2.5), np.log(11))) * unit
    for outline, is_dividing in _colony(canvas, half_width=half_width, rng=rng):
        whole = canvas.add_whole(outline)
        light = _phase_light if phase else _fluorescent_light
        canvas.add_light(outline, light(outline, rng, unit=unit))
        _label_daughters(canvas, outline, whole, divided=is_dividing, rng=rng)
    canvas.blur(rng.uniform(0.4, 1.3) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.25)[..., None]
    if rng.random() < 0.15:
        canvas.image = 1 - canvas.image
    canvas.add_noise(rng, photons=rng.uniform(150, 2000), read=0.01)
    return canvas


def _colony(
    canvas: Canvas, *, half_width: float, rng: np.random.Generator
) -> list[tuple[Outline, bool]]:
    """Place rods beside, behind or away from earlier ones, without overlap."""
    size = canvas.shape[0]
    together = rng.uniform(0.2, 0.95)
    wanted = min(60, int(rng.uniform(0.05, 0.5) * size**2 / (14 * half_width**2)) + 1)
    length, bend = rng.uniform(1.5, 7), rng.uniform(0, 1.2)
    taken = np.zeros(canvas.shape, dtype=bool)
    places: list[tuple[float, float, float, float]] = []
    placed: list[tuple[Outline, bool]] = []
    for _ in range(_TRIALS):
        half_length = half_width * length * np.exp(rng.normal(scale=0.35))
        y, x, angle = _next_place(places, half_length, half_width, together, size, rng)
        is_dividing = bool(rng.random() < 0.35)
        outline = capsule(
            canvas.shape,
            (y, x),
            half_length=half_length,
            half_width=half_width * rng.uniform(0.9, 1.1),
            angle=angle,
            bend=rng.normal(scale=bend) * half_width,
            waist=rng.uniform(0.15, 0.5) if is_dividing else 0.0,
            margin=4 + half_width,
        )
        mask = outline.mask
        if mask.sum() < 20 or taken[outline.window][mask].mean() > 0.04:
            continue
        taken[outline.window] |= mask
        places.append((y, x, angle, half_length))
        placed.append((outline, is_dividing))
        if len(placed) == wanted:
            break
    return placed


def _next_place(
    places: list[tuple[float, float, float, float]],
    half_length: float,
    half_width: float,
    together: float,
    size: int,
    rng: np.random.Generator,
) -> tuple[float, float, float]:
    if not places or rng.random() > together:
        y, x = rng.uniform(0, size, size=2)
        return float(y), float(x), float(rng.uniform(0, np.pi))
    y, x, angle, other = places[rng.integers(len(places))]
    turn = rng.normal(scale=0.15)
    if rng.random() < 0.7:
        along = rng.uniform(-1, 1) * other
        across = rng.choice([-1, 1]) * half_width * rng.uniform(2.05, 2.5)
    else:
        along = rng.choice([-1, 1]) * (other + half_length + 2.1 * half_width)
        across = rng.normal(scale=0.3) * half_width
    cos, sin = np.cos(angle), np.sin(angle)
    return (
        float(y + along * sin + across * cos),
        float(x + along * cos - across * sin),
        float(angle + turn),
    )


def _phase_light(
    rod: Outline, rng: np.random.Generator, *, unit: float
) -> Float32Array:
    """Dark inside, bright halo outside."""
    pixels = (rod.depth - 1) * np.float32(rod.radius / max(unit, 0.7))
    halo = rng.uniform(0.1, 0.25) * np.exp(-(((pixels - 2) / 2.5) ** 2))
    body = rng.uniform(0.25, 0.45) * (1 - 0.3 * np.clip(1 - rod.depth, 0, 1))
    light: Float32Array = halo - rod.cover(1.5) * body
    return light


def _fluorescent_light(
    rod: Outline, rng: np.random.Generator, *, unit: float
) -> Float32Array:
    """Bright and round, or only the membrane is bright."""
    if rng.random() < 0.2:
        wall = np.exp(-(((rod.depth - 0.9) / 0.25) ** 2))
        return rng.uniform(0.3, 0.7) * (0.3 * rod.cover() + wall).astype(np.float32)
    rounded = np.sqrt(np.clip(1 - rod.depth**2, 0.05, 1))
    light: Float32Array = rng.uniform(0.25, 0.8) * rod.cover(unit) * rounded
    return light


def _label_daughters(
    canvas: Canvas,
    rod: Outline,
    whole: int,
    *,
    divided: bool,
    rng: np.random.Generator,
) -> None:
    """Label both halves of a dividing rod, and the nucleoids in the halves."""
    if not divided:
        return
    septum = np.exp(-((rod.u / np.float32(max(1.0, 0.25 * rod.radius))) ** 2))
    canvas.multiply(rod, 1 + rng.uniform(0.1, 0.4) * septum * rod.cover())
    spots = rng.random() < 0.5
    for side in (-1, 1):
        half = rod.only(rod.u * side > 0)
        part = canvas.add_part(half, parent=whole)
        if not part or not spots or not half.mask.any():
            continue
        middle = float(rod.u[half.mask].mean())
        depth = np.hypot((rod.u - middle) / 1.6, rod.v) / (0.55 * rod.radius)
        nucleoid = rod.with_depth(depth.astype(np.float32), 0.55 * rod.radius)
        if canvas.add_part(nucleoid, parent=part, layer=SUBPART):
            canvas.add_light(nucleoid, 0.2 * nucleoid.cover())
