"""A landscape from above: fields, woods, villages and the roads between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.countryside import (
    BLOCK,
    LOTS,
    VILLAGE,
    Blocks,
    bend_x,
    bend_y,
    land_use,
    straightened,
    to_road,
    to_street,
)
from napari_sam.files.large_samples.fields import Grid, scattered
from napari_sam.files.large_samples.houses import FROM_STREET, draw_houses, houses_in
from napari_sam.files.large_samples.noise import (
    Float32,
    chance,
    layered_noise,
    texture,
    textured,
)
from napari_sam.files.large_samples.trees import (
    LEVELS,
    SIDE,
    VARIANTS,
    crown_stamps,
    shadow_stamps,
)

ROAD, STREET = 17.0, 11.0
"""Half of their widths in pixels."""

ASPHALT = np.array((132, 130, 128), np.float32)
PAINT = np.array((214, 212, 206), np.float32)
LEAVES = np.array((92, 122, 62), np.float32)
WOOD_FLOOR = 0.45
"""How much light reaches the ground of a wood."""

SHADES = 64
"""Brightnesses of a colour that are told apart."""

UNPLOUGHED = 4
"""Where in a furrow the ground is neither bright nor dark."""

SHADOW_YX = (9.0, 12.0)

WOOD_SPACING, SPACING = 27.0, 62.0
"""Between trees in woods, and at most between others, in pixels."""


@dataclass(frozen=True)
class Aerial:
    """A `Scene`.

    Parameters
    ----------
    hw
        Height and width in pixels.
    seed
        Other seeds give other woods.
    """

    hw: tuple[int, int] = (20_480, 20_480)
    seed: int = 3

    def draw(
        self, level: int, y0: int, x0: int, shape: tuple[int, int]
    ) -> NDArray[np.uint8]:
        """Return a part of a level, (h, w, 3)."""
        step = 16 if level < LEVELS else 32
        grid = Grid(level, y0, x0, shape, step, margin=2 * SIDE)
        wood = self._wood(grid.y, grid.x)
        blocks = Blocks.around(_straight_bounds(grid))
        image = self._ground(grid, blocks, wood)
        self._grow_trees(image, grid, wood)
        draw_houses(image, level, grid.corner_yx, houses_in(blocks))
        return image

    def _wood(self, y: NDArray, x: NDArray) -> Float32:
        """Return where there are woods: above 0, with edges of about a pixel per unit.

        Woods keep away from villages.
        """
        noise = layered_noise(self.seed, y, x, (3300, 1300, 420))
        row = np.floor((y[:, np.newaxis] + bend_y(x)) / BLOCK).astype(np.int64)
        column = np.floor((x + bend_x(y)[:, np.newaxis]) / BLOCK).astype(np.int64)
        first = int(row.min()), int(column.min())
        rows = np.arange(first[0], int(row.max()) + 1)
        columns = np.arange(first[1], int(column.max()) + 1)
        table = land_use(*np.meshgrid(rows, columns, indexing="ij")) == VILLAGE
        is_village = table[row - first[0], column - first[1]]
        return ((noise - 0.42 - 2 * is_village) * 900).astype(np.float32)

    def _ground(self, grid: Grid, blocks: Blocks, wood: Float32) -> NDArray[np.uint8]:
        level = grid.level
        y, x = (
            (start + np.arange(length) + 0.5) * 2.0**level - 0.5
            for start, length in zip((grid.y0, grid.x0), grid.shape, strict=True)
        )
        v = y.astype(np.float32)[:, np.newaxis] + bend_y(x).astype(np.float32)
        u = x.astype(np.float32) + bend_x(y).astype(np.float32)[:, np.newaxis]
        row, column = (np.floor(side / BLOCK) for side in (v, u))
        v -= row * np.float32(BLOCK)
        u -= column * np.float32(BLOCK)
        row -= blocks.first[0]
        column -= blocks.first[1]
        block = (row * blocks.use.shape[1] + column).astype(np.int32)
        across = np.where(blocks.is_upright.ravel()[block], u, v)
        rate = (blocks.parcel_count.ravel() / BLOCK).astype(np.float32)
        parcel = (across * rate[block]).astype(np.int32)
        parcel += blocks.first_parcels.ravel().astype(np.int32)[block]
        is_village = (blocks.use.ravel() == VILLAGE)[block]
        shade = self._shade(grid, across, is_village)
        parcel *= SHADES
        parcel += shade
        image = _palette(blocks.parcel_colors()).take(parcel, axis=0)
        self._lay_woods(image, grid, wood, shade)
        _lay_roads(image, level, v, u, is_village)
        return image

    def _shade(
        self, grid: Grid, across: Float32, is_village: NDArray[np.bool_]
    ) -> NDArray[np.int32]:
        """Return how bright ground is, from 0 to `SHADES`: furrows and patches."""
        part = grid.level, grid.y0, grid.x0, grid.shape
        shade = textured(_patches(), *part) * np.float32(3.0)
        shade += textured(_soil(), *part) * np.float32(2.2)
        if grid.level < 3:
            furrow = (across * np.float32(16 / 13)).astype(np.int32) & 15
            furrow[is_village] = UNPLOUGHED
            shade += (_furrows() * np.float32(0.5**grid.level)).take(furrow)
        shade += np.float32(SHADES / 2)
        return np.clip(shade, 0, SHADES - 1).astype(np.int32)

    def _lay_woods(
        self,
        image: NDArray[np.uint8],
        grid: Grid,
        wood: Float32,
        shade: NDArray[np.int32],
    ) -> None:
        """Cover ground with the floor of woods, or with woods seen from far."""
        if wood.max() <= 0:
            return
        share = np.clip(grid.stretched(wood) / np.float32(2.0**grid.level), 0, 1)
        y, x = np.nonzero(share)
        light = WOOD_FLOOR if grid.level < LEVELS else 0.66
        spread = 0.5 if grid.level < LEVELS else 1.6
        bright = light * (1 + (shade[y, x] / SHADES - 0.5) * spread)
        leaves = bright[:, np.newaxis] * LEAVES
        ground = image[y, x].astype(np.float32)
        image[y, x] = ground + (leaves - ground) * share[y, x][:, np.newaxis]

    def _grow_trees(self, image: NDArray[np.uint8], grid: Grid, wood: Float32) -> None:
        if grid.level >= LEVELS:
            return
        top, left = grid.corner_yx
        crowns = np.zeros(grid.shape, np.float32)
        shadows = np.zeros(grid.shape, np.float32)
        for y, x, which in (self._wood_trees(grid, wood), self._lone_trees(grid, wood)):
            place = y - top, x - left
            crown_stamps().press(crowns, grid.level, *place, which)
            by_y, by_x = SHADOW_YX
            moved = place[0] + by_y, place[1] + by_x
            shadow_stamps().press(shadows, grid.level, *moved, which)
        shadows[crowns > 0.3] = 0
        y, x = np.nonzero(shadows > 0.02)
        image[y, x] = image[y, x] * (1 - 0.42 * shadows[y, x])[:, np.newaxis]
        y, x = np.nonzero(crowns > 0.02)
        light = crowns[y, x]
        share = np.clip(light * 3, 0, 1)[:, np.newaxis]
        ground = image[y, x].astype(np.float32)
        leaves = LEAVES * (0.25 + 1.05 * light)[:, np.newaxis]
        image[y, x] = ground + (leaves - ground) * share

    def _wood_trees(
        self, grid: Grid, wood: Float32
    ) -> tuple[NDArray, NDArray, NDArray]:
        if wood.max() <= 0:
            nothing = np.zeros(0)
            return nothing, nothing, nothing.astype(np.int64)
        y, x, r = self._scattered(grid, WOOD_SPACING, seed=60)
        road = to_road(*(side % BLOCK for side in straightened(y, x)))
        kept = (grid.nearest(wood, y, x) > 0) & (road > ROAD + 18) & (r[2] < 0.97)
        return y[kept], x[kept], (r[3] * VARIANTS).astype(np.int64)[kept]

    def _lone_trees(
        self, grid: Grid, wood: Float32
    ) -> tuple[NDArray, NDArray, NDArray]:
        """Return trees of gardens and along roads."""
        y, x, r = self._scattered(grid, SPACING, seed=70)
        v, u = straightened(y, x)
        row, column = (np.floor(side / BLOCK).astype(np.int64) for side in (v, u))
        is_village = land_use(row, column) == VILLAGE
        v, u = v % BLOCK, u % BLOCK
        street, road = to_street(v), to_road(v, u)
        # Houses have their rows to themselves.
        in_garden = (street > FROM_STREET + 62) & (road > ROAD + 24)
        along_road = (road > ROAD + 16) & (road < ROAD + 46)
        wish = np.where(is_village, 0.42 * in_garden, 0.30 * along_road)
        between = np.abs(u * (LOTS / BLOCK) % 1 - 0.5) > 0.44
        wish = np.where(is_village & between & (street > 40), 0.5, wish)
        kept = (r[2] < wish) & (grid.nearest(wood, y, x) <= 0)
        return y[kept], x[kept], (r[3] * VARIANTS).astype(np.int64)[kept]

    def _scattered(
        self, grid: Grid, spacing: float, *, seed: int
    ) -> tuple[NDArray, NDArray, list[Float32]]:
        y0, x0, y1, x1 = grid.bounds
        inner = y0 + SIDE, x0 + SIDE, y1 - SIDE, x1 - SIDE
        row, column = scattered(inner, spacing)
        r = [chance(self.seed + seed + k, row, column) for k in range(4)]
        y = (row + 0.5 + 0.8 * (r[0] - 0.5)) * spacing
        x = (column + 0.5 * (row & 1) + 0.8 * (r[1] - 0.5)) * spacing
        return y, x, r


def _straight_bounds(grid: Grid) -> tuple[float, float, float, float]:
    """Return a box of v and u that holds all of a part and what reaches into it."""
    y0, x0, y1, x1 = grid.bounds
    y, x = np.linspace(y0, y1, 65), np.linspace(x0, x1, 65)
    v, u = straightened(y[:, np.newaxis], x)
    beyond = 220.0
    return (
        float(v.min()) - beyond,
        float(u.min()) - beyond,
        float(v.max()) + beyond,
        float(u.max()) + beyond,
    )


def _lay_roads(
    image: NDArray[np.uint8],
    level: int,
    v: Float32,
    u: Float32,
    is_village: NDArray[np.bool_],
) -> None:
    inside = ROAD - to_road(v, u)
    if is_village.any():
        streets = np.where(is_village, STREET - to_street(v), -99)
        np.maximum(inside, streets, out=inside)
    pixel = np.float32(2.0**level)
    y, x = np.nonzero(inside > -pixel / 2)
    inside, v, u = inside[y, x], v[y, x], u[y, x]
    share = np.clip(inside / pixel + np.float32(0.5), 0, 1)[:, np.newaxis]
    surface = np.broadcast_to(ASPHALT, (len(y), 3)).copy()
    if level < 2:
        half = BLOCK / 2
        along = np.where(np.abs(u - half) > np.abs(v - half), v, u)
        is_dash = (along % 70 < 34) & (np.abs(along - half) < half - 40)
        surface[is_dash & (to_road(v, u) < 1.6)] = PAINT
    ground = image[y, x].astype(np.float32)
    image[y, x] = ground + (surface - ground) * share


def _palette(colors: Float32) -> NDArray[np.uint8]:
    """Return (n * SHADES, 3) each colour from dark to bright."""
    light = 1 + (np.arange(SHADES) / SHADES - 0.5)[:, np.newaxis] * 0.9
    shades = colors[:, np.newaxis] * light
    return np.clip(np.rint(shades), 0, 255).astype(np.uint8).reshape(-1, 3)


@cache
def _patches() -> tuple[Float32, ...]:
    return texture(21, 2048, grain=60.0)


@cache
def _soil() -> tuple[Float32, ...]:
    return texture(22, 1024, grain=2.0)


@cache
def _furrows() -> Float32:
    return (3.5 * np.cos(np.arange(16) * (2 * np.pi / 16))).astype(np.float32)
