"""Buildings from above: roofs of one to four planes, with what stands on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes.aerial import ground, sun, tree
from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import Outline, box, box_depth
from tilesam.training.scenes.placement import scatter
from tilesam.training.scenes.textures import fractal_noise, grain, stripes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.types import FloatArray

_MATERIALS = np.array(
    [
        [0.62, 0.64, 0.66],
        [0.8, 0.8, 0.78],
        [0.55, 0.28, 0.22],
        [0.7, 0.45, 0.33],
        [0.35, 0.35, 0.37],
        [0.45, 0.55, 0.68],
        [0.5, 0.42, 0.33],
    ]
)
"""Sheet metal, white paint, brick tiles, terracotta, bitumen, blue sheet, thatch."""


def roofs(size: int, rng: np.random.Generator) -> Canvas:
    """Return building > roof plane > chimney, skylight or solar panel."""
    unit = size / 256
    canvas = Canvas(ground(size, rng))
    shadow = sun(rng, unit=unit)
    radius = np.exp(rng.uniform(np.log(14), np.log(70))) * unit
    street = rng.uniform(0, np.pi)
    order = rng.choice([0.05, 0.6])
    greenery = rng.uniform(0, 0.35)
    for center, own in scatter(
        (size, size), radius=radius, rng=rng, spread=0.35,
        filled=rng.uniform(0.15, 0.9), touching=0.5, gap=rng.uniform(0.75, 1.0),
        at_most=30,
    ):  # fmt: skip
        if rng.random() < greenery:
            tree(canvas, center, radius=0.6 * own, shadow=shadow, rng=rng)
            continue
        angle = street + rng.normal(scale=order) + np.pi / 2 * rng.integers(2)
        _building(canvas, center, reach=own, angle=angle, shadow=shadow, rng=rng)
    canvas.blur(rng.uniform(0.2, 1.0) * max(unit, 0.7))
    canvas.image *= np.float32(rng.uniform(0.75, 1.2))
    canvas.add_noise(rng, read=rng.uniform(0, 0.02))
    return canvas


def _building(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    reach: float,
    angle: float,
    shadow: FloatArray,
    rng: np.random.Generator,
) -> None:
    """Paint one building: its shadow first, then the planes, then what is on them."""
    aspect = rng.uniform(1, 2.2)
    half_length = reach * 0.95 * aspect / np.hypot(aspect, 1) * np.sqrt(2) / 1.2
    half_width = half_length / aspect
    wing = _draw_wing(half_length, half_width, rng)
    roof = _footprint(canvas, center, half_length, half_width, angle, wing)
    for step in (0.35, 0.7, 1.0):
        place = (center[0] + step * shadow[0], center[1] + step * shadow[1])
        dark = _footprint(canvas, place, half_length, half_width, angle, wing)
        canvas.multiply(dark, 1 - 0.28 * dark.cover(1.5))
    if not roof.mask.any():
        return
    whole = canvas.add_whole(roof)
    material = _MATERIALS[rng.integers(len(_MATERIALS))] * rng.uniform(0.8, 1.2)
    planes = _planes(roof, half_length, half_width, rng)
    surface = _surface(roof, planes, material, shadow=shadow, angle=angle, rng=rng)
    canvas.blend(roof, surface, roof.cover())
    _label_planes(canvas, roof, planes, whole, rng)


def _draw_wing(
    half_length: float, half_width: float, rng: np.random.Generator
) -> tuple[float, float, float, float] | None:
    """Draw centre and half sides of a wing that makes the plan an L or a T."""
    if rng.random() < 0.6:
        return None
    along = rng.uniform(-0.7, 0.7) * half_length
    across = rng.choice([-1, 1]) * half_width
    return along, across, half_length * rng.uniform(0.2, 0.4), half_width * 0.7


def _footprint(
    canvas: Canvas,
    center: tuple[float, float],
    half_length: float,
    half_width: float,
    angle: float,
    wing: tuple[float, float, float, float] | None,
) -> Outline:
    outline = box(
        canvas.shape, center, half_length=half_length, half_width=half_width,
        angle=angle, margin=2 + (half_width if wing else 0),
    )  # fmt: skip
    if wing is None:
        return outline
    along, across, length, width = (np.float32(value) for value in wing)
    extra = box_depth(
        outline.u - along, outline.v - across,
        half_length=float(length), half_width=float(width),
    )  # fmt: skip
    return outline.with_depth(np.minimum(outline.depth, extra))


def _planes(
    roof: Outline, half_length: float, half_width: float, rng: np.random.Generator
) -> NDArray[np.int32]:
    """Return which plane each pixel is on: 0 flat or lean-to, 1-2 gable, 1-4 hip."""
    kind = rng.random()
    if kind < 0.3:
        return np.zeros(roof.u.shape, dtype=np.int32)
    sides = np.where(roof.v > 0, 1, 2)
    if kind < 0.75:
        return sides.astype(np.int32)
    ends = np.abs(roof.u) - (half_length - half_width) > np.abs(roof.v)
    return np.where(ends, np.where(roof.u > 0, 3, 4), sides).astype(np.int32)


def _surface(
    roof: Outline,
    planes: NDArray[np.int32],
    material: FloatArray,
    *,
    shadow: FloatArray,
    angle: float,
    rng: np.random.Generator,
) -> FloatArray:
    """Shade each plane by its slope and cover it with sheets, tiles or stains."""
    down = np.array([[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0]], dtype=np.float64)
    cos, sin = np.cos(angle), np.sin(angle)
    slopes = np.stack(
        [down[:, 0] * sin + down[:, 1] * cos, down[:, 0] * cos - down[:, 1] * sin]
    )
    toward_sun = -(shadow @ slopes) / max(float(np.hypot(*shadow)), 1e-6)
    shades = 1 + rng.uniform(0.1, 0.4) * toward_sun + rng.normal(scale=0.03, size=5)
    light = shades[planes]
    axis = np.where(planes >= 3, roof.v, roof.u)
    period = rng.uniform(3, 7) * max(roof.radius / 30, 0.7)
    light = light * (1 + rng.uniform(0, 0.09) * stripes(axis, period))
    stains = fractal_noise(roof.u.shape, rng.uniform(2, 8), rng)
    light = light * (1 + rng.uniform(0.02, 0.2) * stains)
    light = light + 0.02 * grain(roof.u.shape, rng)
    flat_rim = (planes == 0) & ((1 - roof.depth) * roof.radius < 1.5)
    return (light + 0.12 * flat_rim)[..., None] * material


def _label_planes(
    canvas: Canvas,
    roof: Outline,
    planes: NDArray[np.int32],
    whole: int,
    rng: np.random.Generator,
) -> None:
    for number in np.unique(planes):
        mask = (planes == number) & (roof.depth <= 1)
        if number == 0:
            # Inside of the parapet; else the plane would be the building again.
            mask &= (1 - roof.depth) * roof.radius > 2
        plane = canvas.add_part(roof, parent=whole, mask=mask)
        if plane:
            _fittings(canvas, roof, plane, rng)


def _fittings(
    canvas: Canvas, roof: Outline, plane: int, rng: np.random.Generator
) -> None:
    """Put chimneys, skylights or solar panels on a plane."""
    visible = canvas.visible(roof, owner=plane, layer=PART)
    if np.count_nonzero(visible) < 150:
        return
    spots = np.argwhere(visible)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
        y, x = spots[rng.integers(len(spots))]
        u, v = roof.u - roof.u[y, x], roof.v - roof.v[y, x]
        half = np.clip(roof.radius * rng.uniform(0.08, 0.25, size=2), 2, None)
        depth = box_depth(u, v, half_length=half[0], half_width=half[1])
        fitting = roof.with_depth(depth, float(half.min()))
        if not canvas.add_part(fitting, parent=plane, layer=SUBPART):
            continue
        inside = fitting.cover() * visible
        dark = fitting.shifted(np.array([1.0, 2.0]))
        canvas.multiply(dark, 1 - 0.35 * dark.cover() * visible)
        tone = rng.choice([0.12, 0.25, 0.75, 0.9]) * np.array([0.9, 0.95, 1.1])
        canvas.blend(fitting, tone, 0.9 * inside)
