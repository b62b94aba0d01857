"""Which axes an array has, which of them are channels, and which channels are shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MAX_CHANNELS_AS_LAST_AXIS = 4


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
    if 0 in array.shape:
        raise ImageError(
            f"the image has shape {tuple(array.shape)}; expected at least one pixel"
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


def resolve_channel_axis(shape: tuple[int, ...], given: int | None) -> int | None:
    """Decide which axis holds the channels; None if the image has none.

    Parameters
    ----------
    shape
        Of the array.
    given
        What the user said, from -3 to 2; None decides by the shape.

    Raises
    ------
    ImageError
        If there are other than two or three axes, no such axis, or none that is
        surely the channels.
    """
    if len(shape) not in (2, 3):
        raise ImageError(
            f"the image has {len(shape)} dimensions, shape {tuple(shape)}; expected "
            "(height, width) or (height, width, channels); pass one plane of it"
        )
    if given is not None:
        if len(shape) == 2 or not _is_integer(given) or not -3 <= given < 3:
            raise ImageError(
                f"channel_axis is {given!r} for an image of shape {tuple(shape)}; "
                "expected 0, 1 or 2 where there are three axes; leave it out otherwise"
            )
        return given % 3
    if len(shape) == 2:
        return None
    if shape[2] <= MAX_CHANNELS_AS_LAST_AXIS:
        return 2
    raise ImageError(
        f"the image has shape {tuple(shape)}, in which no axis is surely the channels; "
        "expected (height, width) or (height, width, 1 to 4 channels); "
        "pass one plane of a stack, or say channel_axis= (--channel-axis)"
    )


def resolve_channels(
    array: ArrayLike, *, axis: int | None, channels: Sequence[int] | int | None
) -> tuple[int, ...]:
    """Decide which channels are shown, in the order red, green, blue.

    Parameters
    ----------
    axis
        Of the channels; None if the image has none.
    channels
        What the user said; None takes all up to three, and of 8-bit RGBA the colours.

    Returns
    -------
    tuple
        One to three channel numbers.

    Raises
    ------
    ImageError
        If there are more than can be shown, or no such channels.
    """
    count = 1 if axis is None else array.shape[axis]
    if channels is None:
        is_rgba = count == 4 and axis == 2 and np.dtype(array.dtype) == np.uint8
        if count <= 3 or is_rgba:
            return tuple(range(min(count, 3)))
        raise ImageError(
            f"the image has {count} channels of type {np.dtype(array.dtype)}; expected "
            "1 to 3, or 8-bit RGBA; choose up to three with channels=(0, 1, 2) or the "
            "like (--channel 0 --channel 1 --channel 2)"
        )
    picked = tuple(channels) if isinstance(channels, Iterable) else (channels,)
    exist = (_is_integer(channel) and 0 <= channel < count for channel in picked)
    if not (1 <= len(picked) <= 3 and all(exist)):
        raise ImageError(
            f"channels are {channels!r}; expected one to three numbers from 0 to "
            f"{count - 1}; the image has {count} channel(s), choose among them"
        )
    return tuple(int(channel) for channel in picked)


def _is_integer(value: object) -> bool:
    return isinstance(value, int | np.integer)
