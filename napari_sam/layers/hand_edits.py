"""What napari's brush, eraser, bucket and polygon did, in the engine's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tilesam.annotation.edits import PixelChange
from tilesam.errors import AnnotationError
from tilesam.types import IntArray

Indices = tuple[IntArray, ...]
Step = tuple[Indices, NDArray[Any], NDArray[Any]]
"""Indices, one array per axis, with the values there before and after: each (K,)."""


def paint_to_change(atoms: Iterable[Any]) -> PixelChange | None:
    """Return one stroke of a tool as one change.

    Parameters
    ----------
    atoms
        `value` of napari's event `Labels.events.paint`: the steps of one stroke in
        their order. Since 0.9 the tools report a rectangle with a mask, `data_setitem`
        still reports indices.

    Returns
    -------
    PixelChange or None
        Each pixel once, though a brush crosses its own trail; None if all of them are
        as they were.

    Raises
    ------
    AnnotationError
        If napari reports steps in a form that is not known.
    """
    steps = [_step_of(atom) for atom in atoms]
    if not steps:
        return None
    places, before, after = zip(*steps, strict=True)
    change = PixelChange(
        tuple(np.concatenate(axis) for axis in zip(*places, strict=True)),
        np.concatenate(before),
        np.concatenate(after),
    )
    return change if len(change) else None


def _step_of(atom: Any) -> Step:
    if hasattr(atom, "slice_key"):
        indices, before, after = _step_of_rectangle(atom)
    elif isinstance(atom, tuple) and len(atom) == 3:
        indices, before, after = atom
    else:
        raise AnnotationError(
            f"napari reports a stroke as {type(atom).__name__}; expected a rectangle "
            "with a mask, or indices with values; install a version of napari that "
            "this plugin was tested with"
        )
    indices = tuple(np.asarray(axis, np.int64).ravel() for axis in indices)
    values = np.asarray(before).ravel()
    return indices, values, np.full(len(values), after, values.dtype)


def _step_of_rectangle(atom: Any) -> tuple[Indices, NDArray[Any], Any]:
    starts = [part.start for part in atom.slice_key]
    sides = [part.stop - part.start for part in atom.slice_key]
    # No mask says that every pixel of the rectangle has changed.
    mask = np.ones(sides, bool) if atom.mask is None else atom.mask
    inside = zip(np.nonzero(mask), starts, strict=True)
    return (
        tuple(axis + start for axis, start in inside),
        atom.old_values,
        atom.new_value,
    )
