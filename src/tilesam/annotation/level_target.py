"""Labels of several resolutions: painted into all of them at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation.label_arrays import open_label_array
from tilesam.annotation.label_levels import has_levels, open_label_levels
from tilesam.annotation.targets import ArrayTarget
from tilesam.errors import AnnotationError
from tilesam.image.levels import level_scales

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.annotation.document import LabelsRecord
    from tilesam.types import BoolArray, IntArray


class LevelsTarget:
    """The levels of labels as a `tilesam.annotation.targets.LabelTarget`.

    Parameters
    ----------
    levels
        As `open_label_levels` makes them. The finest holds the labels; the others are
        every n-th pixel of it and serve to show it.

    Attributes
    ----------
    levels
        The arrays.

    Raises
    ------
    AnnotationError
        If they cannot be written to, or a level is no n-th rows and columns of the
        finest.
    """

    def __init__(self, levels: Sequence[Any]) -> None:
        self.levels = list(levels)
        self._levels = [ArrayTarget(level) for level in levels]
        self._steps = [_step_of(level, self._levels[0]) for level in self._levels]

    @property
    def array(self) -> Any:
        """The finest level."""
        return self.levels[0]

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

    def write(self, indices: tuple[IntArray, ...], values: NDArray[Any]) -> None:
        """Set (K,) pixels in all levels."""
        for level, step in zip(self._levels, self._steps, strict=True):
            kept = _on_lattice(indices, step, level.shape)
            if kept.any():
                *leading, y, x = (axis[kept] for axis in indices)
                level.write((*leading, y // step, x // step), values[kept])


def open_label_target(record: LabelsRecord) -> ArrayTarget | LevelsTarget:
    """Return the labels of a session, with all resolutions that they have.

    Raises
    ------
    SessionFileError
        See `tilesam.annotation.label_arrays.open_label_array`.
    AnnotationError
        If the other resolutions do not fit.
    """
    array = open_label_array(record)
    if record.path is None or not has_levels(record.path):
        return ArrayTarget(array)
    group = Path(record.path).parent
    return LevelsTarget(open_label_levels(group, record.shape, dtype=record.dtype))


def _step_of(level: ArrayTarget, finest: ArrayTarget) -> int:
    """Return of how many rows, and columns, a level has one."""
    scales = level_scales(_plane_hw(finest), _plane_hw(level))
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
    indices: tuple[IntArray, ...], step: int, shape: tuple[int, ...]
) -> BoolArray:
    """Return which pixels a level has, of those of the finest one."""
    kept: BoolArray = np.ones(len(indices[0]), np.bool_)
    for axis, side in zip(indices[-2:], shape[-2:], strict=True):
        kept &= (axis % step == 0) & (axis // step < side)
    return kept


def _plane_hw(level: ArrayTarget) -> tuple[int, int]:
    *_, height, width = level.shape
    return height, width
