"""New Labels layers for the objects of an image, in memory or on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari.layers import Image, Labels

from napari_sam.layers.geometry import apply_geometry, follow_geometry, layer_geometry
from tilesam.annotation.label_arrays import fits_memory, new_label_array
from tilesam.annotation.label_levels import is_large, open_label_levels

OPACITY = 0.5


def new_labels(image: Image, place: Callable[[], Path]) -> Any:
    """Return an array of labels for an image, or a list of levels, without objects.

    Parameters
    ----------
    image
        Which they are for.
    place
        Returns the folder to keep them in, where they are too large for the memory.

    Raises
    ------
    AnnotationError, SessionFileError
        If there is something else, or it cannot be written.
    """
    shape = labels_shape(image)
    if is_large(shape):
        return open_label_levels(place(), shape)
    if not fits_memory(shape):
        return new_label_array(shape, path=place())
    return new_label_array(shape)


def build_objects_layer(
    labels: Any,
    image: Image,
    *,
    name: str | None = None,
    world_units: Sequence[Any] | None = None,
) -> Labels:
    """Return a Labels layer that lies on an image.

    Parameters
    ----------
    labels
        What `new_labels` returned, or labels that were saved.
    image
        Which it lies on.
    name
        By default after that of the image.
    world_units
        `viewer.dims.units`, see `layer_geometry`.
    """
    return Labels(
        labels,
        multiscale=isinstance(labels, list),
        name=name or f"objects: {image.name}",
        opacity=OPACITY,
        **layer_geometry(image, world_units=world_units),
    )


def keep_on(
    layer: Labels, image: Image, *, world_units: Sequence[Any] | None = None
) -> None:
    """Have a layer follow its image wherever that is moved."""

    def follow() -> None:
        apply_geometry(layer, layer_geometry(image, world_units=world_units))

    follow_geometry(image, follow)


def labels_shape(image: Image) -> tuple[int, ...]:
    """Return the shape of labels for an image: planes, rows, columns."""
    data = image.data[0] if image.multiscale else image.data
    shape = data.shape[:-1] if image.rgb else data.shape
    return tuple(int(side) for side in shape)
