"""Which axes an array has: rows, columns, channels, and those that are cut to a plane.

Files usually name their axes; arrays do not, and what their shape does not settle has
to be said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

import numpy as np

from tilesam.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_CHANNELS_BY_SHAPE = 4
"""An outer axis of at most so many positions is taken for channels."""

UNKNOWN = "?"
"""Name of an axis of which nothing is known."""

PlaneChoice: TypeAlias = int | Sequence[int] | Mapping[str, int] | None
"""Index of each axis that is neither rows, columns nor channels."""


@dataclass(frozen=True)
class Layout:
    """Where rows, columns and channels of the shown plane are in an array.

    Parameters
    ----------
    y_axis, x_axis
        Rows and columns; rows come first.
    channel_axis
        None for a grey image.
    plane
        Which position of every other axis is shown, as (axis, index) pairs.
    """

    y_axis: int
    x_axis: int
    channel_axis: int | None
    plane: tuple[tuple[int, int], ...] = ()

    def channel_count(self, shape: tuple[int, ...]) -> int:
        """Return how many channels an array of this shape has, 1 for a grey image."""
        return 1 if self.channel_axis is None else shape[self.channel_axis]

    def key(self, rows: slice, columns: slice, channels: slice) -> tuple[Any, ...]:
        """Return the index of a rectangle of the plane, for any array that slices."""
        parts: dict[int, Any] = {self.y_axis: rows, self.x_axis: columns}
        if self.channel_axis is not None:
            parts[self.channel_axis] = channels
        parts.update(self.plane)
        return tuple(parts[axis] for axis in sorted(parts))

    def to_hwc(self, part: NDArray[Any]) -> NDArray[Any]:
        """Return what `key` cut out as (h, w, C)."""
        if self.channel_axis is None:
            return part[..., np.newaxis]
        kept = sorted((self.y_axis, self.x_axis, self.channel_axis))
        return np.moveaxis(part, kept.index(self.channel_axis), -1)


def resolve_layout(
    shape: tuple[int, ...],
    *,
    names: tuple[str, ...] | None = None,
    channel_axis: int | None = None,
    plane: PlaneChoice = None,
) -> Layout:
    """Decide what each axis of an array is.

    Parameters
    ----------
    shape
        Of the array.
    names
        What a file says of its axes: "y", "x", "c" for channels, other names such as
        "t" and "z" for axes of which one position is shown, and `UNKNOWN`.
    channel_axis
        What the user said, counted from either end; None decides by names or shape.
    plane
        What the user said; named axes that are left out are shown at 0.

    Raises
    ------
    ImageError
        If there is no such axis or position, or if it is not sure what an axis is.
    """
    names = names or (UNKNOWN,) * len(shape)
    channel = _checked_channel_axis(shape, channel_axis)
    if channel is None and "c" in names:
        channel = names.index("c")
    # Where the user takes rows or columns for channels, the names cannot be right.
    is_contradicted = channel is not None and names[channel] in ("y", "x")
    is_named = UNKNOWN not in names and {"y", "x"} <= set(names)
    if not is_named or is_contradicted:
        return _unnamed_layout(shape, channel=channel, plane=plane)
    return _named_layout(shape, names, channel=channel, plane=plane)


def _checked_channel_axis(shape: tuple[int, ...], given: object) -> int | None:
    if given is None:
        return None
    dimensions = len(shape)
    if dimensions > 2 and is_integer(given) and -dimensions <= given < dimensions:
        return int(given) % dimensions
    raise ImageError(
        f"channel_axis is {given!r} for an image of shape {tuple(shape)}; expected an "
        "axis of three or more, counted from 0; leave it out otherwise"
    )


def _named_layout(
    shape: tuple[int, ...],
    names: tuple[str, ...],
    *,
    channel: int | None,
    plane: PlaneChoice,
) -> Layout:
    y, x = names.index("y"), names.index("x")
    if y > x:
        raise ImageError(
            f"the image has axes {', '.join(names)}; expected y before x; "
            "exchange them, or pass it as an array"
        )
    stacked = [axis for axis in range(len(shape)) if axis not in (y, x, channel)]
    sizes = {names[axis]: shape[axis] for axis in stacked}
    indices = _named_indices(sizes, plane)
    return Layout(y, x, channel, tuple(zip(stacked, indices, strict=True)))


def _named_indices(sizes: dict[str, int], plane: PlaneChoice) -> list[int]:
    """Return the shown position of each stacked axis, 0 where nothing was said."""
    if plane is None:
        return [0] * len(sizes)
    if isinstance(plane, Mapping):
        given = {str(name).lower(): index for name, index in plane.items()}
    else:
        indices = tuple(plane) if isinstance(plane, Sequence) else (plane,)
        # An axis of one position needs no choice.
        longer = [name for name, size in sizes.items() if size > 1]
        chosen = list(sizes) if len(indices) == len(sizes) else longer
        given = dict(zip(chosen, indices, strict=False))
        if len(indices) != len(chosen):
            raise _bad_plane(plane, sizes)
    if not set(given) <= set(sizes):
        raise _bad_plane(plane, sizes)
    positions = [given.get(name, 0) for name in sizes]
    for position, size in zip(positions, sizes.values(), strict=True):
        if not (is_integer(position) and 0 <= position < size):
            raise _bad_plane(plane, sizes)
    return [int(position) for position in positions]


def _bad_plane(plane: PlaneChoice, sizes: dict[str, int]) -> ImageError:
    if not sizes:
        return ImageError(
            f"plane is {plane!r}, but the image is a single plane; leave it out"
        )
    known = ", ".join(f"{name} from 0 to {size - 1}" for name, size in sizes.items())
    return ImageError(
        f"plane is {plane!r}; expected one position of each of: {known}; for example "
        f"plane={dict.fromkeys(sizes, 0)}"
    )


def _unnamed_layout(
    shape: tuple[int, ...], *, channel: int | None, plane: PlaneChoice
) -> Layout:
    """Decide by shape and by how many leading axes the user gave a position of."""
    if isinstance(plane, Mapping):
        raise ImageError(
            f"plane is {plane!r}, but the axes of the image have no names; expected "
            "an index for each leading axis, as in plane=(0, 3)"
        )
    indices: Sequence[int] = ()
    if plane is not None:
        indices = plane if isinstance(plane, Sequence) else (plane,)
    stacked_count = len(indices)
    rest = [axis for axis in range(len(shape)) if axis != channel]
    stacked, last = rest[:stacked_count], rest[stacked_count:]
    if len(last) == 3 and channel is None:
        channel = _channel_axis_by_shape(shape, last)
        last.remove(channel)
    if len(last) != 2 or len(stacked) < stacked_count:
        raise ImageError(
            f"the image has {len(shape)} dimensions, shape {tuple(shape)}; expected "
            "(height, width), with or without channels, after the axes of which plane= "
            f"(--plane) gives a position; it gives {stacked_count}; pass one position "
            "of every further axis"
        )
    sizes = {f"axis {axis}": shape[axis] for axis in stacked}
    positions = _named_indices(sizes, dict(zip(sizes, indices, strict=False)))
    return Layout(
        last[0], last[1], channel, tuple(zip(stacked, positions, strict=True))
    )


def _channel_axis_by_shape(shape: tuple[int, ...], candidates: list[int]) -> int:
    for axis in (candidates[-1], candidates[0]):
        if shape[axis] <= MAX_CHANNELS_BY_SHAPE:
            return axis
    raise ImageError(
        f"the image has shape {tuple(shape)}, in which no axis is surely the channels; "
        "expected (height, width), or with 1 to 4 channels last or first; pass "
        "one plane of a stack, or say channel_axis= (--channel-axis), or plane= "
        "(--plane) for the position along the first axis"
    )


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether a value is a whole number, of Python or of NumPy."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
