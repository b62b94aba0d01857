"""Labels of a large image at several resolutions, so that napari can show them.

Of a labels layer of one resolution napari reads the whole plane before it shows a
corner of it: 16384 x 16384 pixels take many seconds and GB. Of a multiscale layer it
reads what is in view.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation.label_arrays import fits_memory
from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from tilesam.image.locations import Location

CHUNK = 1024


def is_large(shape: Sequence[int]) -> bool:
    """Return whether a plane of labels should have several resolutions."""
    return not fits_memory(tuple(shape[-2:]))


def open_label_levels(
    folder: str | PathLike[str], shape: Sequence[int], *, dtype: str = "uint32"
) -> list[Any]:
    """Open the levels of labels in a zarr group, or make them.

    Parameters
    ----------
    folder
        Of the group; made if it is missing.
    shape
        Of the finest level.
    dtype
        An integer type.

    Returns
    -------
    list
        Arrays named 0, 1, 2 ... in the group, each every second row and column of the
        one before, until one fits into a chunk.

    Raises
    ------
    AnnotationError
        If the folder holds something else.
    """
    import zarr

    group = zarr.open_group(folder, mode="a")
    shapes = level_shapes(shape)
    levels = [_open(group, str(k), s, dtype) for k, s in enumerate(shapes)]
    if len(shape) == 2:
        # napari reads the coarsest one once and keeps it, unless it is in memory, where
        # it shares it and sees what changes.
        levels.append(np.array(levels[-1][::2, ::2]))
    return levels


def has_levels(finest: Location) -> bool:
    """Return whether an array of labels is the finest of several, as made here."""
    place = Path(finest)
    return place.name == "0" and (place.with_name("1") / "zarr.json").is_file()


def level_shapes(shape: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the shapes of all levels, the finest first."""
    shapes = [tuple(shape)]
    while max(shapes[-1][-2:]) > CHUNK:
        *leading, rows, columns = shapes[-1]
        shapes.append((*leading, -(-rows // 2), -(-columns // 2)))
    return shapes


def _open(group: Any, name: str, shape: tuple[int, ...], dtype: str) -> Any:
    if name not in group:
        chunks = (*(1 for _ in shape[:-2]), *(min(CHUNK, side) for side in shape[-2:]))
        return group.create_array(name, shape=shape, chunks=chunks, dtype=dtype)
    array = group[name]
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise AnnotationError(
            f"the labels in {group.store_path} have shape {array.shape} and type "
            f"{array.dtype}; expected {shape} and {dtype}; they belong to another "
            "image: choose another folder"
        )
    return array
