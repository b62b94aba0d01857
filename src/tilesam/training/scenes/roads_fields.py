"""Farmland and streets from above: fields with rows, roads with marks, ponds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.aerial import GROUNDS, sun, tree
from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.membranes import mosaic
from tilesam.training.scenes.outlines import Outline, blob, window_of
from tilesam.training.scenes.textures import fractal_noise, grain, stripes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import FloatArray

_CROPS = np.array(
    [
        [0.3, 0.42, 0.18],
        [0.42, 0.5, 0.24],
        [0.62, 0.56, 0.34],
        [0.48, 0.38, 0.28],
        [0.22, 0.33, 0.18],
        [0.66, 0.6, 0.45],
    ]
)


def roads_fields(size: int, rng: np.random.Generator) -> Canvas:
    """Return field > plot > puddle and road > lane mark, with trees and ponds."""
    unit, shape = size / 256, (size, size)
    color = GROUNDS[rng.integers(len(GROUNDS))] * rng.uniform(0.8, 1.1)
    base = color * (1 + 0.1 * fractal_noise(shape, 20, rng))[..., None]
    canvas = Canvas(base.astype(np.float32))
    everything = window_of(shape, (size / 2, size / 2), size, angle=0.0)
    cell, distance = mosaic(
        size, rng, cells=int(rng.integers(3, 24)), warp=rng.uniform(0, 2) * unit,
        stretch=rng.uniform(1, 2.5),
    )  # fmt: skip
    hedge = rng.uniform(0.5, 4) * unit
    for number in np.unique(cell):
        mask = (cell == number) & (distance > hedge)
        _field(canvas, everything, mask, rng=rng, unit=unit)
    for _ in range(rng.choice([0, 1, 1, 2])):
        _road(canvas, everything, rng=rng, unit=unit)
    shadow = sun(rng, unit=unit)
    for _ in range(rng.integers(0, 12)):
        y, x = rng.uniform(0, size, size=2)
        radius = rng.uniform(3, 14) * unit
        tree(canvas, (y, x), radius=radius, shadow=shadow * 0.6, rng=rng)
    if rng.random() < 0.3:
        _pond(canvas, rng=rng, unit=unit)
    canvas.blur(rng.uniform(0.2, 1.0) * max(unit, 0.7))
    canvas.add_noise(rng, read=rng.uniform(0, 0.02))
    return canvas


def _field(
    canvas: Canvas,
    everything: Outline,
    mask: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    unit: float,
) -> None:
    """Paint one field in strips of one to four crops, each with rows of its own."""
    if np.count_nonzero(mask) < 60:
        return
    whole = canvas.add_whole(everything, mask=mask)
    angle = rng.uniform(0, np.pi)
    along = everything.u * np.float32(np.cos(angle)) + everything.v * np.float32(
        np.sin(angle)
    )
    inside = along[mask]
    plots = int(rng.choice([1, 2, 2, 3, 4]))
    cuts = np.quantile(inside, np.sort(rng.uniform(0.15, 0.85, size=plots - 1)))
    plot_of = np.searchsorted(cuts, inside)
    for number in range(plots):
        part_mask = np.zeros_like(mask)
        part_mask[mask] = plot_of == number
        paint = _crop(inside[plot_of == number], rng, unit=unit)
        canvas.image[part_mask] = paint
        if plots == 1:
            continue
        part = canvas.add_part(everything, parent=whole, mask=part_mask)
        if part:
            _wet_spot(canvas, part_mask, part, rng=rng, unit=unit)


def _crop(
    position: NDArray[np.float32], rng: np.random.Generator, *, unit: float
) -> FloatArray:
    """Return the colours of the pixels of one plot: rows, patches and grain."""
    color = _CROPS[rng.integers(len(_CROPS))] * rng.uniform(0.7, 1.3)
    color = color + rng.normal(scale=0.03, size=3)
    period = rng.uniform(2.5, 12) * max(unit, 0.7)
    rows = rng.uniform(0, 0.2) * stripes(position, period, rng.uniform(0, 6))
    noise = rng.uniform(0.01, 0.08) * grain((1, len(position)), rng)[0]
    return np.asarray((1 + rows + noise)[:, None] * color)


def _wet_spot(
    canvas: Canvas,
    plot: NDArray[np.bool_],
    part: int,
    *,
    rng: np.random.Generator,
    unit: float,
) -> None:
    """Paint a dark wet or a bare bright patch into a plot."""
    pixels = np.flatnonzero(plot)
    if rng.random() < 0.5 or not len(pixels):
        return
    y, x = divmod(int(pixels[rng.integers(len(pixels))]), plot.shape[1])
    patch = blob(
        canvas.shape, (float(y), float(x)), radius=rng.uniform(4, 14) * unit, rng=rng,
        aspect=rng.uniform(1, 2), roughness=0.2,
    )  # fmt: skip
    if canvas.add_part(patch, parent=part, layer=SUBPART):
        inside = patch.cover(2) * canvas.visible(patch, owner=part, layer=PART)
        canvas.multiply(patch, 1 + rng.choice([-0.35, 0.4]) * inside)


def _road(
    canvas: Canvas, everything: Outline, *, rng: np.random.Generator, unit: float
) -> None:
    """Paint a bent road across the image, paved and marked, or of earth."""
    size = canvas.shape[0]
    angle = rng.uniform(0, np.pi)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = everything.u * cos + everything.v * sin
    across = everything.v * cos - everything.u * sin
    bend = rng.normal(scale=0.15) * size
    offset = rng.uniform(-0.35, 0.35) * size
    across = across - np.float32(offset) - np.float32(bend) * (along / size) ** 2
    half_width = rng.uniform(3, 14) * unit
    road = everything.with_depth(np.abs(across) / np.float32(half_width), half_width)
    whole = canvas.add_whole(road)
    is_paved = rng.random() < 0.6
    grey, earth = np.array([0.42, 0.42, 0.43]), np.array([0.62, 0.5, 0.37])
    color = (grey if is_paved else earth) * rng.uniform(0.7, 1.3)
    tracks = np.cos(np.pi * np.clip(road.depth, 0, 1) * 2)
    surface = 1 + 0.06 * tracks + 0.05 * grain(canvas.shape, rng, sigma=1.0)
    canvas.blend(road, surface[..., None] * color, road.cover(1.5))
    if is_paved and half_width > 6 * unit:
        mark = np.abs(across) < max(0.09 * half_width, 0.8)
        dash = rng.uniform(8, 20) * unit
        mark &= np.cos(along * np.float32(2 * np.pi / dash)) > rng.choice([-2, 0])
        if canvas.add_part(road, parent=whole, mask=mark):
            canvas.image[mark] = rng.uniform(0.75, 0.95)


def _pond(canvas: Canvas, *, rng: np.random.Generator, unit: float) -> None:
    size = canvas.shape[0]
    y, x = rng.uniform(0.1, 0.9, size=2) * size
    pond = blob(
        canvas.shape, (y, x), radius=rng.uniform(12, 45) * unit, rng=rng,
        aspect=rng.uniform(1, 2), roughness=0.2,
    )  # fmt: skip
    canvas.add_whole(pond)
    water = np.array([0.16, 0.24, 0.28]) * rng.uniform(0.6, 1.8)
    ripples = 1 + 0.08 * fractal_noise(pond.u.shape, 8, rng)[..., None]
    canvas.blend(pond, water * ripples, pond.cover(2))
