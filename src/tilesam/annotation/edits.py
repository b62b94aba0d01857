"""Changes of labels and of what is known of objects; each knows its inverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.annotation.rows import ObjectRow
from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tilesam.types import BoolArray, IntArray

RowChanges: TypeAlias = Mapping[int, tuple[ObjectRow | None, ObjectRow | None]]
"""By label what was known of an object and what is now; None where there is none."""


@dataclass(frozen=True, eq=False)
class PixelChange:
    """Pixels of a label array, what they were and what they become.

    Whatever is given, a change holds each pixel once, in the order of columns, and
    none that stays as it is. Of a pixel that is given several times the first value
    before and the last one after count, as if they had been painted in turn.

    Parameters
    ----------
    indices
        One (K,) int64 array for each axis of the label array, the last two of which
        are y and x.
    before, after
        (K,), or one value for all; `after` takes the dtype of `before`.

    Raises
    ------
    AnnotationError
        If lengths do not fit, an index is negative, or a label does not fit the dtype.
    """

    indices: tuple[IntArray, ...]
    before: NDArray[Any]
    after: NDArray[Any]

    def __post_init__(self) -> None:
        indices, before, after = _broadcast(self.indices, self.before, self.after)
        after = _cast(after, before.dtype)
        if not _are_ordered(indices):
            indices, before, after = _put_in_order(indices, before, after)
        differs = before != after
        if not differs.all():
            indices = tuple(index[differs] for index in indices)
            before, after = before[differs], after[differs]
        for name, value in (("indices", indices), ("before", before), ("after", after)):
            object.__setattr__(self, name, value)

    def __len__(self) -> int:
        return len(self.before)

    def inverted(self) -> PixelChange:
        """Return the change that takes this one back."""
        return PixelChange(self.indices, self.after, self.before)


@dataclass(frozen=True, eq=False)
class Edit:
    """One step of a person: what is undone and redone at once.

    Parameters
    ----------
    changes
        Of pixels, in the order in which they are made.
    rows
        Of what is known of objects, by label.
    name
        For menus, for example "accept object 5".
    """

    changes: tuple[PixelChange, ...] = ()
    rows: RowChanges = field(default_factory=dict)
    name: str = "edit"

    @property
    def pixel_count(self) -> int:
        """Pixels that change; those that change twice count twice."""
        return sum(map(len, self.changes))

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.pixel_count and not self.rows

    def inverted(self) -> Edit:
        """Return the edit that takes this one back."""
        changes = tuple(change.inverted() for change in reversed(self.changes))
        rows = {label: (after, before) for label, (before, after) in self.rows.items()}
        return Edit(changes, rows, self.name)


def stretches(values: NDArray[Any]) -> tuple[NDArray[Any], IntArray]:
    """Return the value and the length of each stretch of equal values."""
    is_first = np.ones(len(values), np.bool_)
    is_first[1:] = values[1:] != values[:-1]
    firsts = np.flatnonzero(is_first)
    return values[firsts], np.diff(np.append(firsts, len(values)))


def _broadcast(
    indices: tuple[ArrayLike, ...], before: ArrayLike, after: ArrayLike
) -> tuple[tuple[IntArray, ...], NDArray[Any], NDArray[Any]]:
    arrays = [np.atleast_1d(np.asarray(array)) for array in (*indices, before, after)]
    try:
        *places, was, becomes = np.broadcast_arrays(*arrays)
    except ValueError as error:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise AnnotationError(
            f"indices and values of a change have shapes {shapes}; expected one length "
            "for all; give an index for each axis and two values for each pixel"
        ) from error
    if was.ndim != 1 or len(places) < 2:
        raise AnnotationError(
            f"a change has {len(places)} index arrays of {was.ndim} axes; expected one "
            "flat array for each axis of the labels; ravel them"
        )
    flat = tuple(place.astype(np.int64) for place in places)
    if any(len(place) and place.min() < 0 for place in flat):
        raise AnnotationError("an index of a change is negative; expected 0 or more")
    return flat, was, becomes


def _cast(after: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    if after.dtype == dtype:
        return after
    info = np.iinfo(dtype) if np.issubdtype(dtype, np.integer) else None
    if info is None or (
        len(after) and not info.min <= int(after.min()) <= int(after.max()) <= info.max
    ):
        raise AnnotationError(
            f"labels do not fit {dtype}; expected whole numbers in its range; convert "
            "the label array to uint32"
        )
    return after.astype(dtype)


def _keys(indices: tuple[IntArray, ...]) -> tuple[IntArray, ...]:
    """Return indices with the slowest one first: planes, then columns, then rows."""
    *planes, y, x = indices
    return (*planes, x, y)


def _are_ordered(indices: tuple[IntArray, ...]) -> bool:
    count = max(len(indices[0]) - 1, 0)
    is_later, is_equal = np.zeros(count, np.bool_), np.ones(count, np.bool_)
    for key in _keys(indices):
        is_later |= is_equal & (key[:-1] < key[1:])
        is_equal &= key[:-1] == key[1:]
    return bool(is_later.all())


def _put_in_order(
    indices: tuple[IntArray, ...], before: NDArray[Any], after: NDArray[Any]
) -> tuple[tuple[IntArray, ...], NDArray[Any], NDArray[Any]]:
    # The sort is stable: what was painted first comes first among equal pixels.
    order = np.lexsort(_keys(indices)[::-1])
    indices = tuple(index[order] for index in indices)
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = _is_other_than_previous(indices)
    firsts = np.flatnonzero(is_first)
    lasts = np.append(firsts[1:], len(order)) - 1
    unique = tuple(index[firsts] for index in indices)
    return unique, before[order][firsts], after[order][lasts]


def _is_other_than_previous(indices: tuple[IntArray, ...]) -> BoolArray:
    differs: BoolArray = np.zeros(len(indices[0]) - 1, np.bool_)
    for index in indices:
        differs |= index[:-1] != index[1:]
    return differs
