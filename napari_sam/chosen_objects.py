"""Which Labels layer the masks of one image are accepted into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from napari.components import Dims, LayerList
from napari.layers import Image, Labels, Layer
from psygnal import Signal

from napari_sam.layers.coordinates import Plane
from napari_sam.layers.layer_list import add_quietly
from napari_sam.layers.new_objects_layer import build_objects_layer, keep_on, new_labels
from napari_sam.layers.objects_layer import ObjectsLayer
from tilesam.annotation.history import EditHistory
from tilesam.annotation.overlaps import Policy
from tilesam.annotation.rows import ObjectRow, ObjectRows


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
    place
        Returns a folder for labels that are too large for the memory.

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
        place: Callable[[], Path],
    ) -> None:
        self._layers, self._dims, self._image = layers, dims, image
        self._below, self._plane, self._place = below, plane, place
        self._policy: Policy = "keep"
        self.current: ObjectsLayer | None = None
        self._remembered: WeakKeyDictionary[Layer, dict[int, ObjectRow]] = (
            WeakKeyDictionary()
        )
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

    def choose(
        self,
        layer: Labels | None,
        *,
        rows: ObjectRows | None = None,
        history: EditHistory | None = None,
    ) -> None:
        """Accept masks into a layer; None for none.

        Parameters
        ----------
        layer, rows, history
            See `ObjectsLayer`.

        Raises
        ------
        AnnotationError
            If the layer cannot be edited; then there is none.
        """
        if self.current is not None:
            self.current.changed.disconnect(self.changed.emit)
            self.current.replaced.disconnect(self._begin_anew)
            left = {row.label: row for row in self.current.rows}
            self._remembered[self.current.layer] = left
            self.current.close()
            self.current = None
        try:
            if layer is not None:
                self.current = ObjectsLayer(
                    layer,
                    plane=self._plane(),
                    policy=self._policy,
                    rows=rows,
                    history=history,
                )
                self.current.changed.connect(self.changed.emit)
                self.current.replaced.connect(self._begin_anew)
        finally:
            self.changed.emit()

    def add_new(self) -> None:
        """Put an empty layer below prompts and candidates, and choose it.

        Raises
        ------
        AnnotationError, SessionFileError
            If it cannot be made.
        """
        self.add(new_labels(self._image, self._place), rows=ObjectRows())

    def add(self, labels: Any, *, name: str | None = None, **options: Any) -> None:
        """Put labels below prompts and candidates, and choose them.

        Parameters
        ----------
        labels
            An array of the shape of the image, or a list of levels.
        name
            Of the layer; by default after that of the image.
        **options
            See `choose`.
        """
        units = self._dims.units
        layer = build_objects_layer(labels, self._image, name=name, world_units=units)
        add_quietly(self._layers, layer, below=self._below())
        keep_on(layer, self._image, world_units=units)
        self.choose(layer, **options)

    def is_chosen(self, layer: Layer) -> bool:
        """Return whether masks are accepted into a layer."""
        return self.current is not None and self.current.layer is layer

    def remembered_rows(self, layer: Layer) -> dict[int, ObjectRow]:
        """Return what was known of the objects of a layer when it was left last."""
        return self._remembered.get(layer, {})

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

    def _begin_anew(self) -> None:
        """Respect what the layer shows now; what was there cannot be undone."""
        if self.current is not None:
            self.choose(self.current.layer)

    def _on_removed(self, event: Any) -> None:
        if self.current is not None and event.value is self.current.layer:
            self.choose(None)
