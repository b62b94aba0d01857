"""What is known of every object: which prompts made it, by which model, how sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

Extent: TypeAlias = tuple[tuple[int, int], ...]
"""A box of an array of any number of axes: first position and one past the last."""

BY_HAND = "hand"
"""Prompt kind of objects that were drawn, not answered."""


EVERYTHING = "everything"
"""Prompt kind of objects that were found when nobody asked for one in particular."""


@dataclass(frozen=True)
class ObjectRow:
    """An object and where it comes from.

    Parameters
    ----------
    label
        Its value in the label array.
    prompt_kind
        For example "points", "box", "points+box", `EVERYTHING` or `BY_HAND`.
    area
        Pixels that it owns.
    extent
        A box of the label array, of all of its axes, which holds all its pixels. It
        may be larger than need be where pixels were taken away.
    predicted_iou, stability_score
        Of the mask that was accepted; None for what was drawn by hand.
    model_name
        The model that answered.
    created
        Time in ISO 8601.
    points_yx, point_labels, boxes_yxyx
        The prompts, see `tilesam.types.Prompts`.
    """

    label: int
    prompt_kind: str
    area: int
    extent: Extent
    predicted_iou: float | None = None
    stability_score: float | None = None
    model_name: str = ""
    created: str = ""
    points_yx: tuple[tuple[float, float], ...] = ()
    point_labels: tuple[int, ...] = ()
    boxes_yxyx: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns; the first one of several."""
        return tuple(start for start, _ in self.extent[:-2])

    def to_plain(self) -> dict[str, Any]:
        """Return the row as plain JSON."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> ObjectRow:
        """Return what `to_plain` made plain.

        Raises
        ------
        TypeError, ValueError
            If something is missing or of another kind.
        """
        rows = ("extent", "points_yx", "boxes_yxyx")
        tuples: dict[str, Any] = {name: tuple(map(tuple, plain[name])) for name in rows}
        tuples["point_labels"] = tuple(plain["point_labels"])
        return cls(**{**plain, **tuples})


class ObjectRows:
    """The rows of all objects of a label array; changed by edits, see `EditHistory`.

    Parameters
    ----------
    rows
        To begin with.
    foreign_highest
        Highest label that the array holds of objects without a row, 0 if there are
        none; see `tilesam.annotation.scanning.highest_label`.
    """

    def __init__(
        self, rows: Iterable[ObjectRow] = (), *, foreign_highest: int = 0
    ) -> None:
        self._rows = {row.label: row for row in rows}
        self.foreign_highest = foreign_highest

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[ObjectRow]:
        """Yield rows in the order of their labels."""
        return iter([self._rows[label] for label in sorted(self._rows)])

    def __contains__(self, label: object) -> bool:
        return label in self._rows

    def get(self, label: int) -> ObjectRow | None:
        """Return the row of a label; None if it is not that of an object with one."""
        return self._rows.get(label)

    @property
    def highest(self) -> int:
        """The highest label in use, 0 if there is none."""
        return max(self.foreign_highest, max(self._rows, default=0))

    @property
    def next_label(self) -> int:
        """What the next object will be called: never a label in use, never 0."""
        return self.highest + 1

    def require_fit(
        self, changes: Mapping[int, tuple[ObjectRow | None, ObjectRow | None]]
    ) -> None:
        """Make sure that the rows before some changes are the rows that are there.

        Raises
        ------
        AnnotationError
            If not: the changes were planned when the objects were others.
        """
        for label, (before, _) in changes.items():
            if self._rows.get(label) != before:
                raise AnnotationError(
                    f"the edit expects object {label} as it was earlier, and it has "
                    "changed since; make the edit anew and apply it before others"
                )

    def apply(
        self, changes: Mapping[int, tuple[ObjectRow | None, ObjectRow | None]]
    ) -> None:
        """Put the second of each two rows in the place of the first; None is no row.

        Raises
        ------
        AnnotationError
            See `require_fit`; then nothing is changed.
        """
        self.require_fit(changes)
        for label, (_, after) in changes.items():
            if after is None:
                self._rows.pop(label, None)
            else:
                self._rows[label] = after

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return (n,) arrays by name, for tables elsewhere; unknown scores are NaN."""
        rows = list(self)
        scores = ("predicted_iou", "stability_score")
        columns = {
            name: np.array([getattr(row, name) for row in rows], dtype=dtype)
            for name, dtype in _COLUMNS.items()
            if name not in scores
        }
        for name in scores:
            values = [getattr(row, name) for row in rows]
            columns[name] = np.array(
                [np.nan if value is None else value for value in values], np.float64
            )
        return {name: columns[name] for name in _COLUMNS}


_COLUMNS: dict[str, Any] = {
    "label": np.int64,
    "prompt_kind": np.str_,
    "predicted_iou": np.float64,
    "stability_score": np.float64,
    "area": np.int64,
    "model_name": np.str_,
    "created": np.str_,
}
