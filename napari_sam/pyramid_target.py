"""A multiscale Labels layer, into which only the engine paints."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import ArrayLike, NDArray
from psygnal import Signal

from napari_sam.fitting_labels import fitting_labels
from tilesam.annotation.edits import PixelChange
from tilesam.annotation.targets import ArrayTarget
from tilesam.errors import AnnotationError
from tilesam.image.levels import level_scales


class PyramidTarget:
    """A multiscale Labels layer as a `tilesam.annotation.targets.LabelTarget`.

    The finest level holds the labels; the others are every n-th pixel of it and serve
    to show it. On the GUI thread.

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
        If the layer has one resolution, cannot be written to, or has levels that are
        no n-th rows and columns of the finest.
    """

    edited = Signal(PixelChange)
    replaced = Signal()

    def __init__(self, layer: Labels) -> None:
        if not layer.multiscale:
            raise AnnotationError(
                f"the labels layer '{layer.name}' has one resolution; expected a "
                "multiscale one; use it as it is"
            )
        self.layer = layer
        self._levels = [ArrayTarget(level) for level in layer.data]
        self._steps = [_step_of(level, self._levels[0]) for level in self._levels]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the finest level."""
        return self._levels[0].shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of all levels."""
        return self._levels[0].dtype

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a copy of a part of the labels."""
        return self._levels[0].read(slices)

    def write(self, indices: tuple[NDArray[Any], ...], values: ArrayLike) -> None:
        """Set pixels in all levels, and show it; see `LayerTarget.write`.

        Raises
        ------
        AnnotationError
            If the type of the layer cannot hold a label; nothing was written then.
        """
        labels = fitting_labels(values, len(indices[0]), self.layer)
        for level, step in zip(self._levels, self._steps, strict=True):
            kept = _on_lattice(indices, step, level.shape)
            if kept.any():
                *leading, y, x = (axis[kept] for axis in indices)
                level.write((*leading, y // step, x // step), labels[kept])
        self.layer.refresh(extent=False)

    def end_strokes(self) -> None:
        """Do nothing: there are no strokes."""

    def close(self) -> None:
        """Do nothing: nothing was connected."""


def _step_of(level: ArrayTarget, finest: ArrayTarget) -> int:
    """Return of how many rows, and columns, a level has one."""
    scales = level_scales(finest.shape[-2:], level.shape[-2:])
    if level is finest:
        return 1
    if scales is None or scales[0] != scales[1] or not scales[0].is_integer():
        raise AnnotationError(
            f"a level of the labels has shape {level.shape}, the finest one "
            f"{finest.shape}; expected every n-th row and column of it; make the "
            "levels with open_label_levels"
        )
    return int(scales[0])


def _on_lattice(
    indices: tuple[NDArray[Any], ...], step: int, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return which pixels a level has, of those of the finest one."""
    kept = np.ones(len(indices[0]), bool)
    for axis, side in zip(indices[-2:], shape[-2:], strict=True):
        kept &= (axis % step == 0) & (axis // step < side)
    return kept
