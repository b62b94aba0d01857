"""An outline as a small Labels layer that comes and goes without disturbing anybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.components import LayerList
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from psygnal import Signal

from napari_sam.layers.coordinates import Plane, crop_offset, crop_to_layer
from napari_sam.layers.geometry import apply_geometry, crop_geometry, follow_geometry
from napari_sam.layers.layer_list import add_quietly, discard
from napari_sam.layers.outline import INSIDE, LINE, Outline
from napari_sam.layers.shown_only import shown_only

COLORS = {None: "transparent", LINE: "#f0e442", INSIDE: "#f0e44226"}
"""Yellow, which no candidate has; the inside is only tinted."""


class PreviewLayer:
    """Shows one outline at a time; on the GUI thread.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        The layer that the outline lies on.
    below
        Returns layers that are not covered: those of the prompts.

    Attributes
    ----------
    layer
        None before `prepare` and after `close`.
    removed
        Emitted when somebody has deleted the layer.
    """

    removed = Signal()

    def __init__(
        self, layers: LayerList, image: Image, *, below: Callable[[], list[Layer]]
    ) -> None:
        self._layers, self._image, self._below = layers, image, below
        self._offset: Plane = (0,) * image.ndim
        self.layer: Labels | None = None
        self._end_following = follow_geometry(image, self._follow)
        layers.events.removed.connect(self._on_removed)

    def prepare(self) -> None:
        """Add the layer, hidden: that takes longer than to show something in it."""
        if self.layer is None:
            self.layer = Labels(
                np.zeros((1,) * self._image.ndim, np.uint8),
                name=f"preview: {self._image.name}",
                colormap=DirectLabelColormap(color_dict=COLORS),
                opacity=1.0,
                visible=False,
                metadata=shown_only("preview"),
                **crop_geometry(self._image, self._offset),
            )
            self.layer.editable = False
            add_quietly(self._layers, self.layer, below=self._below())

    def show(self, outline: Outline, plane: Plane) -> None:
        """Show an outline on a plane instead of the one before."""
        if self.layer is None:
            return
        self._offset = crop_offset(outline.offset_yx, plane)
        self.layer.data = crop_to_layer(outline.picture, plane)
        self.layer.editable = False
        self._follow()
        self.layer.visible = True

    def hide(self) -> None:
        """Show nothing."""
        if self.layer is not None and self.layer.visible:
            self.layer.visible = False

    def remove(self) -> None:
        """Take the layer away; `prepare` brings another one."""
        if self.layer is not None:
            layer, self.layer = self.layer, None
            discard(self._layers, layer)

    def close(self) -> None:
        """Take the layer away and let go of the image."""
        self.remove()
        self._end_following()
        self._layers.events.removed.disconnect(self._on_removed)

    def _follow(self) -> None:
        if self.layer is not None:
            apply_geometry(self.layer, crop_geometry(self._image, self._offset))

    def _on_removed(self, event: Any) -> None:
        if self.layer is not None and event.value is self.layer:
            self.layer = None
            self.removed.emit()
