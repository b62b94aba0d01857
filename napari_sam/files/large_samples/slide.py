"""A slide of tissue as haematoxylin and eosin show it: glands in a stroma."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.fields import Grid, scattered
from napari_sam.files.large_samples.glands import WALL, bend, gland_depth, glands_around
from napari_sam.files.large_samples.noise import (
    Float32,
    chance,
    layered_noise,
    smooth_noise,
    texture,
    textured,
)
from napari_sam.files.large_samples.nuclei import (
    EPITHELIAL,
    LEVELS,
    ROUND,
    SIDE,
    SPINDLE,
    goblet_stamps,
    nucleus_numbers,
    nucleus_stamps,
)

SPACING = 42.0
"""Between nuclei of the stroma, in pixels; where it is dense all of them are there."""

ALONG_WALL = 25.0
"""Between nuclei of the epithelium, in pixels."""

DEPTHS = 256
"""Depths in a gland that are told apart, from `SHALLOWEST` on."""
SHALLOWEST = -60

STEPS, MOST = 128, 1.6
"""Amounts of a stain that are told apart, up to this one."""

HAEMATOXYLIN = (1.10, 1.40, 0.62)
EOSIN = (0.10, 0.66, 0.36)
"""Absorbance of an amount of 1, in red, green and blue."""

GLASS = (244.0, 243.0, 246.0)


@dataclass(frozen=True)
class Slide:
    """A `Scene`.

    Parameters
    ----------
    hw
        Height and width in pixels.
    seed
        Other seeds give other outlines of the tissue.
    """

    hw: tuple[int, int] = (30_720, 40_960)
    seed: int = 1

    def draw(
        self, level: int, y0: int, x0: int, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return a part of a level, (h, w, 3)."""
        step = 16 if level < LEVELS else min(1 << (level + 1), 64)
        grid = Grid(level, y0, x0, shape, step, margin=SIDE)
        y, x = grid.y, grid.x
        tissue = self._tissue(y, x)
        if tissue.max() <= 0:
            return np.broadcast_to(np.rint(GLASS).astype(np.uint8), (*shape, 3)).copy()
        depth = gland_depth(y, x)
        density = layered_noise(self.seed + 40, y, x, (2600, 700)) * 0.5
        return self._stained(grid, tissue, depth, density)

    def _tissue(self, y: NDArray, x: NDArray) -> Float32:
        """Return 1 on tissue, 0 on glass, and what is between along its edge."""
        height, width = self.hw
        noise = layered_noise(self.seed, y, x, (9000, 3100, 1100, 380))
        dy = (y / height * 2 - 1)[:, np.newaxis]
        dx = x / width * 2 - 1
        away = np.maximum(np.abs(dy), np.abs(dx)) ** 6
        inside = noise * 0.55 + 0.62 - 1.6 * away
        # Tears, where the section came apart.
        width = np.clip(smooth_noise(self.seed + 8, y, x, 2700) - 0.25, 0, 1) * 0.03
        tears = np.abs(smooth_noise(self.seed + 7, y, x, 3600)) - width
        torn = np.where(width > 0, tears * 90, 1)
        return np.clip(np.minimum(inside * 40, torn), 0, 1).astype(np.float32)

    def _stained(
        self, grid: Grid, tissue: Float32, depth: Float32, density: Float32
    ) -> NDArray[np.uint8]:
        level, y0, x0, shape = grid.level, grid.y0, grid.x0, grid.shape
        profile = _profiles(is_fine=level < LEVELS)
        at = grid.stretched(np.clip(depth - SHALLOWEST, 0, DEPTHS - 1)).astype(np.uint8)
        fibres = textured(_fibres(), level, y0, x0, shape)
        fibres = fibres + textured(_bundles(), level, y0, x0, shape)
        if level > 2:
            # They would show how often they are repeated.
            fibres *= 0.4
        eosin = profile["eosin"].take(at)
        eosin += profile["grain"].take(at) * fibres
        eosin *= grid.stretched(tissue * (1 + 0.3 * np.clip(density, -1, 1)))
        blue = profile["haematoxylin"].take(at)
        if level < LEVELS:
            nuclei = np.zeros(shape, np.float32)
            self._press_nuclei(nuclei, grid, tissue, depth, density)
            mucus = np.zeros(shape, np.float32)
            self._press_goblets(mucus, grid)
            eosin *= 1 - mucus
            blue *= 1 - mucus
            blue += 0.04 * fibres
            blue *= np.minimum(eosin * 4, 1)
            # A nucleus lies upon what is around it.
            np.maximum(blue, nuclei, out=blue)
        else:
            crowded = np.clip(0.03 + 0.08 * density, 0.0, 0.2) * (depth < 0)
            blue += grid.stretched(crowded.astype(np.float32))
            blue *= grid.stretched(tissue)
        return _colored(blue, eosin)

    def _press_nuclei(
        self,
        canvas: Float32,
        grid: Grid,
        tissue: Float32,
        depth: Float32,
        density: Float32,
    ) -> None:
        for y, x, which in (
            self._stromal(grid, tissue, depth, density),
            self._epithelial(grid, tissue),
        ):
            top, left = grid.corner_yx
            nucleus_stamps().press(canvas, grid.level, y - top, x - left, which)

    def _stromal(
        self, grid: Grid, tissue: Float32, depth: Float32, density: Float32
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return places and stamps of nuclei between the glands."""
        row, column = scattered(_inner(grid), SPACING)
        r = [chance(self.seed + 60 + k, row, column) for k in range(5)]
        y = (row + 0.5 + 0.55 * (r[0] - 0.5)) * SPACING
        x = (column + 0.5 * (row & 1) + 0.55 * (r[1] - 0.5)) * SPACING
        crowd = grid.nearest(density, y, x)
        is_there = (r[2] < np.clip(0.34 + 0.5 * crowd, 0.08, 0.95)) & (
            grid.nearest(depth, y, x) < -14
        )
        is_there &= grid.nearest(tissue, y, x) > 0.9
        # Lymphocytes where they crowd.
        kind = np.where(r[3] < np.clip(0.25 + 0.9 * crowd, 0.1, 0.95), ROUND, SPINDLE)
        wind = smooth_noise(self.seed + 70, grid.y, grid.x, 900.0)
        angle = grid.nearest(wind, y, x) * 3 + 0.6 * r[4]
        which = nucleus_numbers(kind, angle, chance(self.seed + 66, row, column))
        return y[is_there], x[is_there], which[is_there]

    def _epithelial(
        self, grid: Grid, tissue: Float32
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return places and stamps of nuclei along the edges of the glands."""
        y, x, number, around, angle = _along_walls(_inner(grid), 30.0, ALONG_WALL, 14.0)
        is_there = chance(self.seed + 80, number, around) < 0.94
        y, x, angle = y[is_there], x[is_there], angle[is_there]
        variant = chance(self.seed + 81, number, around)[is_there]
        kind = np.full(len(y), EPITHELIAL)
        inside = grid.nearest(tissue, y, x) > 0.9
        which = nucleus_numbers(kind, angle, variant)
        return y[inside], x[inside], which[inside]

    def _press_goblets(self, canvas: Float32, grid: Grid) -> None:
        y, x, number, around, _ = _along_walls(_inner(grid), 74.0, 46.0, 10.0)
        is_there = chance(self.seed + 90, number, around) < 0.55
        which = (chance(self.seed + 91, number, around) * 12).astype(np.int64)
        top, left = grid.corner_yx
        goblet_stamps().press(
            canvas,
            grid.level,
            y[is_there] - top,
            x[is_there] - left,
            which[is_there],
        )


def _along_walls(
    bounds: tuple[int, int, int, int], depth: float, spacing: float, jitter: float
) -> tuple[NDArray, NDArray, NDArray, NDArray, NDArray]:
    """Return places at a depth all around the glands of a box.

    Returns
    -------
    tuple of NDArray
        y and x in the box; number of the gland and of the place along it, for chance;
        and the direction towards the lumen, in radians.
    """
    glands = glands_around(bounds)
    counts = np.maximum(6, (2 * np.pi * (glands.radius - depth) / spacing)).astype(int)
    gland = np.repeat(np.arange(len(counts)), counts)
    around = np.arange(len(gland)) - np.repeat(np.cumsum(counts) - counts, counts)
    number = np.rint(glands.y * 7 + glands.x).astype(np.int64)[gland]
    angle = (around + 0.5 * chance(3, number, around)) * (2 * np.pi / counts[gland])
    own = glands.take(gland)
    sine, cosine = np.sin(angle), np.cos(angle)
    deep = (depth + (chance(4, number, around) - 0.5) * 2 * jitter) * own.wall / WALL
    reach = own.radius_towards(cosine, sine) - deep
    x = own.x + cosine * reach
    y = own.y + sine * reach - bend(x)
    y0, x0, y1, x1 = bounds
    inside = (y >= y0) & (y < y1) & (x >= x0) & (x < x1)
    return y[inside], x[inside], number[inside], around[inside], angle[inside]


def _inner(grid: Grid) -> tuple[int, int, int, int]:
    """Return the box in which stamps have their centres to be seen."""
    y0, x0, y1, x1 = grid.bounds
    # A stamp is moved to the nearest pixel of its level.
    half = SIDE // 2 - 2**grid.level
    return y0 + half, x0 + half, y1 - half, x1 - half


@cache
def _fibres() -> tuple[Float32, ...]:
    return texture(2, 1024, grain=3.0, stretch=1.8)


@cache
def _bundles() -> tuple[Float32, ...]:
    return texture(3, 2048, grain=22.0, stretch=1.5)


@cache
def _profiles(*, is_fine: bool) -> dict[str, Float32]:
    """Return how strong stains are at every depth of a gland."""
    depth = np.arange(DEPTHS) + SHALLOWEST
    # Stroma, membrane, cytoplasm around the nuclei, the clear upper part, the lumen.
    at = [-60, -6, 0, 6, 40, 75, 100, WALL, WALL + 8, 195]
    eosin = [0.62, 0.60, 0.95, 0.66, 0.62, 0.50, 0.62, 0.55, 0.06, 0.02]
    blue = [0.05, 0.05, 0.12, 0.16, 0.20, 0.12, 0.12, 0.08, 0.01, 0.00]
    grain = [0.09, 0.09, 0.06, 0.04, 0.03, 0.03, 0.03, 0.02, 0.01, 0.01]
    if not is_fine:
        # Nuclei and goblets that are too small to be drawn.
        eosin = [0.62, 0.60, 0.70, 0.62, 0.58, 0.40, 0.44, 0.45, 0.06, 0.02]
        blue = [0.05, 0.05, 0.18, 0.50, 0.42, 0.10, 0.08, 0.06, 0.01, 0.00]
    columns = {"eosin": eosin, "haematoxylin": blue, "grain": grain}
    return {
        name: np.interp(depth, at, values).astype(np.float32)
        for name, values in columns.items()
    }


@cache
def _colors() -> NDArray[np.uint8]:
    """Return (STEPS * STEPS, 3) colours of all amounts of both stains."""
    amount = (np.arange(STEPS) / STEPS * MOST)[:, np.newaxis]
    blue, pink = (np.exp(-amount * np.array(stain)) for stain in (HAEMATOXYLIN, EOSIN))
    colors = np.array(GLASS) * blue[:, np.newaxis] * pink[np.newaxis]
    return np.rint(colors).astype(np.uint8).reshape(-1, 3)


def _colored(blue: Float32, eosin: Float32) -> NDArray[np.uint8]:
    scale, most = np.float32(STEPS / MOST), np.float32(STEPS - 1)
    rows = np.clip(blue * scale, 0, most).astype(np.int16)
    rows *= STEPS
    rows += np.clip(eosin * scale, 0, most).astype(np.int16)
    return _colors().take(rows, axis=0)
