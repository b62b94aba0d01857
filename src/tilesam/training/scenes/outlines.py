"""Outlines of things, each on a small window of the image around it.

An outline is a field of depths: 0 in the middle, 1 at the outline, more outside. That
gives masks, soft edges, shading and concentric parts from one array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import BoolArray, Float32Array, FloatArray

ImageSize = tuple[int, int]
Point = tuple[float, float]

_FAR_OUTSIDE = 9.0


@dataclass(frozen=True, eq=False)
class Outline:
    """A shape in a window of the image.

    Parameters
    ----------
    rows, columns
        The window, clipped to the image; may be empty.
    u, v
        (h, w) float32, pixels along and across the axis of the shape.
    depth
        (h, w) float32, 0 in the middle and 1 at the outline.
    radius
        Pixels per unit of depth, roughly: for soft edges of a width in pixels.
    """

    rows: slice
    columns: slice
    u: Float32Array
    v: Float32Array
    depth: Float32Array
    radius: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of the window in an image."""
        return self.rows, self.columns

    @property
    def mask(self) -> BoolArray:
        """(h, w) bool, the pixels inside."""
        return self.depth <= 1

    def cover(self, softness: float = 1.0) -> Float32Array:
        """Return how much of each pixel is inside, with an edge `softness` wide."""
        distance = (1 - self.depth) * np.float32(self.radius / softness)
        return np.clip(distance + np.float32(0.5), 0, 1)

    def shifted(self, shift_yx: FloatArray) -> Outline:
        """Return the shape moved by whole pixels within the same window."""
        dy, dx = (round(float(value)) for value in shift_yx)
        height, width = self.depth.shape
        depth = np.full_like(self.depth, _FAR_OUTSIDE)
        if abs(dy) < height and abs(dx) < width:
            target = (_kept(dy, height), _kept(dx, width))
            depth[target] = self.depth[_kept(-dy, height), _kept(-dx, width)]
        return self.with_depth(depth)

    def trimmed(self, margin: int = 3) -> Outline:
        """Return the same shape on a window that is no larger than it needs."""
        mask = self.mask
        if not mask.any():
            return self
        rows, columns = (
            _around(np.logical_or.reduce(mask, axis=axis), margin=margin)
            for axis in (1, 0)
        )
        return replace(
            self,
            rows=slice(self.rows.start + rows.start, self.rows.start + rows.stop),
            columns=slice(
                self.columns.start + columns.start, self.columns.start + columns.stop
            ),
            u=self.u[rows, columns],
            v=self.v[rows, columns],
            depth=self.depth[rows, columns],
        )

    def only(self, mask: BoolArray) -> Outline:
        """Return the shape without what is not in the mask, (h, w) bool."""
        return self.with_depth(np.where(mask, self.depth, np.float32(_FAR_OUTSIDE)))

    def with_depth(
        self, depth: Float32Array | FloatArray, radius: float | None = None
    ) -> Outline:
        """Return another shape on the same window and axes."""
        return replace(
            self,
            depth=depth.astype(np.float32, copy=False),
            radius=self.radius if radius is None else radius,
        )


def blob(
    image_hw: ImageSize,
    center: Point,
    *,
    radius: float,
    rng: np.random.Generator,
    aspect: float = 1.0,
    angle: float | None = None,
    roughness: float = 0.08,
    spikes: int = 0,
    margin: float = 1.15,
) -> Outline:
    """Return an ellipse with a wavy outline, like a cell.

    Parameters
    ----------
    center
        `(y, x)` in pixels.
    radius
        Geometric mean of the half axes, in pixels.
    aspect
        Length over width.
    roughness
        Relative amplitude of the waves.
    spikes
        Number of pointed protrusions.
    margin
        Half the side of the window over the largest half axis.
    """
    angle = rng.uniform(0, np.pi) if angle is None else angle
    table = _wavy_radius(rng, roughness=roughness, spikes=spikes)
    long, short = radius * np.sqrt(aspect), radius / np.sqrt(aspect)
    reach = long * float(table.max()) * margin + 2
    rows, columns, u, v = _local_grid(image_hw, center, reach=reach, angle=angle)
    x, y = u / np.float32(long), v / np.float32(short)
    turn = np.arctan2(y, x) * np.float32(len(table) / (2 * np.pi))
    depth = np.hypot(x, y) / table[turn.astype(np.intp) % len(table)]
    return Outline(rows, columns, u, v, depth, radius)


def box(
    image_hw: ImageSize,
    center: Point,
    *,
    half_length: float,
    half_width: float,
    angle: float,
    corner: float = 0.0,
    margin: float = 2.0,
) -> Outline:
    """Return a rectangle with rounded corners.

    Parameters
    ----------
    center
        `(y, x)` in pixels.
    half_length, half_width
        Half the sides along and across the axis, in pixels.
    corner
        Radius of the corners in pixels.
    margin
        Pixels around the shape.
    """
    reach = float(np.hypot(half_length, half_width)) + margin
    rows, columns, u, v = _local_grid(image_hw, center, reach=reach, angle=angle)
    depth = box_depth(
        u, v, half_length=half_length, half_width=half_width, corner=corner
    )
    return Outline(rows, columns, u, v, depth, min(half_length, half_width))


def box_depth(
    u: Float32Array,
    v: Float32Array,
    *,
    half_length: float,
    half_width: float,
    corner: float = 0.0,
) -> Float32Array:
    """Return the depths of a rounded rectangle around the origin of `u`, `v`."""
    corner = min(corner, half_length, half_width)
    along = np.abs(u) - np.float32(half_length - corner)
    across = np.abs(v) - np.float32(half_width - corner)
    outside = np.hypot(np.maximum(along, 0), np.maximum(across, 0))
    distance = outside + np.minimum(np.maximum(along, across), 0) - np.float32(corner)
    return 1 + distance / np.float32(min(half_length, half_width))


def capsule(
    image_hw: ImageSize,
    center: Point,
    *,
    half_length: float,
    half_width: float,
    angle: float,
    bend: float = 0.0,
    waist: float = 0.0,
    margin: float = 4.0,
) -> Outline:
    """Return a rod with round ends.

    Parameters
    ----------
    half_length
        Half the length without the round ends, in pixels.
    half_width
        Half the thickness in pixels.
    bend
        Sideways displacement of the ends against the middle, in pixels.
    waist
        How much thinner the middle is, as a share of the thickness.
    margin
        Pixels around the shape.
    """
    reach = half_length + half_width + abs(bend) + margin
    rows, columns, u, v = _local_grid(image_hw, center, reach=reach, angle=angle)
    scale = max(half_length, 1.0)
    v = v - np.float32(bend) * ((u / np.float32(scale)) ** 2 - np.float32(1 / 3))
    beyond = np.maximum(np.abs(u) - np.float32(half_length), 0)
    thinning = np.float32(waist) * np.exp(-((u / np.float32(half_width)) ** 2))
    depth = np.hypot(beyond, v) / (np.float32(half_width) * (1 - thinning))
    return Outline(rows, columns, u, v, depth.astype(np.float32), half_width)


def window_of(
    image_hw: ImageSize, center: Point, reach: float, *, angle: float = 0.0
) -> Outline:
    """Return an outline that is a disc of radius `reach`."""
    rows, columns, u, v = _local_grid(image_hw, center, reach=reach, angle=angle)
    depth = (np.hypot(u, v) / reach).astype(np.float32)
    return Outline(rows, columns, u, v, depth, reach)


def _around(occupied: BoolArray, *, margin: int) -> slice:
    positions = np.flatnonzero(occupied)
    stop = int(positions[-1]) + 1 + margin
    return slice(max(int(positions[0]) - margin, 0), min(stop, len(occupied)))


def _kept(shift: int, length: int) -> slice:
    """Return the positions that still hold something after a shift."""
    return slice(max(shift, 0), length + min(shift, 0))


def _local_grid(
    image_hw: ImageSize, center: Point, *, reach: float, angle: float
) -> tuple[slice, slice, Float32Array, Float32Array]:
    (height, width), (cy, cx) = image_hw, center
    y0, y1 = (int(np.clip(cy + side, 0, height)) for side in (-reach, reach + 1))
    x0, x1 = (int(np.clip(cx + side, 0, width)) for side in (-reach, reach + 1))
    dy = (np.arange(y0, y1, dtype=np.float32) - np.float32(cy))[:, None]
    dx = (np.arange(x0, x1, dtype=np.float32) - np.float32(cx))[None]
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return slice(y0, y1), slice(x0, x1), cos * dx + sin * dy, cos * dy - sin * dx


def _wavy_radius(
    rng: np.random.Generator, *, roughness: float, spikes: int, steps: int = 256
) -> Float32Array:
    """Return the relative radius at `steps` angles, with mean about one."""
    turn = np.arange(steps) * (2 * np.pi / steps)
    orders = np.arange(2, 7)
    amplitudes = rng.normal(size=len(orders)) * roughness * (2 / orders) ** 1.5
    phases = rng.uniform(0, 2 * np.pi, size=len(orders))
    table = 1 + amplitudes @ np.cos(orders[:, None] * turn + phases[:, None])
    for _ in range(spikes):
        sharpness, height = rng.uniform(8, 40), rng.uniform(0.3, 1.3)
        direction = rng.uniform(0, 2 * np.pi)
        table += height * np.exp(sharpness * (np.cos(turn - direction) - 1))
    return np.maximum(table, 0.3).astype(np.float32)
