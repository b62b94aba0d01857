"""The Labels layer that accepted masks go to, with its undo history and its rows."""

from __future__ import annotations

from typing import Any

from napari.layers import Labels
from psygnal import Signal

from napari_sam.layers.coordinates import Plane
from napari_sam.layers.label_features import joined_features
from napari_sam.layers.layer_keys import bind_keys, unbind_keys
from napari_sam.layers.layer_target import LayerTarget
from napari_sam.layers.pyramid_target import PyramidTarget
from tilesam.annotation.edits import PixelChange
from tilesam.annotation.history import EditHistory
from tilesam.annotation.objects import ObjectLabels
from tilesam.annotation.overlaps import Policy
from tilesam.annotation.rows import ObjectRows
from tilesam.annotation.scanning import highest_label

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
    rows
        What is known of its objects; by default nothing: the layer is looked through
        for labels, which takes a while where it is large.
    history
        Of the same labels, to go on with; by default a new one.

    Attributes
    ----------
    changed
        Emitted after every step, undone ones included.
    replaced
        Emitted when the layer has got another array, for which there have to be other
        objects.

    Raises
    ------
    AnnotationError
        If the layer cannot be edited.
    """

    changed = Signal()
    replaced = Signal()

    def __init__(
        self,
        layer: Labels,
        *,
        plane: Plane = (),
        policy: Policy = "keep",
        rows: ObjectRows | None = None,
        history: EditHistory | None = None,
    ) -> None:
        self.layer = layer
        self.target = PyramidTarget(layer) if layer.multiscale else LayerTarget(layer)
        if history is None:
            if rows is None:
                rows = ObjectRows(foreign_highest=highest_label(self.finest))
            history = EditHistory(self.target, rows)
        # From here on through the layer, so that what is undone is drawn anew.
        history.target = self.target
        self.history, self.rows = history, history.rows
        self.objects = ObjectLabels(self.target, self.rows, plane=plane, policy=policy)
        self.target.edited.connect(self._on_drawn)
        self.target.replaced.connect(self.replaced.emit)
        self.history.changed.connect(self._on_step)
        bind_keys(layer, {UNDO_KEY: self.undo, REDO_KEY: self.redo})
        self._show_rows()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def finest(self) -> Any:
        """The array that holds the labels."""
        return self.layer.data[0] if self.layer.multiscale else self.layer.data

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
        self.history.changed.disconnect(self._on_step)
        unbind_keys(self.layer, (UNDO_KEY, REDO_KEY))

    def _on_drawn(self, change: PixelChange) -> None:
        name = "paint" if change.after.any() else "erase"
        self.history.note(self.objects.drawn([change], name=name))

    def _on_step(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _show_rows(self) -> None:
        self.layer.features = joined_features(self.rows, self.layer.features)
