"""New arrays for labels: in memory, or in zarr for images that are large."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import SessionFileError
from tilesam.image.locations import is_address

if TYPE_CHECKING:
    from os import PathLike

    from tilesam.annotation.document import LabelsRecord

CHUNK_SIDE = 512
"""A stroke or a nucleus touches one to four chunks of 1 MiB each."""

DENSE_PIXELS = 2**26
"""Up to this labels are kept in memory, as 256 MiB."""


def new_label_array(
    shape: tuple[int, ...],
    *,
    dtype: str = "uint32",
    path: str | PathLike[str] | None = None,
) -> Any:
    """Return an array without objects.

    Parameters
    ----------
    shape
        Planes first, then rows and columns.
    dtype
        An integer type.
    path
        Folder of a zarr array to make; by default the array is in memory. Chunks are
        made only where there are objects.

    Raises
    ------
    SessionFileError
        If there is something already, or it cannot be written.
    """
    if path is None:
        return np.zeros(shape, dtype)
    import zarr

    try:
        return zarr.create_array(
            str(path), shape=shape, chunks=_chunks(shape), dtype=dtype, fill_value=0
        )
    except (OSError, ValueError) as error:
        raise SessionFileError(
            f"cannot make labels in {path}: {_reason(error)}; choose a new folder"
        ) from error


def open_label_array(record: LabelsRecord) -> Any:
    """Return the labels of a session: its zarr array, or an empty one in memory.

    In memory it is a NumPy array, or of zarr too if it is large, so that only chunks
    with objects take any.

    Raises
    ------
    SessionFileError
        If the zarr array is not there, or is another one.
    """
    if record.path is None and fits_memory(record.shape):
        return new_label_array(record.shape, dtype=record.dtype)
    import zarr

    if record.path is None:
        shape, dtype = record.shape, record.dtype
        return zarr.create_array(
            {}, shape=shape, chunks=_chunks(shape), dtype=dtype, fill_value=0
        )
    try:
        array = zarr.open_array(str(record.path), mode="r+")
    except (OSError, ValueError, KeyError) as error:
        raise SessionFileError(
            f"the labels {record.path} cannot be opened: {_reason(error)}; put them "
            "back where they were when the session was saved"
        ) from error
    if (array.shape, array.dtype) != (record.shape, np.dtype(record.dtype)):
        raise SessionFileError(
            f"the labels {record.path} are {array.dtype} of shape {array.shape}; "
            f"expected {record.dtype} of shape {record.shape}, as the session has it; "
            "put its own back"
        )
    return array


def fits_memory(shape: tuple[int, ...]) -> bool:
    """Return whether labels of a shape are better kept in memory than in zarr."""
    return math.prod(shape) <= DENSE_PIXELS


def location_of_array(array: Any) -> Path | str | None:
    """Return where a zarr array is kept; None of arrays in memory."""
    store, inner = getattr(array, "store", None), getattr(array, "path", "")
    root = getattr(store, "root", None)
    if root is None:
        return None
    return f"{root}/{inner}" if is_address(root) else Path(root) / inner


def _chunks(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (*(1 for _ in shape[:-2]), *(min(CHUNK_SIDE, n) for n in shape[-2:]))


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
