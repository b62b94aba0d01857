"""A rectangle that somebody draws on an image, to say what a run is about."""

from __future__ import annotations

import math
from typing import Any

from napari.components import LayerList
from napari.layers import Image, Shapes
from napari.layers.base import ActionType
from psygnal import Signal

from napari_sam.layers.coordinates import shape_to_box
from napari_sam.layers.geometry import apply_geometry, follow_geometry, layer_geometry
from napari_sam.layers.layer_list import add_quietly, discard
from tilesam.types import Window

_DONE = {ActionType.ADDED, ActionType.REMOVED, ActionType.CHANGED}


class RegionLayer:
    """The drawn region of one image layer; on the GUI thread.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        Of which it is a region, on whichever plane.

    Attributes
    ----------
    layer
        None before somebody draws, and after somebody deleted it.
    changed
        Emitted when a rectangle was drawn, moved or removed.
    """

    changed = Signal()

    def __init__(self, layers: LayerList, image: Image) -> None:
        self._layers, self._image = layers, image
        self.layer: Shapes | None = None
        layers.events.removed.connect(self._on_removed)
        self._unfollow = follow_geometry(image, self._place)

    def draw(self) -> None:
        """Have the next drag draw the region instead of the one before."""
        if self.layer is None:
            self.layer = Shapes(
                ndim=self._image.ndim,
                name=f"region: {self._image.name}",
                edge_color="yellow",
                face_color="transparent",
                **layer_geometry(self._image),
            )
            self.layer.events.data.connect(self._on_data)
            add_quietly(self._layers, self.layer)
        if self.layer.nshapes:
            self.layer.selected_data = set(range(self.layer.nshapes))
            self.layer.remove_selected()
        self.layer.visible = True
        self._layers.selection.active = self.layer
        self.layer.mode = "add_rectangle"

    def window(self, image_hw: tuple[int, int]) -> Window | None:
        """Return the pixels of the rectangle drawn last; None if there are none."""
        if self.layer is None or not self.layer.nshapes:
            return None
        (y0, x0, y1, x1), _ = shape_to_box(self.layer.data[-1])
        # A pixel reaches half a pixel to each side of its centre.
        starts = [max(math.floor(low + 0.5), 0) for low in (y0, x0)]
        ends = [
            min(math.ceil(high + 0.5), side)
            for high, side in zip((y1, x1), image_hw, strict=True)
        ]
        sides = [end - start for start, end in zip(starts, ends, strict=True)]
        return None if min(sides) <= 0 else Window(*starts, *sides)

    def close(self) -> None:
        """Remove the layer and let go of the image."""
        self._unfollow()
        self._layers.events.removed.disconnect(self._on_removed)
        if self.layer is not None:
            self.layer.events.data.disconnect(self._on_data)
            discard(self._layers, self.layer)
            self.layer = None

    def _place(self) -> None:
        if self.layer is not None:
            apply_geometry(self.layer, layer_geometry(self._image))

    def _on_data(self, event: Any) -> None:
        if event.action in _DONE:
            self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        if self.layer is not None and event.value is self.layer:
            self.layer.events.data.disconnect(self._on_data)
            self.layer = None
            self.changed.emit()
