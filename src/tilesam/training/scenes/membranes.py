"""Tissue without gaps: cells between membranes, in light and electron microscopy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from tilesam.training.scenes.canvas import PART, SUBPART, Canvas
from tilesam.training.scenes.outlines import blob
from tilesam.training.scenes.textures import (
    fractal_noise,
    grain,
    illumination,
    smooth_noise,
    stripes,
)

if TYPE_CHECKING:
    from tilesam.types import Float32Array

Mosaic = tuple[NDArray[np.int32], "Float32Array"]
"""Number of the cell, from 1, and distance to the nearest wall in pixels."""


def membranes(size: int, rng: np.random.Generator) -> Canvas:
    """Return cell > organelle > core, as fluorescent walls or as grey EM."""
    return _electrons(size, rng) if rng.random() < 0.55 else _walls(size, rng)


def mosaic(
    size: int,
    rng: np.random.Generator,
    *,
    cells: int,
    warp: float,
    stretch: float = 1.0,
    unevenness: float = 0.0,
) -> Mosaic:
    """Divide a square among random seeds (Voronoi), with winding borders.

    Parameters
    ----------
    cells
        Number of seeds.
    warp
        Amplitude of the winding, in pixels.
    stretch
        Cells are this much longer along a random direction.
    unevenness
        0 for cells of like size, up to 1 for crowds of small ones beside large ones.
    """
    large = int(size * 1.3)
    seeds = rng.uniform(0, large, size=(cells, 2))
    crowd = rng.random(cells) < unevenness
    seeds[crowd] = rng.normal(large / 2, large / 6, size=(int(crowd.sum()), 2))
    seeds = np.clip(seeds, 0, large - 1).astype(np.intp)
    empty = np.ones((large, large), dtype=bool)
    empty[tuple(seeds.T)] = False
    numbers = np.zeros((large, large), dtype=np.int32)
    numbers[tuple(seeds.T)] = np.arange(1, cells + 1)
    nearest = distance_transform_edt(
        empty,
        sampling=(stretch, 1.0),
        return_distances=False,
        return_indices=True,
    )
    numbers = numbers[tuple(nearest)]
    rows, columns = _warped_grid(size, large, warp=warp, rng=rng)
    cell = numbers[rows, columns]
    wall = np.zeros(cell.shape, dtype=bool)
    for axis in (0, 1):
        wall |= cell != np.roll(cell, 1, axis=axis)
    wall[0], wall[:, 0] = False, False
    return cell, distance_transform_edt(~wall).astype(np.float32)


def _warped_grid(
    size: int, large: int, *, warp: float, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return where each pixel looks in the mosaic: turned about and winding."""
    shape = (size, size)
    angle = rng.uniform(0, 2 * np.pi)
    cos, sin = np.cos(angle) * 0.9, np.sin(angle) * 0.9
    steps = np.arange(size, dtype=np.float32) - size / 2
    y, x = steps[:, None], steps[None]
    waves = [
        warp * (smooth_noise(shape, 5, rng) + 0.5 * smooth_noise(shape, 12, rng))
        for _ in range(2)
    ]
    rows = cos * y - sin * x + waves[0] + large / 2
    columns = sin * y + cos * x + waves[1] + large / 2
    limits = (0, large - 1)
    return (
        np.clip(np.rint(rows), *limits).astype(np.intp),
        np.clip(np.rint(columns), *limits).astype(np.intp),
    )


def _walls(size: int, rng: np.random.Generator) -> Canvas:
    """Plant tissue or an epithelium: bright or dark walls, sometimes nuclei."""
    unit, shape = size / 256, (size, size)
    cells = int(np.exp(rng.uniform(np.log(8), np.log(130))))
    cell, distance = mosaic(
        size, rng, cells=cells, warp=rng.uniform(1, 6) * unit,
        stretch=rng.uniform(1, 2), unevenness=rng.uniform(0, 0.8),
    )  # fmt: skip
    half_wall = rng.uniform(0.8, 2.5) * unit
    wall = np.exp(-((distance / half_wall) ** 2)) * (
        1 + 0.4 * fractal_noise(shape, 8, rng)
    )
    levels = rng.uniform(0.0, 0.12, size=cell.max() + 1).astype(np.float32)
    image = levels[cell] + rng.uniform(0.4, 0.9) * wall
    if rng.random() < 0.3:
        image = 0.95 - 0.8 * image
    canvas = Canvas(image[..., None].astype(np.float32))
    canvas.layers[0] = np.where(distance > half_wall, cell, 0)
    if rng.random() < 0.5:
        nucleus_light = rng.choice([-1, 1]) * rng.uniform(0.15, 0.4)
        for number, center, room in _roomy_cells(cell, distance, at_least=5 * unit):
            outline = blob(shape, center, radius=room * rng.uniform(0.4, 0.8), rng=rng)
            part = canvas.add_part(outline, parent=number)
            if part:
                light = nucleus_light * (1 + 0.3 * rng.normal())
                inside = canvas.visible(outline, owner=part, layer=PART)
                canvas.add_light(outline, light * inside * outline.cover(2))
    canvas.blur(rng.uniform(0.3, 1.2) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.3)[..., None]
    canvas.add_noise(rng, photons=rng.uniform(40, 1500), read=0.01)
    return canvas


def _roomy_cells(
    cell: NDArray[np.int32], distance: Float32Array, *, at_least: float
) -> list[tuple[int, tuple[float, float], float]]:
    """Return number, innermost point and its distance to the wall, of larger cells."""
    order = np.argsort(distance, axis=None)
    # The last write wins: the position farthest from the wall.
    farthest = np.zeros(cell.max() + 1, dtype=np.intp)
    farthest[cell.ravel()[order]] = order
    found = []
    for number in np.unique(cell):
        y, x = divmod(int(farthest[number]), cell.shape[1])
        room = float(distance[y, x])
        if number and room >= at_least:
            found.append((int(number), (float(y), float(x)), room))
    return found


def _electrons(size: int, rng: np.random.Generator) -> Canvas:
    """Neurites, or plant cells with chloroplasts, under the electron microscope."""
    unit, shape = size / 256, (size, size)
    is_plant = rng.random() < 0.3
    cells = int(rng.integers(5, 25) if is_plant else rng.integers(20, 110))
    cell, distance = mosaic(
        size, rng, cells=cells, warp=rng.uniform(4, 16) * unit,
        stretch=1.0 if is_plant else rng.uniform(1, 2.5), unevenness=0.5,
    )  # fmt: skip
    half_wall = rng.uniform(0.8, 1.6) * unit
    spread = 0.02 if is_plant else rng.uniform(0.04, 0.12)
    levels = rng.normal(rng.uniform(0.5, 0.75), spread, size=cell.max() + 1)
    cytoplasm = 0.08 * grain(shape, rng, sigma=1.5 * unit) * (not is_plant)
    image = levels.astype(np.float32)[cell] + cytoplasm
    dark = rng.uniform(0.25, 0.45) * np.exp(-((distance / half_wall) ** 2))
    # Beside a membrane the contents of a cell stand back.
    dark = dark - 0.1 * np.exp(-(((distance / half_wall - 3) / 1.5) ** 2))
    canvas = Canvas((image - dark)[..., None].astype(np.float32))
    canvas.layers[0] = np.where(distance > 0.7 * half_wall, cell, 0)
    for number, center, room in _roomy_cells(cell, distance, at_least=4 * unit):
        for _ in range(rng.integers(0, 4)):
            step = rng.uniform(-1, 1, size=2) * room
            place = (center[0] + step[0], center[1] + step[1])
            radius = min(room * rng.uniform(0.3, 0.75), 20 * unit)
            _organelle(canvas, place, radius=radius, parent=number, rng=rng)
    canvas.blur(rng.uniform(0.5, 1.1) * max(unit, 0.7))
    canvas.image *= illumination(shape, rng, strength=0.1)[..., None]
    canvas.add_noise(rng, read=rng.uniform(0.01, 0.05))
    return canvas


def _organelle(
    canvas: Canvas,
    center: tuple[float, float],
    *,
    radius: float,
    parent: int,
    rng: np.random.Generator,
) -> None:
    """Paint a mitochondrion with cristae, a chloroplast with grains, or a vesicle."""
    outline = blob(
        canvas.shape, center, radius=radius, rng=rng, aspect=rng.uniform(1, 2.5)
    )
    part = canvas.add_part(outline, parent=parent)
    if not part:
        return
    visible = canvas.visible(outline, owner=part, layer=PART)
    inside = outline.cover() * visible
    kind = rng.random()
    if kind < 0.55:
        period = max(0.35 * outline.radius, 3.0)
        body = rng.uniform(0.28, 0.45) + 0.05 * stripes(outline.u, period)
        canvas.blend(outline, body, 0.9 * inside)
    elif kind < 0.75:
        canvas.blend(outline, rng.uniform(0.45, 0.6), 0.7 * inside)
        core = outline.with_depth(outline.depth * 2.2, outline.radius / 2.2)
        if canvas.add_part(core, parent=part, layer=SUBPART):
            canvas.blend(core, rng.choice([0.3, 0.85]), core.cover() * visible)
    else:
        canvas.blend(outline, rng.uniform(0.7, 0.9), 0.6 * inside)
    rim = np.exp(-(((outline.depth - 1) * outline.radius) ** 2))
    canvas.add_light(outline, -0.2 * rim * visible)
