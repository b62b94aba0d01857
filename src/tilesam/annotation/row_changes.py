"""How areas and extents of objects follow from pixels that change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.annotation.edits import stretches
from tilesam.annotation.scanning import joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from tilesam.annotation.edits import PixelChange
    from tilesam.annotation.rows import Extent, ObjectRow, ObjectRows
    from tilesam.types import BoolArray

Counts: TypeAlias = dict[int, tuple[int, "Extent | None"]]
"""By label how many pixels an object gains, and a box around those that it gets."""


def count_changes(changes: Iterable[PixelChange], *, but: int = 0) -> Counts:
    """Return what objects gain and lose.

    Parameters
    ----------
    changes
        In their order.
    but
        A label to leave out, besides the background.
    """
    counts: Counts = {}
    for change in changes:
        for label, number in _numbers(change.before):
            gained, extent = counts.get(label, (0, None))
            counts[label] = gained - number, extent
        for label, number in _numbers(change.after):
            gained, extent = counts.get(label, (0, None))
            box = _around(change, change.after == label)
            box = box if extent is None else joined(box, extent)
            counts[label] = gained + number, box
    return {label: count for label, count in counts.items() if label not in (0, but)}


def rows_after(
    rows: ObjectRows, counts: Counts
) -> dict[int, tuple[ObjectRow | None, ObjectRow | None]]:
    """Return how the rows of objects change that gain or lose pixels.

    Foreign objects have no rows, and get none here. An object of which nothing is left
    loses its row.
    """
    changed: dict[int, tuple[ObjectRow | None, ObjectRow | None]] = {}
    for label, (gained, extent) in counts.items():
        row = rows.get(label)
        if row is None:
            continue
        area = row.area + gained
        around = row.extent if extent is None else joined(row.extent, extent)
        after = replace(row, area=area, extent=around) if area > 0 else None
        if after != row:
            changed[label] = (row, after)
    return changed


def _numbers(values: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield each label and how often it occurs."""
    # Labels come in long stretches, and sorting these is quick.
    labels, lengths = stretches(values)
    unique, places = np.unique(labels, return_inverse=True)
    numbers = np.bincount(places, lengths, len(unique)).astype(np.int64)
    return zip(unique.tolist(), numbers.tolist(), strict=True)


def _around(change: PixelChange, is_its: BoolArray) -> Extent:
    places = (index[is_its] for index in change.indices)
    return tuple((int(place.min()), int(place.max()) + 1) for place in places)
