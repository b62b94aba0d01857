"""Filaments and neurons: thin winding things that cross."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, blob
from tilesam.training.scenes.ribbons import ribbon, winding_path
from tilesam.training.scenes.textures import fractal_noise, illumination

if TYPE_CHECKING:
    from tilesam.types import FloatArray


def filaments(size: int, rng: np.random.Generator) -> Canvas:
    """Return neuron > soma > nucleus and filament > swelling, bright or dark."""
    unit, shape = size / 256, (size, size)
    is_dark = rng.random() < 0.35
    ground = rng.uniform(0.5, 0.9) if is_dark else rng.uniform(0.02, 0.25)
    field = ground + 0.04 * fractal_noise(shape, rng.uniform(3, 12), rng)
    canvas = Canvas(field[..., None].astype(np.float32))
    sign = -1.0 if is_dark else 1.0
    with_somata = rng.random() < 0.5
    half_width = rng.uniform(1.3, 4.5) * unit
    for _ in range(rng.integers(2, 11)):
        light = sign * rng.uniform(0.25, 0.6)
        start = rng.uniform(0, size, size=2)
        if with_somata:
            _neuron(canvas, start, half_width=half_width, light=light, rng=rng)
        else:
            _filament(canvas, start, half_width=half_width, light=light, rng=rng)
    canvas.blur(rng.uniform(0.4, 1.2) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.3)[..., None]
    canvas.add_noise(rng, photons=rng.uniform(60, 1500), read=0.01)
    return canvas


def _filament(
    canvas: Canvas,
    start: FloatArray,
    *,
    half_width: float,
    light: float,
    rng: np.random.Generator,
) -> None:
    size = canvas.shape[0]
    length = rng.uniform(0.3, 1.4) * size
    path = winding_path(start, rng.uniform(0, 2 * np.pi), length=length, rng=rng)
    swellings = _draw_swellings(path, rng)
    strand = ribbon(canvas.shape, [path], half_width=half_width, swellings=swellings)
    if strand is None:
        return
    whole = canvas.add_whole(strand)
    round_light = np.sqrt(np.clip(1.05 - strand.depth**2, 0.1, 1))
    canvas.blend(strand, _toward(canvas, strand, light, round_light), strand.cover())
    for center in swellings:
        bead = blob(canvas.shape, center, radius=2.4 * half_width, rng=rng)
        canvas.add_part(bead, parent=whole)


def _neuron(
    canvas: Canvas,
    start: FloatArray,
    *,
    half_width: float,
    light: float,
    rng: np.random.Generator,
) -> None:
    size = canvas.shape[0]
    center = (float(start[0]), float(start[1]))
    first = rng.uniform(0, 2 * np.pi)
    count = int(rng.integers(1, 6))
    paths = [
        winding_path(
            start,
            first + 2 * np.pi * (arm + rng.uniform(-0.3, 0.3)) / count,
            length=rng.uniform(0.08, 0.45) * size,
            rng=rng,
        )
        for arm in range(count)
    ]
    soma = blob(
        canvas.shape, center, radius=half_width * rng.uniform(3, 6), rng=rng, aspect=1.3
    )
    arms = ribbon(canvas.shape, paths, half_width=half_width)
    if arms is None or not soma.mask.any():
        return
    whole = canvas.add_whole(arms)
    mask = soma.mask
    canvas.layers[0][soma.window][mask] = whole
    canvas.layers[1:, soma.rows, soma.columns][:, mask] = 0
    canvas.blend(arms, _toward(canvas, arms, 0.7 * light, 1.0), arms.cover())
    canvas.blend(soma, _toward(canvas, soma, light, 1.0), soma.cover())
    part = canvas.add_part(soma, parent=whole)
    nucleus = blob(canvas.shape, center, radius=soma.radius * 0.5, rng=rng)
    if canvas.add_part(nucleus, parent=part, layer=SUBPART):
        inside = nucleus.cover() * canvas.visible(nucleus, owner=part, layer=PART)
        canvas.add_light(nucleus, -0.4 * light * inside)


def _toward(
    canvas: Canvas, outline: Outline, light: float, profile: object
) -> FloatArray:
    """Return the ground in the window, made lighter or darker."""
    ground = float(canvas.image.mean())
    return np.asarray(ground + light * np.asarray(profile) + 0 * outline.u)


def _draw_swellings(
    path: FloatArray, rng: np.random.Generator
) -> list[tuple[float, float]]:
    if rng.random() < 0.5:
        return []
    chosen = path[rng.integers(len(path), size=rng.integers(1, 5))]
    return [(float(y), float(x)) for y, x in chosen]
