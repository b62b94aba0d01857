"""What may be an image: arrays and lazy arrays of real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.errors import ImageError
from tilesam.image.axes import is_integer

if TYPE_CHECKING:
    from numpy.typing import NDArray


class ArrayLike(Protocol):
    """A NumPy array, a memory map, or a lazy array that can be sliced."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""

    @property
    def dtype(self) -> Any:
        """NumPy type of the values."""

    def __getitem__(self, key: Any) -> Any:
        """Return a rectangle of it, of which `numpy.asarray` makes an array."""


def checked_array(image: Any) -> ArrayLike:
    """Return `image` itself if it can be sliced like an array, else as an array.

    Raises
    ------
    ImageError
        If it holds other than booleans, integers or real numbers, or nothing.
    """
    array: Any = image
    try:
        dtype = np.dtype(image.dtype)
        len(image.shape)
    except (AttributeError, TypeError):
        array = _to_array(image)
        dtype = array.dtype
    if dtype.kind not in "buif":
        advice = "; take np.abs of it, or its real part" if dtype.kind == "c" else ""
        raise ImageError(
            f"the image has type {dtype}; expected booleans, integers or real numbers"
            f"{advice}"
        )
    if not all(is_integer(size) and size > 0 for size in array.shape):
        raise ImageError(
            f"the image has shape {tuple(array.shape)}; expected at least one pixel "
            "along every axis, and sizes that are known"
        )
    checked: ArrayLike = array
    return checked


def _to_array(image: Any) -> NDArray[Any]:
    try:
        return np.asarray(image)
    except ValueError as error:
        raise ImageError(
            f"the image is a {type(image).__name__} that is no regular array; "
            "expected rows of equal length; pass a NumPy array"
        ) from error
