"""Cars and lorries from above, with shadows, on streets and parking lots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.aerial import ground, sun, tree
from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, box, box_depth
from tilesam.training.scenes.textures import fractal_noise, grain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.types import Float32Array, FloatArray

_PAINTS = np.array(
    [
        [0.88, 0.88, 0.88],
        [0.1, 0.1, 0.11],
        [0.5, 0.52, 0.54],
        [0.6, 0.12, 0.1],
        [0.15, 0.25, 0.5],
        [0.75, 0.65, 0.2],
        [0.2, 0.4, 0.3],
    ]
)
_GLASS = np.array([0.1, 0.13, 0.16])


def vehicles(size: int, rng: np.random.Generator) -> Canvas:
    """Return car > cabin > roof, and lorry > load > hatch."""
    unit = size / 256
    canvas = Canvas(_asphalt(size, rng) if rng.random() < 0.75 else ground(size, rng))
    length = np.exp(rng.uniform(np.log(18), np.log(85))) * unit
    lot_angle = rng.uniform(0, 2 * np.pi)
    _paint_marks(canvas, length=length, angle=lot_angle, rng=rng)
    shadow = sun(rng, unit=length / 60)
    for center, angle in _slots(size, length, lot_angle, rng):
        if rng.random() < 0.07:
            tree(canvas, center, radius=0.4 * length, shadow=shadow, rng=rng)
        elif rng.random() < 0.12:
            _lorry(
                canvas, center, length=1.6 * length, angle=angle, shadow=shadow, rng=rng
            )
        else:
            _car(canvas, center, length=length, angle=angle, shadow=shadow, rng=rng)
    canvas.blur(rng.uniform(0.2, 1.0) * max(unit, 0.7))
    canvas.image *= np.float32(rng.uniform(0.75, 1.2))
    canvas.add_noise(rng, read=rng.uniform(0, 0.025))
    return canvas


def _asphalt(size: int, rng: np.random.Generator) -> Float32Array:
    shape = (size, size)
    tone = rng.uniform(0.25, 0.6) + rng.normal(scale=0.015, size=3)
    wear = 0.1 * fractal_noise(shape, rng.uniform(2, 8), rng) + 0.04 * grain(shape, rng)
    return ((1 + wear)[..., None] * tone).astype(np.float32)


def _slots(
    size: int, length: float, angle: float, rng: np.random.Generator
) -> Iterator[tuple[tuple[float, float], float]]:
    """Yield centres and headings: on the grid of a parking lot, or along lanes."""
    is_lot = rng.random() < 0.6
    along, across = (1.25, 0.62) if is_lot else (1.7, 0.9)
    occupied = rng.uniform(0.15, 0.85)
    cos, sin = np.cos(angle), np.sin(angle)
    reach = 0.75 * size
    phase = rng.uniform(0, length, size=2)
    for u in np.arange(-reach + phase[0], reach, along * length):
        for v in np.arange(-reach + phase[1], reach, across * length):
            jitter = rng.normal(scale=0.03 if is_lot else 0.12, size=2) * length
            a, b = u + jitter[0], v + 0.3 * jitter[1]
            y, x = size / 2 + a * sin + b * cos, size / 2 + a * cos - b * sin
            is_inside = -0.3 * length < min(y, x) and max(y, x) < size + 0.3 * length
            if is_inside and rng.random() < occupied:
                turn = np.pi * rng.integers(2) + rng.normal(scale=0.03)
                yield (float(y), float(x)), float(angle + turn)


def _paint_marks(
    canvas: Canvas, *, length: float, angle: float, rng: np.random.Generator
) -> None:
    """Paint the white lines of lanes; they are part of the ground, not objects."""
    if rng.random() < 0.3:
        return
    size = canvas.shape[0]
    steps = np.arange(size, dtype=np.float32) - np.float32(size / 2)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    across = cos * steps[:, None] - sin * steps[None]
    period = rng.uniform(0.6, 2.5) * length
    distance = np.abs((across + period / 3) % period - period / 2)
    line = np.clip(1.2 + length / 60 - distance, 0, 1)[..., None]
    canvas.image += (np.float32(0.85) - canvas.image) * line * np.float32(0.8)


def _draw_paint(rng: np.random.Generator) -> int:
    """Draw a colour of the palette; most vehicles are white, black or grey."""
    is_grey = rng.random() < 0.65
    return int(rng.integers(3) if is_grey else rng.integers(3, len(_PAINTS)))


def _drop_shadow(canvas: Canvas, body: Outline, shadow: FloatArray) -> None:
    dark = body.shifted(shadow)
    canvas.multiply(dark, 1 - 0.55 * dark.cover(2))


def _car(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    length: float,
    angle: float,
    shadow: FloatArray,
    rng: np.random.Generator,
) -> None:
    half = length / 2 * rng.uniform(0.88, 1.0)
    wide = half * rng.uniform(0.4, 0.47)
    body = box(
        canvas.shape, center, half_length=half, half_width=wide, angle=angle,
        corner=0.45 * wide, margin=3 + float(np.abs(shadow).max()),
    )  # fmt: skip
    if not body.mask.any():
        return
    _drop_shadow(canvas, body, shadow)
    whole = canvas.add_whole(body)
    paint = _PAINTS[_draw_paint(rng)] * rng.uniform(0.8, 1.15)
    gloss = 1 + 0.18 * np.cos(body.v / wide * 2) + 0.05 * body.u / half
    canvas.blend(body, gloss[..., None] * paint, body.cover())
    front = rng.uniform(0.1, 0.3) * half
    middle = body.u + np.float32(rng.uniform(0.05, 0.2) * half)
    cabin_half = half * rng.uniform(0.5, 0.6)
    cabin = _panel(body, middle, cabin_half, 0.86 * wide)
    part = canvas.add_part(cabin, parent=whole)
    if not part:
        return
    inside = canvas.visible(cabin, owner=part, layer=PART)
    glint = 1 + 0.6 * np.clip(body.v / wide, 0, 1)
    canvas.blend(cabin, glint[..., None] * _GLASS, cabin.cover() * inside)
    roof = _panel(body, middle + front * 0.3, cabin_half * 0.6, 0.68 * wide)
    if canvas.add_part(roof, parent=part, layer=SUBPART):
        canvas.blend(roof, 1.08 * gloss[..., None] * paint, roof.cover() * inside)


def _panel(
    body: Outline, u: Float32Array, half_length: float, half_width: float
) -> Outline:
    depth = box_depth(
        u, body.v, half_length=half_length, half_width=half_width,
        corner=0.3 * half_width,
    )  # fmt: skip
    return body.with_depth(depth, min(half_length, half_width))


def _lorry(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    length: float,
    angle: float,
    shadow: FloatArray,
    rng: np.random.Generator,
) -> None:
    half, wide = length / 2, length * rng.uniform(0.13, 0.17)
    body = box(
        canvas.shape, center, half_length=half, half_width=wide, angle=angle,
        corner=0.1 * wide, margin=3 + float(np.abs(2 * shadow).max()),
    )  # fmt: skip
    if not body.mask.any():
        return
    _drop_shadow(canvas, body, 2 * shadow)
    whole = canvas.add_whole(body)
    paints = _PAINTS[[_draw_paint(rng), _draw_paint(rng)]]
    canvas.blend(body, paints[0], body.cover())
    load = _panel(body, body.u + np.float32(0.18 * half), 0.78 * half, 0.95 * wide)
    cab = _panel(body, body.u - np.float32(0.85 * half), 0.14 * half, 0.9 * wide)
    for panel, paint in ((load, paints[1]), (cab, paints[0] * 1.1)):
        part = canvas.add_part(panel, parent=whole)
        if not part:
            continue
        inside = canvas.visible(panel, owner=part, layer=PART)
        canvas.blend(panel, paint, panel.cover() * inside)
        hatch = panel.with_depth(panel.depth * np.float32(2.5), panel.radius / 2.5)
        if rng.random() < 0.5 and canvas.add_part(hatch, parent=part, layer=SUBPART):
            canvas.multiply(hatch, 1 - 0.3 * hatch.cover() * inside)
