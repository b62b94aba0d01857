"""Arrays of labels: read in boxes, written pixel by pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tilesam.types import IntArray


class LabelTarget(Protocol):
    """Where labels are: the last two axes are y and x, those before them planes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis, two or more of them."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """An integer type."""
        ...

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a box; one slice with start and stop for each axis, all axes stay."""
        ...

    def write(self, indices: tuple[IntArray, ...], values: NDArray[Any]) -> None:
        """Write (K,) values to pixels; one (K,) index array for each axis."""
        ...


class ArrayTarget:
    """Labels in a NumPy or zarr array.

    Parameters
    ----------
    array
        Integers that can be written to, with two or more axes.

    Raises
    ------
    AnnotationError
        If they are not such.
    """

    def __init__(self, array: Any) -> None:
        self.array = array
        require_labels(array)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(int(length) for length in self.array.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the labels."""
        dtype: np.dtype[Any] = np.dtype(self.array.dtype)
        return dtype

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a copy of a box."""
        return np.array(self.array[slices])

    def write(self, indices: tuple[IntArray, ...], values: NDArray[Any]) -> None:
        """Write to pixels, and to no other chunks than theirs."""
        if _is_zarr(self.array):
            self.array.set_coordinate_selection(indices, values)
        else:
            self.array[indices] = values


class OnlyLabels:
    """Some objects of labels, as if there were no others; to be read.

    Parameters
    ----------
    target
        All labels.
    labels
        Of these objects.
    """

    def __init__(self, target: LabelTarget, labels: ArrayLike) -> None:
        self._target = target
        self._labels = np.unique(np.asarray(labels, np.int64))

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self._target.shape

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a copy of a box."""
        found = self._target.read(slices)
        return np.where(np.isin(found, self._labels), found, 0).astype(found.dtype)


def require_labels(array: Any) -> None:
    """Make sure that an array can hold labels and be changed.

    Raises
    ------
    AnnotationError
        If it cannot.
    """
    dtype = getattr(array, "dtype", None)
    if dtype is None or not np.issubdtype(dtype, np.integer):
        raise AnnotationError(
            f"the labels are {type(array).__name__} of {dtype}; expected an array of "
            "integers; convert it to uint32"
        )
    if len(array.shape) < 2:
        raise AnnotationError(
            f"the labels have shape {tuple(array.shape)}; expected rows and columns at "
            "least; give a label image"
        )
    is_writable = array.flags.writeable if isinstance(array, np.ndarray) else True
    if not is_writable or not hasattr(array, "__setitem__") or _is_lazy(array):
        raise AnnotationError(
            f"the labels are a {type(array).__name__} that cannot be written to; "
            "expected a NumPy array or a zarr array opened for writing; copy them into "
            "one"
        )


def _is_zarr(array: Any) -> bool:
    return hasattr(array, "set_coordinate_selection")


def _is_lazy(array: Any) -> bool:
    """Return whether it is a graph of tasks, as dask's are: those take no labels."""
    return bool(getattr(array, "read_only", False)) or hasattr(array, "__dask_graph__")
