"""Things as in photographs: textured, shaded, in front of one another, of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, blob, box, capsule
from tilesam.training.scenes.textures import (
    fractal_noise,
    grain,
    illumination,
    smooth_noise,
    stripes,
)

if TYPE_CHECKING:
    from tilesam.types import BoolArray, Float32Array


def objects(size: int, rng: np.random.Generator) -> Canvas:
    """Return thing > piece > mark on the piece, occluding one another."""
    unit, shape = size / 256, (size, size)
    canvas = Canvas(_background(size, rng))
    count = int(rng.integers(2, 14))
    largest = np.exp(rng.uniform(np.log(0.15), np.log(0.5))) * size
    lean = rng.normal(scale=3 * unit, size=2)
    for _ in range(count):
        # Far things are small and come first.
        radius = largest * np.exp(-abs(rng.normal(scale=0.6)))
        center = tuple(float(value) for value in rng.uniform(0, size, size=2))
        thing = _draw_thing(canvas, (center[0], center[1]), radius=radius, rng=rng)
        if not thing.mask.any():
            continue
        shadow = thing.shifted(lean).cover(0.2 * thing.radius)
        canvas.multiply(thing, 1 - rng.uniform(0, 0.5) * shadow)
        whole = canvas.add_whole(thing)
        canvas.blend(thing, _surface(thing, rng), thing.cover(rng.uniform(0.8, 2)))
        _pieces(canvas, thing, whole, rng)
    canvas.blur(rng.uniform(0.2, 0.9) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.3)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0, 0.03))
    return canvas


def _background(size: int, rng: np.random.Generator) -> Float32Array:
    """Two blurred regions, as wall and floor, with texture."""
    shape = (size, size)
    colors = rng.uniform(0.1, 0.9) + rng.normal(scale=0.07, size=(2, 3))
    y = np.linspace(-1, 1, size, dtype=np.float32)[:, None]
    edge = y + rng.uniform(-0.5, 0.5) + 0.3 * smooth_noise(shape, 3, rng)
    share = np.clip(edge * rng.choice([0.7, 6, 40]), 0, 1)[..., None]
    image = colors[0] + (colors[1] - colors[0]) * share
    cells = np.exp(rng.uniform(np.log(3), np.log(60)))
    texture = fractal_noise(shape, cells, rng) + 0.3 * grain(shape, rng)
    image = image * (1 + rng.uniform(0.02, 0.3) * texture)[..., None]
    return image.astype(np.float32)


def _draw_thing(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    radius: float,
    rng: np.random.Generator,
) -> Outline:
    kind, angle = rng.random(), rng.uniform(0, np.pi)
    aspect = np.exp(abs(rng.normal(scale=0.4)))
    if kind < 0.55:
        return blob(
            canvas.shape, center, radius=radius, rng=rng, aspect=aspect, angle=angle,
            roughness=rng.uniform(0, 0.2), spikes=int(rng.choice([0, 0, 0, 2, 5])),
        )  # fmt: skip
    if kind < 0.8:
        half = radius * np.sqrt(aspect)
        return box(
            canvas.shape, center, half_length=half, half_width=half / aspect,
            angle=angle, corner=rng.uniform(0, 0.5) * half / aspect, margin=6.0,
        )  # fmt: skip
    return capsule(
        canvas.shape, center, half_length=radius, half_width=0.35 * radius,
        angle=angle, bend=rng.normal(scale=0.4) * radius, margin=6.0,
        waist=rng.choice([0.0, 0.5]),
    )  # fmt: skip


def _surface(thing: Outline, rng: np.random.Generator) -> Float32Array:
    """Return a colour with a pattern, shaded as if round or flat."""
    color = np.clip(rng.uniform(0.1, 0.9) + rng.normal(scale=0.12, size=3), 0.02, 1)
    second = np.clip(color + rng.normal(scale=0.2, size=3), 0.02, 1)
    shape, pattern = thing.u.shape, rng.random()
    if pattern < 0.25:
        period = thing.radius * rng.uniform(0.15, 0.6) + 2
        wave = thing.u + np.float32(rng.normal()) * thing.v
        share = np.clip(3 * stripes(wave, period), 0, 1)
    elif pattern < 0.6:
        field = fractal_noise(shape, rng.uniform(3, 12), rng)
        share = np.clip(rng.choice([1, 8]) * field + 0.3, 0, 1)
    else:
        share = 0.15 * np.clip(fractal_noise(shape, 6, rng) + 0.5, 0, 1)
    paint = (second - color).astype(np.float32) * share[..., None]
    paint += color.astype(np.float32)
    light = rng.uniform(0, 2 * np.pi)
    tilt = (thing.u * np.cos(light) + thing.v * np.sin(light)) / thing.radius
    roundness = rng.uniform(0, 0.5)
    shade = 1 + 0.25 * np.tanh(tilt) - roundness * np.clip(thing.depth, 0, 1) ** 3
    shade = shade * (1 + 0.05 * grain(shape, rng))
    return paint * shade.astype(np.float32)[..., None]


def _pieces(
    canvas: Canvas, thing: Outline, whole: int, rng: np.random.Generator
) -> None:
    """Divide a thing into pieces: halves, a core, or patches; with marks on them."""
    kind = rng.random()
    if kind < 0.2:
        return
    if kind < 0.45:
        cut = np.float32(rng.uniform(-0.4, 0.4) * thing.radius)
        side = thing.u > cut
        pieces = [thing.only(side), thing.only(~side)]
    elif kind < 0.7:
        scale = np.float32(rng.uniform(1.25, 2.2))
        pieces = [thing.with_depth(thing.depth * scale, thing.radius / float(scale))]
    else:
        pieces = [_patch(thing, rng) for _ in range(rng.integers(1, 5))]
    for piece in pieces:
        part = canvas.add_part(piece, parent=whole)
        if part:
            inside = canvas.visible(piece, owner=part, layer=PART)
            _repaint(canvas, piece, inside, rng)
            _marks(canvas, piece, part, rng)


def _patch(outline: Outline, rng: np.random.Generator) -> Outline:
    """Return a round or square patch somewhere on a shape."""
    turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.7) * outline.radius
    u = outline.u - np.float32(reach * np.cos(turn))
    v = outline.v - np.float32(reach * np.sin(turn))
    radius = max(outline.radius * rng.uniform(0.15, 0.4), 2.5)
    stretch = np.float32(rng.uniform(0.6, 1.0))
    if rng.random() < 0.6:
        depth = np.hypot(u * stretch, v) / np.float32(radius)
    else:
        depth = np.maximum(np.abs(u * stretch), np.abs(v)) / np.float32(radius)
    return outline.with_depth(depth, radius).trimmed()


def _repaint(
    canvas: Canvas, piece: Outline, inside: BoolArray, rng: np.random.Generator
) -> None:
    alpha = piece.cover(1.2) * inside
    if rng.random() < 0.5:
        canvas.multiply(piece, 1 + rng.choice([-0.4, -0.25, 0.35]) * alpha)
    else:
        canvas.blend(piece, _surface(piece, rng), rng.uniform(0.7, 1) * alpha)


def _marks(canvas: Canvas, piece: Outline, part: int, rng: np.random.Generator) -> None:
    for _ in range(rng.choice([0, 0, 1, 2, 4])):
        mark = _patch(piece, rng)
        number = canvas.add_part(mark, parent=part, layer=SUBPART)
        if number:
            inside = canvas.visible(mark, owner=number, layer=SUBPART)
            _repaint(canvas, mark, inside, rng)
