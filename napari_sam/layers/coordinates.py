"""Between napari's data coordinates and those of the engine, and nowhere else.

Prompt layers share the geometry of the image layer, so what napari writes into their
`.data` are positions in the image's own array. The last two of them are `(y, x)`, which
the engine speaks; the others say on which plane of a stack a prompt lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tilesam.types import BoolArray, FloatArray, IntArray

Plane = tuple[int, ...]
"""Position along each axis before rows and columns; empty for a single image."""


def points_to_engine(data: ArrayLike) -> tuple[FloatArray, IntArray]:
    """Split positions in an image layer's array into place and plane.

    Parameters
    ----------
    data
        (N, ndim), as in `Points.data`.

    Returns
    -------
    points_yx
        (N, 2) in pixels of level 0.
    planes
        (N, ndim - 2), the nearest plane of each point.
    """
    positions = np.asarray(data, dtype=np.float64)
    # Halves go to the even neighbour, as in napari, which decides what is shown.
    planes = np.rint(positions[:, :-2]).astype(np.int64)
    return positions[:, -2:].copy(), planes


def points_from_engine(points_yx: ArrayLike, plane: Plane) -> FloatArray:
    """Return (N, ndim) positions in the array of points (N, 2) that lie on a plane."""
    places = np.asarray(points_yx, dtype=np.float64).reshape(-1, 2)
    leading = np.tile(np.asarray(plane, dtype=np.float64), (len(places), 1))
    return np.concatenate([leading, places], axis=1)


def is_on_plane(planes: IntArray, plane: Plane) -> BoolArray:
    """Return (N,) whether each of (N, ndim - 2) planes is the given one."""
    on_plane: BoolArray = (planes == np.asarray(plane, np.int64)).all(axis=1)
    return on_plane


def shape_to_box(vertices: ArrayLike) -> tuple[FloatArray, Plane | None]:
    """Return the box around a shape of any kind and the plane it lies on.

    Parameters
    ----------
    vertices
        (V, ndim), as one item of `Shapes.data`; a rectangle has four, and may have
        been turned by its handle.

    Returns
    -------
    box_yxyx
        (4,), upper left corner before lower right corner.
    plane
        None if the shape extends over several planes.
    """
    points_yx, planes = points_to_engine(vertices)
    box_yxyx = np.concatenate([points_yx.min(axis=0), points_yx.max(axis=0)])
    is_flat = (planes == planes[0]).all()
    return box_yxyx, tuple(map(int, planes[0])) if is_flat else None


def box_to_shape(box_yxyx: ArrayLike, plane: Plane) -> FloatArray:
    """Return the (4, ndim) corners of a box in the order of napari's rectangles."""
    y0, x0, y1, x1 = np.asarray(box_yxyx, dtype=np.float64)
    return points_from_engine([(y0, x0), (y0, x1), (y1, x1), (y1, x0)], plane)


def crop_offset(offset_yx: tuple[int, int], plane: Plane) -> Plane:
    """Return where in the image's array the first pixel of a crop lies."""
    return (*plane, *offset_yx)


def crop_to_layer(crop: NDArray[Any], plane: Plane) -> NDArray[Any]:
    """Return a crop (h, w) as an array with as many axes as the image layer has."""
    return crop.reshape((1,) * len(plane) + crop.shape)
