"""A labels layer of several resolutions, into which only the engine paints."""

from __future__ import annotations

from typing import Any

from napari.layers import Labels
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from napari_sam.layers.fitting_labels import fitting_labels
from tilesam.annotation.edits import PixelChange
from tilesam.annotation.level_target import LevelsTarget
from tilesam.errors import AnnotationError


class PyramidTarget(LevelsTarget):
    """A multiscale Labels layer as a label target; on the GUI thread.

    Parameters
    ----------
    layer
        With levels as `open_label_levels` makes them.

    Attributes
    ----------
    edited, replaced
        As of `LayerTarget`, but never emitted: napari's tools do not edit such layers.

    Raises
    ------
    AnnotationError
        If the layer has one resolution, or see `LevelsTarget`.
    """

    edited = Signal(PixelChange)
    replaced = Signal()

    def __init__(self, layer: Labels) -> None:
        if not layer.multiscale:
            raise AnnotationError(
                f"the labels layer '{layer.name}' has one resolution; expected a "
                "multiscale one; use it as it is"
            )
        super().__init__(layer.data)
        self.layer = layer

    def write(self, indices: tuple[NDArray[Any], ...], values: ArrayLike) -> None:
        """Set pixels in all levels, and show it; see `LayerTarget.write`.

        Raises
        ------
        AnnotationError
            If the type of the layer cannot hold a label; nothing was written then.
        """
        super().write(indices, fitting_labels(values, len(indices[0]), self.layer))
        self.layer.refresh(extent=False)

    def end_strokes(self) -> None:
        """Do nothing: there are no strokes."""

    def close(self) -> None:
        """Do nothing: nothing was connected."""
