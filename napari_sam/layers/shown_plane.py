"""Which plane of an image layer a viewer shows, and whether it shows one at all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.components import Dims
from napari.layers import Layer

from napari_sam.layers.coordinates import Plane
from napari_sam.layers.geometry import linear_matrix, unit_factors
from tilesam.errors import ImageError
from tilesam.types import FloatArray

NEGLIGIBLE = 1e-6
"""Pixels per plane, or planes per pixel: what rounding leaves of a turn by nothing."""


def plane_of(layer: Layer, dims: Dims) -> Plane:
    """Return the position, along each axis before rows and columns, that is shown.

    Parameters
    ----------
    layer
        An image layer, or any that shares its geometry.
    dims
        `viewer.dims` of the viewer it is in.

    Returns
    -------
    tuple of int
        Empty for an image of two dimensions.

    Raises
    ------
    ImageError
        If the viewer shows a volume, other axes than rows and columns, a plane across
        the layer's own ones, or one beyond its ends.
    """
    _require_rows_and_columns(layer, dims)
    stacked = layer.ndim - 2
    if not stacked:
        return ()
    matrix = linear_matrix(layer)
    _require_parallel(layer, matrix)
    origin = np.array(layer.data_to_world((0.0,) * layer.ndim))[:stacked]
    point = _point_in_units_of(layer, dims)[:stacked]
    position = np.linalg.solve(matrix[:stacked, :stacked], point - origin)
    plane = tuple(int(index) for index in np.rint(position))
    _require_inside(layer, plane)
    return plane


def show_plane(layer: Layer, dims: Dims, plane: Sequence[int]) -> None:
    """Move the sliders of a viewer to a plane of an image layer.

    Parameters
    ----------
    layer, dims
        See `plane_of`.
    plane
        Position along each axis before rows and columns.
    """
    stacked = layer.ndim - 2
    world = np.array(layer.data_to_world((*plane, 0.0, 0.0)))
    if dims.units is not None and len(dims.units) >= layer.ndim:
        world = world * unit_factors(layer.units, dims.units[-layer.ndim :])
    first = dims.ndim - layer.ndim
    axes = range(first, first + stacked)
    dims.set_point(tuple(axes), tuple(float(at) for at in world[:stacked]))


def _require_rows_and_columns(layer: Layer, dims: Dims) -> None:
    if dims.ndisplay != 2:
        raise ImageError(
            f"the viewer shows '{layer.name}' in {dims.ndisplay}-D; expected a plane; "
            "press the cube below the layer list to go back to 2-D"
        )
    if dims.ndim < layer.ndim:
        raise ImageError(
            f"the image layer '{layer.name}' has {layer.ndim} dimensions and the "
            f"viewer {dims.ndim}; expected a layer of this viewer; add it first"
        )
    # Transposed is fine: positions in the array do not depend on what is drawn upright.
    if set(dims.displayed) != {dims.ndim - 2, dims.ndim - 1}:
        shown = " and ".join(dims.axis_labels[axis] for axis in sorted(dims.displayed))
        rows, columns = dims.axis_labels[-2:]
        raise ImageError(
            f"the viewer shows the axes {shown}; expected the last two of "
            f"'{layer.name}', {rows} and {columns}; roll the axes (below the layer "
            "list) until they are shown, or add a copy of the image with its axes "
            "exchanged"
        )


def _require_parallel(layer: Layer, matrix: FloatArray) -> None:
    """Refuse layers whose planes napari cannot show as they are."""
    sizes = np.abs(matrix)
    stacked = layer.ndim - 2
    own, foreign = slice(None, stacked), slice(stacked, None)
    for mine, others in ((own, foreign), (foreign, own)):
        leak = sizes[mine, others].max(axis=1) / sizes[mine, mine].max(axis=1)
        if (leak <= NEGLIGIBLE).all():
            continue
        raise ImageError(
            f"the planes of '{layer.name}' are rotated or sheared out of the plane "
            "that the viewer shows; expected rotation and shear along rows and columns "
            "only; reset the layer's rotate, shear and affine, or resample the image"
        )


def _point_in_units_of(layer: Layer, dims: Dims) -> FloatArray:
    point = np.array(dims.point[-layer.ndim :], dtype=np.float64)
    # None where the units of the layers are not of one kind: napari ignores them then.
    if dims.units is None or len(dims.units) < layer.ndim:
        return point
    return point * unit_factors(dims.units[-layer.ndim :], layer.units)


def _require_inside(layer: Layer, plane: Plane) -> None:
    last = layer.extent.data[1].astype(int)
    for axis, position in enumerate(plane):
        if not 0 <= position <= last[axis]:
            raise ImageError(
                f"the viewer shows position {position} of axis "
                f"{layer.axis_labels[axis]}, where '{layer.name}' has nothing; "
                f"expected 0 to {last[axis]}; move the slider back onto the image"
            )
