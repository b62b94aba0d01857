"""Bodies with long thin tails: stalked bacteria, sperm, flagellates; long filaments.

Most of such an object's outline is its tail, of which a box says next to nothing, and
the tails of neighbours cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.canvas import Canvas
from tilesam.training.scenes.ribbons import tapered_ribbon, winding_path
from tilesam.training.scenes.textures import fractal_noise, illumination

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.training.scenes.outlines import Outline
    from tilesam.types import Float32Array, FloatArray

_MOST_SPOTS = 4


@dataclass(frozen=True)
class _Look:
    """What the objects of one scene have in common.

    Parameters
    ----------
    unit
        Pixels of the scene for each of a 256 pixel one.
    body_width, tail_width
        Half of each, in pixels.
    body_light, tail_light
        Added to the ground; negative is darker.
    halo
        Light around bodies, as phase contrast has it; 0 for none.
    body_length, tail_length
        Middle of each, in pixels; bodies of length 0 are none.
    curviness
        Of paths, from least to most.
    """

    unit: float
    body_width: float
    tail_width: float
    body_light: float
    tail_light: float
    halo: float
    body_length: float
    tail_length: float
    curviness: tuple[float, float]


def tails(size: int, rng: np.random.Generator) -> Canvas:
    """Return tailed object > body, or long filaments side by side, dark or bright."""
    unit, shape = size / 256, (size, size)
    is_dark = rng.random() < 0.65
    ground = rng.uniform(0.35, 0.65) if is_dark else rng.uniform(0.03, 0.2)
    field = ground * (1 + 0.05 * fractal_noise(shape, rng.uniform(3, 10), rng))
    canvas = Canvas(field[..., None].astype(np.float32))
    look = _draw_look(unit, rng, is_dark=is_dark)
    for _ in range(rng.integers(4, 19)):
        heading = rng.uniform(0, 2 * np.pi)
        path = _draw_path(rng.uniform(0, size, size=2), heading, look, rng)
        _paint(canvas, path, look, rng)
        if not look.body_length:
            _paint_beside(canvas, path, look, rng)
    canvas.blur(rng.uniform(0.3, 1.0) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.2)[..., None]
    canvas.add_noise(rng, photons=rng.uniform(100, 2000), read=0.01)
    return canvas


def _draw_look(unit: float, rng: np.random.Generator, *, is_dark: bool) -> _Look:
    sign = -1.0 if is_dark else 1.0
    body_width = np.exp(rng.uniform(np.log(2.5), np.log(7))) * unit
    is_filament = rng.random() < 0.25
    body_light = sign * rng.uniform(0.2, 0.35)
    return _Look(
        unit=unit,
        body_width=body_width,
        # Hardly wider than the resolution, whatever the body is.
        tail_width=body_width if is_filament else rng.uniform(1.0, 2.2) * unit,
        body_light=body_light,
        # Thin things have little contrast.
        tail_light=body_light * (1.0 if is_filament else rng.uniform(0.25, 0.8)),
        halo=rng.uniform(0.05, 0.25) if is_dark and rng.random() < 0.8 else 0.0,
        body_length=0.0 if is_filament else body_width * rng.uniform(2.5, 8),
        tail_length=rng.uniform(40, 200) * unit,
        curviness=(0.002, 0.012) if is_filament else (0.002, rng.uniform(0.01, 0.05)),
    )


def _draw_path(
    start: FloatArray, heading: float, look: _Look, rng: np.random.Generator
) -> FloatArray:
    """Return the points of one object from its body to the end of its tail."""
    tail = look.tail_length * np.exp(rng.normal(scale=0.5))
    if look.body_length and rng.random() < 0.25:
        tail = 0.0
    return winding_path(
        start,
        heading,
        length=look.body_length + tail,
        rng=rng,
        curviness=look.curviness,
    )


def _paint(
    canvas: Canvas, path: FloatArray, look: _Look, rng: np.random.Generator
) -> None:
    """Paint and label one object."""
    body_points = int(look.body_length * np.exp(rng.normal(scale=0.15)))
    found = tapered_ribbon(canvas.shape, path, _half_widths(path, body_points, look))
    if found is None:
        return
    outline, nearest = found
    in_body = nearest < body_points
    share = np.clip((body_points - nearest) / max(look.body_width, 1.0), 0, 1)
    light = look.tail_light + (look.body_light - look.tail_light) * share
    whole = canvas.add_whole(outline)
    rounded = np.sqrt(np.clip(1 - 0.6 * outline.depth**2, 0.2, 1))
    canvas.add_light(outline, outline.cover(1.3) * light * rounded)
    canvas.add_light(outline, _halo(outline, share, look))
    body = outline.only(in_body)
    if body_points and canvas.add_part(body, parent=whole) and rng.random() < 0.6:
        _add_spots(canvas, body, nearest, body_points, look, rng)


def _half_widths(path: FloatArray, body_points: int, look: _Look) -> FloatArray:
    """Return (n,) half widths: of the body, then narrowing to that of the tail.

    The front needs none: what lies around the first point is round.
    """
    beyond = np.arange(len(path), dtype=np.float64) - body_points
    share = np.clip(-beyond / (1.5 * look.body_width), 0, 1)
    share = share * share * (3 - 2 * share)
    return look.tail_width + (look.body_width - look.tail_width) * share


def _halo(outline: Outline, share: FloatArray, look: _Look) -> Float32Array:
    """Return the light around an object, about its body more than about its tail."""
    widths = look.tail_width + (look.body_width - look.tail_width) * share
    pixels = (outline.depth - 1) * widths / max(look.unit, 0.7)
    ring = np.exp(-(((pixels - 2) / 2.0) ** 2)) * (pixels > 0)
    halo: Float32Array = (look.halo * ring * (0.2 + 0.8 * share)).astype(np.float32)
    return halo


def _add_spots(
    canvas: Canvas,
    body: Outline,
    nearest: NDArray[np.intp],
    body_points: int,
    look: _Look,
    rng: np.random.Generator,
) -> None:
    """Add granules along the body, lighter in a dark one and darker in a bright one."""
    for place in rng.uniform(0.1, 0.9, size=rng.integers(1, _MOST_SPOTS + 1)):
        along = (nearest - place * body_points) / (0.4 * look.body_width)
        spot = np.exp(-(along**2) - (body.depth / 0.45) ** 2)
        canvas.add_light(body, -rng.uniform(0.3, 1.0) * look.body_light * spot)


def _paint_beside(
    canvas: Canvas, path: FloatArray, look: _Look, rng: np.random.Generator
) -> None:
    """Paint filaments that follow one, as in a bundle."""
    along = np.gradient(path, axis=0)
    across = np.stack([along[:, 1], -along[:, 0]], axis=1)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-6)
    for number in range(1, int(rng.integers(1, 4))):
        shifted = path + across * number * look.body_width * rng.uniform(2.1, 2.6)
        first, last = np.sort(rng.integers(0, len(path) + 1, size=2))
        if last - first >= 10 * look.unit:
            _paint(canvas, shifted[first:last], look, rng)
