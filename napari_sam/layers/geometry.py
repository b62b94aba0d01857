"""Where a layer lies in the world, and how to lay another one exactly onto it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.transforms import CompositeAffine

from tilesam.types import FloatArray

GEOMETRY = ("units", "axis_labels", "scale", "translate", "rotate", "shear", "affine")
"""Attributes of a layer that say where its data lie, and the names of their events."""


def layer_geometry(
    layer: Layer, *, world_units: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Return keyword arguments for a new layer that shares another one's place.

    Parameters
    ----------
    layer
        The one to lie on. The new layer needs the same number of dimensions.
    world_units
        Units in which to say it, as `viewer.dims.units` has them; by default those of
        the layer. The place is the same; see the notes.

    Notes
    -----
    Where layers have units of different sizes, such as nm and µm, napari draws all of
    them in the smallest, but its tools (up to 0.9.2) take the position of the mouse for
    one in the units of the layer that is edited: a click lands a thousandfold off. A
    layer that is expressed in the units of the viewer does not have this problem.
    """
    geometry = {
        "units": layer.units,
        "axis_labels": layer.axis_labels,
        "scale": np.array(layer.scale),
        "translate": np.array(layer.translate),
        "rotate": np.array(layer.rotate),
        "shear": np.array(layer.shear),
        "affine": np.array(layer.affine.affine_matrix),
    }
    if world_units is None or len(world_units) < layer.ndim:
        return geometry
    target = tuple(world_units[-layer.ndim :])
    # The affine is what napari applies last: scaling there is right for any rotation.
    geometry["affine"][:-1] *= unit_factors(layer.units, target)[:, np.newaxis]
    return geometry | {"units": target}


def crop_geometry(
    layer: Layer, offset: Sequence[int], *, world_units: Sequence[Any] | None = None
) -> dict[str, Any]:
    """Return keyword arguments for a layer that holds a crop of another one's data.

    Parameters
    ----------
    layer
        The one of which it is a crop.
    offset
        Index of the crop's first element in the array of the layer, (ndim,).
    world_units
        See `layer_geometry`.

    Returns
    -------
    dict
        With which element i of the crop lies at the same place of the world as element
        `i + offset` of the layer, however that is rotated, sheared or transformed.
    """
    geometry = layer_geometry(layer, world_units=world_units)
    parts = ("scale", "translate", "rotate", "shear")
    to_physical = CompositeAffine(
        **{name: geometry[name] for name in parts}, ndim=layer.ndim
    )
    return geometry | {"translate": to_physical(np.asarray(offset, np.float64))}


def apply_geometry(layer: Layer, geometry: Mapping[str, Any]) -> None:
    """Move a layer that exists; what is as it should be is not touched."""
    for name, wanted in geometry.items():
        if not _is_same(_current(layer, name), wanted):
            setattr(layer, name, wanted)


def follow_geometry(layer: Layer, moved: Callable[[], None]) -> Callable[[], None]:
    """Call `moved` whenever a layer moves in the world; return what ends it."""

    def call(_event: Any) -> None:
        moved()

    emitters = [layer.events[name] for name in GEOMETRY]
    for emitter in emitters:
        emitter.connect(call)
    return partial(_disconnect, emitters, call)


def _disconnect(emitters: list[Any], callback: Callable[[Any], None]) -> None:
    for emitter in emitters:
        emitter.disconnect(callback)


def linear_matrix(layer: Layer) -> FloatArray:
    """Return the (ndim, ndim) matrix that turns steps in data into steps in the world.

    In the units of the layer.
    """
    origin = np.array(layer.data_to_world((0.0,) * layer.ndim))
    steps = [
        np.array(layer.data_to_world(unit)) - origin for unit in np.eye(layer.ndim)
    ]
    return np.stack(steps, axis=1)


def unit_factors(units: Sequence[Any], wanted: Sequence[Any]) -> FloatArray:
    """Return what to multiply numbers in some units with to have them in others.

    Parameters
    ----------
    units, wanted
        As `Layer.units` has them; of the same kind on each axis.
    """
    return np.array(
        [
            1.0 if unit == other else float(other.m_from(1 * unit))
            for unit, other in zip(units, wanted, strict=True)
        ]
    )


def _current(layer: Layer, name: str) -> Any:
    value = getattr(layer, name)
    return value.affine_matrix if name == "affine" else value


def _is_same(current: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return tuple(current) == wanted
    return np.array_equal(current, wanted)
