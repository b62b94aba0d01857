"""Winding paths, and what lies along them: filaments, arms and tails."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from tilesam.training.scenes.outlines import Outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.types import Float32Array, FloatArray

_LEAST_POINTS = 8
"""Of a path in the image; what shows less is not painted."""


def winding_path(
    start: FloatArray,
    heading: float,
    *,
    length: float,
    rng: np.random.Generator,
    curviness: tuple[float, float] = (0.002, 0.03),
) -> FloatArray:
    """Return (n, 2) points `(y, x)`, one pixel apart, along a smooth random walk.

    Parameters
    ----------
    start
        (2,), a pixel before the first point.
    heading
        Radians from the x axis towards y.
    length
        In pixels; at least 4 are walked.
    curviness
        How sharply it may bend, from least to most.
    """
    steps = max(int(length), 4)
    sharpness = rng.uniform(*curviness)
    bends = np.convolve(rng.normal(size=steps + 15), np.ones(15) / 4, mode="valid")
    headings = heading + np.cumsum(bends[:steps]) * sharpness
    moves = np.stack([np.sin(headings), np.cos(headings)], axis=1)
    return np.asarray(start + np.cumsum(moves, axis=0), dtype=np.float64)


class Near(NamedTuple):
    """The surroundings of points: where, how far, and which point is nearest.

    Parameters
    ----------
    rows, columns
        The window, clipped to the image.
    v, u
        (h, w) float32, y and x in the image.
    distance
        (h, w) float32, in pixels.
    nearest
        (h, w) index of a point; the last of several in one pixel.
    """

    rows: slice
    columns: slice
    v: Float32Array
    u: Float32Array
    distance: Float32Array
    nearest: NDArray[np.intp]


def near_points(
    image_hw: tuple[int, int], points_yx: FloatArray, *, margin: int
) -> Near | None:
    """Return the surroundings of (n, 2) points; None if hardly any is in the image.

    Parameters
    ----------
    margin
        Pixels around the points.
    """
    rounded = np.rint(points_yx).astype(np.intp)
    inside = np.all((rounded >= 0) & (rounded < image_hw), axis=1)
    if inside.sum() < _LEAST_POINTS:
        return None
    rounded = rounded[inside]
    low = np.maximum(rounded.min(axis=0) - margin, 0)
    high = np.minimum(rounded.max(axis=0) + margin + 1, image_hw)
    numbers = np.full(high - low, -1, dtype=np.intp)
    numbers[tuple((rounded - low).T)] = np.flatnonzero(inside)
    distance, place = distance_transform_edt(numbers < 0, return_indices=True)
    rows, columns = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    v = np.arange(low[0], high[0], dtype=np.float32)[:, None]
    u = np.arange(low[1], high[1], dtype=np.float32)[None]
    grid_v, grid_u = np.broadcast_arrays(v, u)
    return Near(
        *(rows, columns, grid_v, grid_u),
        *(distance.astype(np.float32), numbers[tuple(place)]),
    )


def tapered_ribbon(
    image_hw: tuple[int, int], path: FloatArray, half_widths: FloatArray
) -> tuple[Outline, NDArray[np.intp]] | None:
    """Return what lies along a path, and which point of it is nearest.

    Parameters
    ----------
    path
        (n, 2) points `(y, x)`, a pixel apart.
    half_widths
        (n,) of each point, in pixels.

    Returns
    -------
    tuple or None
        The outline, whose `u` and `v` are x and y in the image, and the (h, w) indices
        of points in its window; None if hardly any of the path is in the image.
    """
    near = near_points(image_hw, path, margin=int(2 * half_widths.max()) + 6)
    if near is None:
        return None
    widths = half_widths.astype(np.float32)[near.nearest]
    outline = Outline(
        *(near.rows, near.columns, near.u, near.v),
        *(near.distance / widths, float(half_widths.mean())),
    )
    return outline, near.nearest


def ribbon(
    image_hw: tuple[int, int],
    paths: Sequence[FloatArray],
    *,
    half_width: float,
    swellings: Sequence[tuple[float, float]] = (),
) -> Outline | None:
    """Return what lies within `half_width` of the paths, None if outside the image.

    Parameters
    ----------
    swellings
        `(y, x)` where it is nearly twice as wide.
    """
    near = near_points(
        image_hw, np.concatenate(list(paths)), margin=int(4 * half_width) + 3
    )
    if near is None:
        return None
    width = np.full(near.distance.shape, half_width, dtype=np.float32)
    for y, x in swellings:
        squares = (near.v - np.float32(y)) ** 2 + (near.u - np.float32(x)) ** 2
        width += np.float32(0.9 * half_width) * np.exp(
            -squares / np.float32(2 * half_width**2)
        )
    return Outline(
        near.rows, near.columns, near.u, near.v, near.distance / width, half_width
    )
