"""A Labels layer, into which the engine paints objects and the user paints by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from napari_sam.layers.fitting_labels import fitting_labels
from napari_sam.layers.hand_edits import paint_to_change
from tilesam.annotation.edits import PixelChange
from tilesam.annotation.targets import require_labels
from tilesam.errors import AnnotationError


class LayerTarget:
    """A Labels layer as a `tilesam.annotation.targets.LabelTarget`; on the GUI thread.

    Parameters
    ----------
    layer
        Of one resolution, over any array that can be written to.

    Attributes
    ----------
    edited
        Emitted with a `PixelChange` when a stroke of one of napari's tools ends.
    replaced
        Emitted when the layer has got another array, to which earlier changes mean
        nothing.

    Raises
    ------
    AnnotationError
        If napari cannot edit the layer: it is multiscale, computed or read-only.

    Notes
    -----
    `write` goes through napari, so that only what has changed is drawn anew. It makes a
    step in the layer's own undo history, too, which knows nothing of objects: bind the
    keys of undo on the layer to the history of the session.
    """

    edited = Signal(PixelChange)
    replaced = Signal()

    def __init__(self, layer: Labels) -> None:
        _require_editable(layer)
        self.layer = layer
        self._is_writing = False
        self._array = layer.data
        layer.events.paint.connect(self._on_paint)
        layer.events.data.connect(self._on_data)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the layer's array."""
        return tuple(int(size) for size in self.layer.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the layer's array."""
        return np.dtype(self.layer.dtype)

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a copy of a part of the labels."""
        return np.array(self.layer.data[slices])

    def write(self, indices: tuple[NDArray[Any], ...], values: ArrayLike) -> None:
        """Set pixels, and show it.

        Parameters
        ----------
        indices
            One (K,) array per axis, no pixel twice.
        values
            (K,) labels, or one for all.

        Raises
        ------
        AnnotationError
            If the type of the layer cannot hold a label; nothing was written then.
        """
        labels = fitting_labels(values, len(indices[0]), self.layer)
        if not labels.size:
            return
        self.end_strokes()
        with self._writing(), self.layer.block_history():
            self.layer.data_setitem(indices, labels)

    def end_strokes(self) -> None:
        """Have what was painted so far reported by `edited`, though the mouse is down.

        Call it before undo and redo, so that the stroke is the latest step: napari
        reports one only when it ends. `write` calls it as well.
        """
        with self.layer.block_history():
            pass

    def close(self) -> None:
        """Let go of the layer, which may be gone from its viewer already."""
        self.layer.events.paint.disconnect(self._on_paint)
        self.layer.events.data.disconnect(self._on_data)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._is_writing = True
        try:
            yield
        finally:
            # What could not be written is a step of napari's all the same.
            self.end_strokes()
            self._is_writing = False

    def _on_paint(self, event: Any) -> None:
        if self._is_writing:
            return
        change = paint_to_change(event.value)
        if change is not None:
            self.edited.emit(change)

    def _on_data(self) -> None:
        if self._array is not self.layer.data:
            self._array = self.layer.data
            self.replaced.emit()


def _require_editable(layer: Labels) -> None:
    if layer.multiscale:
        raise AnnotationError(
            f"the labels layer '{layer.name}' is multiscale, which napari cannot edit; "
            "expected one of a single resolution; take its first level as a layer, or "
            "choose another one"
        )
    require_labels(layer.data)
