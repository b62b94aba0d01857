"""Some objects of a Labels layer made to stand out, whatever their number."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from napari.components import LayerList
from napari.layers import Labels, Layer
from napari.utils.colormaps import DirectLabelColormap
from psygnal import Signal

from napari_sam.layers.geometry import (
    apply_geometry,
    follow_geometry,
    layer_geometry,
)
from napari_sam.layers.layer_list import add_quietly, discard
from napari_sam.layers.shown_only import shown_only

PICKED, SELECTED = "#ffffff", "#f0e442"
"""White for the one that was picked, yellow for those that are like it."""

LINE_WIDTH = 2


class HighlightLayer:
    """Outlines objects; on the GUI thread.

    It shows the very array of the objects, of which nothing is copied or computed: only
    the colours say what stands out, so that a threshold can move quickly.

    Parameters
    ----------
    layers
        `viewer.layers`.
    below
        Returns layers that are not covered: those of prompts and candidates.

    Attributes
    ----------
    layer
        None while nothing stands out.
    removed
        Emitted when somebody has deleted the layer.
    """

    removed = Signal()

    def __init__(
        self, layers: LayerList, *, below: Callable[[], Iterable[Layer]]
    ) -> None:
        self._layers, self._below = layers, below
        self._of: Labels | None = None
        self.layer: Labels | None = None
        self._end_following: Callable[[], None] | None = None
        layers.events.removed.connect(self._on_removed)

    def show(self, objects: Labels, picked: int, others: Iterable[int]) -> None:
        """Have some objects of a layer stand out, and no others."""
        colors: dict[int | None, str] = dict.fromkeys(others, SELECTED)
        colors |= {None: "transparent", 0: "transparent", picked: PICKED}
        colormap = DirectLabelColormap(color_dict=colors)
        if self.layer is not None and self._of is objects:
            self.layer.colormap = colormap
            return
        self.hide()
        self._of = objects
        self.layer = Labels(
            objects.data,
            multiscale=objects.multiscale,
            name=f"similar: {objects.name}",
            colormap=colormap,
            opacity=1.0,
            metadata=shown_only("similar objects"),
            **layer_geometry(objects),
        )
        self.layer.contour = LINE_WIDTH
        self.layer.editable = False
        self._end_following = follow_geometry(objects, self._follow)
        add_quietly(self._layers, self.layer, below=list(self._below()))

    def hide(self) -> None:
        """Show nothing: take the layer away."""
        layer = self.layer
        self._let_go()
        if layer is not None:
            discard(self._layers, layer)

    def close(self) -> None:
        """Take the layer away for good."""
        self.hide()
        self._layers.events.removed.disconnect(self._on_removed)

    def _let_go(self) -> None:
        if self._end_following is not None:
            self._end_following()
        self.layer = self._of = self._end_following = None

    def _follow(self) -> None:
        if self.layer is not None and self._of is not None:
            apply_geometry(self.layer, layer_geometry(self._of))

    def _on_removed(self, event: Any) -> None:
        if self.layer is not None and event.value is self.layer:
            self._let_go()
            self.removed.emit()
