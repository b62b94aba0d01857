"""Which Labels layer the masks of one image are accepted into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from napari.components import Dims, LayerList
from napari.layers import Image, Labels, Layer
from psygnal import Signal

from napari_sam.coordinates import Plane
from napari_sam.layer_list import add_quietly
from napari_sam.objects_layer import ObjectsLayer, keep_on, new_objects_layer
from tilesam.annotation.overlaps import Policy


class ChosenObjects:
    """The objects layer of one image, none at first; on the GUI thread.

    Parameters
    ----------
    layers, dims
        `viewer.layers` and `viewer.dims`.
    image
        The layer that is annotated.
    below
        Returns layers that stay above a new objects layer: prompts and candidates.
    plane
        Returns on which plane masks are accepted.

    Attributes
    ----------
    current
        The layer with its history; None while none was chosen.
    changed
        Emitted when another layer was chosen, and after every step in it.
    """

    changed = Signal()

    def __init__(
        self,
        layers: LayerList,
        dims: Dims,
        image: Image,
        *,
        below: Callable[[], Sequence[Layer]],
        plane: Callable[[], Plane],
    ) -> None:
        self._layers, self._dims, self._image = layers, dims, image
        self._below, self._plane = below, plane
        self._policy: Policy = "keep"
        self.current: ObjectsLayer | None = None
        layers.events.removed.connect(self._on_removed)

    @property
    def policy(self) -> Policy:
        """What becomes of pixels that other objects have, in whichever layer."""
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy
        if self.current is not None:
            self.current.objects.policy = policy

    def choose(self, layer: Labels | None) -> None:
        """Accept masks into a layer; None for none.

        Raises
        ------
        AnnotationError
            If the layer cannot be edited; then there is none.
        """
        if self.current is not None:
            self.current.close()
            self.current = None
        try:
            if layer is not None:
                self.current = ObjectsLayer(
                    layer, plane=self._plane(), policy=self._policy
                )
                self.current.changed.connect(self.changed.emit)
        finally:
            self.changed.emit()

    def add_new(self) -> None:
        """Put an empty layer below prompts and candidates, and choose it.

        Raises
        ------
        AnnotationError
            If it would be too large.
        """
        units = self._dims.units
        layer = new_objects_layer(self._image, world_units=units)
        add_quietly(self._layers, layer, below=self._below())
        keep_on(layer, self._image, world_units=units)
        self.choose(layer)

    def undo(self) -> None:
        """Take the latest step back."""
        if self.current is not None:
            self.current.undo()

    def redo(self) -> None:
        """Make it again."""
        if self.current is not None:
            self.current.redo()

    def close(self) -> None:
        """Let go of the layer, which stays in the viewer."""
        self._layers.events.removed.disconnect(self._on_removed)
        self.choose(None)

    def _on_removed(self, event: Any) -> None:
        if self.current is not None and event.value is self.current.layer:
            self.choose(None)
