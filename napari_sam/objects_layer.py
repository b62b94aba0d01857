"""The Labels layer that accepted masks go to, with its undo history and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from psygnal import Signal

from napari_sam.coordinates import Plane
from napari_sam.geometry import apply_geometry, follow_geometry, layer_geometry
from napari_sam.layer_keys import bind_keys, unbind_keys
from napari_sam.layer_target import LayerTarget
from tilesam.annotation.edits import PixelChange
from tilesam.annotation.history import EditHistory
from tilesam.annotation.label_arrays import fits_memory, new_label_array
from tilesam.annotation.objects import ObjectLabels
from tilesam.annotation.overlaps import Policy
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.scanning import highest_label
from tilesam.errors import AnnotationError

UNDO_KEY, REDO_KEY = "Control-Z", "Control-Shift-Z"


class ObjectsLayer:
    """One Labels layer as the objects of an image; on the GUI thread.

    Accepted masks and strokes of napari's own tools are steps of one history. Undo and
    redo are bound on the layer, where they come before napari's own, which know nothing
    of objects.

    Parameters
    ----------
    layer
        Of the shape of the image. Labels that it has already are respected.
    plane
        On which masks are accepted.
    policy
        What becomes of pixels that other objects have.

    Attributes
    ----------
    changed
        Emitted after every step, undone ones included.

    Raises
    ------
    AnnotationError
        If the layer cannot be edited.
    """

    changed = Signal()

    def __init__(
        self, layer: Labels, *, plane: Plane = (), policy: Policy = "keep"
    ) -> None:
        self.layer = layer
        self.target = LayerTarget(layer)
        self.rows = ObjectRows(foreign_highest=highest_label(layer.data))
        self.objects = ObjectLabels(self.target, self.rows, plane=plane, policy=policy)
        self.history = EditHistory(self.target, self.rows)
        self.target.edited.connect(self._on_drawn)
        self.target.replaced.connect(self.history.clear)
        self.history.changed.connect(self._on_step)
        bind_keys(layer, {UNDO_KEY: self.undo, REDO_KEY: self.redo})
        self._show_rows()

    def __len__(self) -> int:
        return len(self.rows)

    def undo(self) -> None:
        """Take the latest step back, accepted or drawn."""
        self.target.end_strokes()
        self.history.undo()

    def redo(self) -> None:
        """Make the step again that was taken back last."""
        self.target.end_strokes()
        self.history.redo()

    def close(self) -> None:
        """Let go of the layer; it stays in the viewer with all that is in it."""
        self.target.edited.disconnect(self._on_drawn)
        self.target.close()
        unbind_keys(self.layer, (UNDO_KEY, REDO_KEY))

    def _on_drawn(self, change: PixelChange) -> None:
        self.history.note(self.objects.drawn([change]))

    def _on_step(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        columns = self.rows.columns()
        self.layer.features = {"index": columns["label"], **columns}


def new_objects_layer(
    image: Image, *, world_units: Sequence[Any] | None = None
) -> Labels:
    """Return an empty Labels layer for the objects of an image, in memory.

    Parameters
    ----------
    image
        Which it lies on.
    world_units
        `viewer.dims.units`, see `layer_geometry`.

    Raises
    ------
    AnnotationError
        If it is too large for that.
    """
    shape = _shape_of(image)
    if not fits_memory(shape):
        raise AnnotationError(
            f"labels for '{image.name}' take {np.prod(shape) * 4 / 1e9:.1f} GB of "
            "memory; expected a smaller image; add a Labels layer over a zarr array of "
            "the same shape and choose it as the objects layer"
        )
    place = layer_geometry(image, world_units=world_units)
    data = new_label_array(shape)
    return Labels(data, name=f"objects: {image.name}", opacity=0.5, **place)


def keep_on(
    layer: Labels, image: Image, *, world_units: Sequence[Any] | None = None
) -> None:
    """Have a layer follow its image wherever that is moved."""

    def follow() -> None:
        apply_geometry(layer, layer_geometry(image, world_units=world_units))

    follow_geometry(image, follow)


def _shape_of(image: Image) -> tuple[int, ...]:
    data = image.data[0] if image.multiscale else image.data
    shape = data.shape[:-1] if image.rgb else data.shape
    return tuple(int(side) for side in shape)
