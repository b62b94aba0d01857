"""Houses with pitched roofs and their shadows, along streets and on farms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_sam.files.large_samples.countryside import (
    BLOCK,
    FIELDS,
    LOTS,
    STREETS,
    VILLAGE,
    Blocks,
    bend_y,
    bent,
)
from napari_sam.files.large_samples.noise import chance

SEED = 53

FROM_STREET = 74.0
"""From the middle of the street to that of a house, in pixels."""

SHADOW_YX = (17.0, 21.0)
SHADOW_STEPS = (1.0, 0.0)
"""A house is drawn after its shadow, upon which it lies."""
SHADOWED = 8.0
"""Pixels of the finest level in one from which on no shadow is seen."""

REACH = 190
"""Farthest from its middle that a house with its shadow reaches."""

ROOFS = np.array(
    [
        (158, 84, 64),
        (142, 74, 58),
        (170, 104, 78),
        (96, 92, 94),
        (120, 116, 114),
        (124, 82, 66),
    ],
    np.float32,
)
SHEDS = np.array([(196, 196, 192), (150, 152, 156), (140, 96, 80)], np.float32)


@dataclass(frozen=True, eq=False)
class Houses:
    """(n,) houses: middles, half sides along and across the ridge, angles, colours."""

    y: NDArray
    x: NDArray
    half_length: NDArray
    half_width: NDArray
    angle: NDArray
    color: NDArray
    is_hipped: NDArray[np.bool_]


def houses_in(blocks: Blocks) -> Houses:
    """Return all houses of some blocks, in a fixed order."""
    parts = [_village(blocks), _farms(blocks)]
    names = Houses.__dataclass_fields__
    return Houses(
        **{name: np.concatenate([getattr(p, name) for p in parts]) for name in names}
    )


def draw_houses(
    image: NDArray[np.uint8], level: int, corner_yx: tuple[float, float], houses: Houses
) -> None:
    """Draw houses into a part of a level that begins at a corner; in place."""
    top, left = corner_yx
    scale = 2.0**level
    ys, xs = (houses.y - top) / scale, (houses.x - left) / scale
    reach = REACH / scale
    seen = (ys > -reach) & (ys < image.shape[0] + reach)
    seen &= (xs > -reach) & (xs < image.shape[1] + reach)
    for number in np.flatnonzero(seen).tolist():
        _draw(image, houses, number, float(ys[number]), float(xs[number]), scale)


def _village(blocks: Blocks) -> Houses:
    row, column = (values[blocks.use == VILLAGE] for values in blocks.places)
    lot, side = np.arange(LOTS), np.arange(2 * STREETS)
    row, column, lot, side = (
        values.ravel()
        for values in np.broadcast_arrays(
            row[:, np.newaxis, np.newaxis],
            column[:, np.newaxis, np.newaxis],
            lot[:, np.newaxis],
            side,
        )
    )
    r = [chance(SEED + k, row, column, lot, side) for k in range(8)]
    away = (FROM_STREET + 22 * (r[0] - 0.5)) * (2 * (side % 2) - 1)
    v = row * BLOCK + (side // 2 + 0.5) * (BLOCK / STREETS) + away
    u = column * BLOCK + (lot + 0.5 + 0.25 * (r[1] - 0.5)) * (BLOCK / LOTS)
    y, x = bent(v, u)
    # Streets run as the bend does, and ridges along them or across.
    slope = -(bend_y(x + 1) - bend_y(x - 1)) / 2
    angle = np.arctan(slope) + np.where(r[2] < 0.3, np.pi / 2, 0) + 0.08 * (r[3] - 0.5)
    # Those at the ends of a street would stand on the road.
    is_there = (r[4] < 0.9) & (np.minimum(u % BLOCK, -u % BLOCK) > FROM_STREET)
    return Houses(
        y[is_there],
        x[is_there],
        (28 + 14 * r[5])[is_there],
        (20 + 8 * r[6])[is_there],
        angle[is_there],
        ROOFS[(r[7] * len(ROOFS)).astype(np.int64)][is_there],
        (r[3] < 0.4)[is_there],
    )


def _farms(blocks: Blocks) -> Houses:
    is_farm = (blocks.use == FIELDS) & (chance(SEED + 20, *blocks.places) < 0.3)
    row, column = (values[is_farm][:, np.newaxis] for values in blocks.places)
    number = np.arange(3)
    row, column, number = (
        values.ravel() for values in np.broadcast_arrays(row, column, number)
    )
    r = [chance(SEED + 21 + k, row, column, number) for k in range(4)]
    v = row * BLOCK + np.take([110.0, 110.0, 250.0], number) + 12 * r[0]
    u = column * BLOCK + np.take([120.0, 330.0, 170.0], number) + 12 * r[1]
    y, x = bent(v, u)
    turned = np.where(number == 1, np.pi / 2, 0)
    return Houses(
        y,
        x,
        np.take([40.0, 80.0, 95.0], number) * (0.9 + 0.3 * r[2]),
        np.take([26.0, 42.0, 38.0], number) * (0.9 + 0.2 * r[2]),
        np.arctan(-(bend_y(x + 1) - bend_y(x - 1)) / 2) + turned,
        np.where(
            (number == 0)[:, np.newaxis],
            ROOFS[(r[3] * len(ROOFS)).astype(np.int64)],
            SHEDS[(r[3] * len(SHEDS)).astype(np.int64)],
        ),
        np.zeros(len(y), np.bool_),
    )


def _draw(
    image: NDArray[np.uint8],
    houses: Houses,
    number: int,
    y: float,
    x: float,
    scale: float,
) -> None:
    length = float(houses.half_length[number]) / scale
    width = float(houses.half_width[number]) / scale
    angle = float(houses.angle[number])
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    high = abs(sine) * length + abs(cosine) * width + 1
    wide = abs(cosine) * length + abs(sine) * width + 1
    for step in SHADOW_STEPS if scale < SHADOWED else (0.0,):
        cy, cx = (
            at + step * by / scale for at, by in zip((y, x), SHADOW_YX, strict=True)
        )
        a, b = _span(cy, high, image.shape[0])
        c, d = _span(cx, wide, image.shape[1])
        if a >= b or c >= d:
            continue
        dy = (np.arange(a, b, dtype=np.float32) + np.float32(0.5 - cy))[:, np.newaxis]
        dx = np.arange(c, d, dtype=np.float32) + np.float32(0.5 - cx)
        along = dx * cosine + dy * sine
        across = dy * cosine - dx * sine
        inside = np.minimum(length - np.abs(along), width - np.abs(across)) + 0.5
        share = np.clip(inside, 0, 1)[..., np.newaxis]
        part = image[a:b, c:d]
        if step:
            part[...] = part * (1 - 0.34 * share)
            continue
        light = _light(along, across, length, width, bool(houses.is_hipped[number]))
        roof = houses.color[number] * light[..., np.newaxis]
        part[...] = np.clip(part + (roof - part) * share, 0, 255)


def _light(
    along: NDArray, across: NDArray, length: float, width: float, is_hipped: bool
) -> NDArray:
    """Return how bright a roof is: one side to the sun, its ridge brightest."""
    light = np.where(across < 0, np.float32(1.14), np.float32(0.80))
    if is_hipped:
        to_gable = np.abs(along) - (length - width)
        gable = np.where(along < 0, np.float32(1.0), np.float32(0.7))
        light = np.where(to_gable > np.abs(across), gable, light)
    ridge = np.exp(-((across / max(width * 0.06, 0.5)) ** 2))
    return light + 0.10 * ridge


def _span(middle: float, reach: float, length: int) -> tuple[int, int]:
    return max(0, int(middle - reach)), min(length, int(middle + reach) + 1)
