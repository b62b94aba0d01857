"""Edits as short texts: a line of the journal, and what a history keeps in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation.edits import Edit, PixelChange, stretches
from tilesam.annotation.pieces import Piece, split_planes
from tilesam.annotation.rows import ObjectRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class PackedEdit:
    """An edit as JSON; a nucleus of 700 pixels takes about 400 bytes.

    Parameters
    ----------
    text
        In one line.
    name
        Of the edit.
    """

    text: str
    name: str

    @property
    def nbytes(self) -> int:
        """Bytes of the text."""
        return len(self.text)

    def unpack(self) -> Edit:
        """Return the edit.

        Raises
        ------
        KeyError, TypeError, ValueError
            If the text was not made by `pack_edit`.
        """
        return edit_from_plain(json.loads(self.text))


def pack_edit(edit: Edit) -> PackedEdit:
    """Return an edit as text."""
    return PackedEdit(to_line(edit_to_plain(edit)), edit.name)


def to_line(plain: Mapping[str, Any]) -> str:
    """Return plain values as JSON in one line of ASCII."""
    return json.dumps(plain, separators=(",", ":"), allow_nan=False)


def edit_to_plain(edit: Edit) -> dict[str, Any]:
    """Return an edit as plain JSON."""
    return {
        "name": edit.name,
        "changes": [_change_to_plain(change) for change in edit.changes],
        "rows": [
            [int(label), *(None if row is None else row.to_plain() for row in both)]
            for label, both in edit.rows.items()
        ],
    }


def edit_from_plain(plain: Mapping[str, Any]) -> Edit:
    """Return what `edit_to_plain` made plain.

    Raises
    ------
    KeyError, TypeError, ValueError
        If something is missing or of another kind.
    """
    rows = {
        int(label): (_row_from_plain(before), _row_from_plain(after))
        for label, before, after in plain["rows"]
    }
    changes = tuple(_change_from_plain(change) for change in plain["changes"])
    return Edit(changes, rows, str(plain["name"]))


def _change_to_plain(change: PixelChange) -> dict[str, Any]:
    return {
        "dtype": change.before.dtype.name,
        "pieces": [
            {
                **piece.to_plain(),
                "before": _to_runs(change.before[part]),
                "after": _to_runs(change.after[part]),
            }
            for piece, part in split_planes(change.indices)
        ],
    }


def _change_from_plain(plain: Mapping[str, Any]) -> PixelChange:
    dtype = np.dtype(plain["dtype"])
    parts = [_piece_from_plain(piece, dtype) for piece in plain["pieces"]]
    if not parts:
        empty = np.empty(0, np.int64)
        return PixelChange((empty, empty), empty.astype(dtype), empty.astype(dtype))
    indices, before, after = zip(*parts, strict=True)
    joined = tuple(np.concatenate(axis) for axis in zip(*indices, strict=True))
    return PixelChange(joined, np.concatenate(before), np.concatenate(after))


def _piece_from_plain(plain: Mapping[str, Any], dtype: np.dtype[Any]) -> Any:
    indices = Piece.from_plain(plain).indices()
    both = (_from_runs(plain[name], dtype) for name in ("before", "after"))
    return indices, *both


def _row_from_plain(plain: Mapping[str, Any] | None) -> ObjectRow | None:
    return None if plain is None else ObjectRow.from_plain(plain)


def _to_runs(values: NDArray[Any]) -> list[list[int]]:
    """Return [value, count] for each stretch of equal values."""
    both = (part.tolist() for part in stretches(values))
    return [[value, count] for value, count in zip(*both, strict=True)]


def _from_runs(runs: list[list[int]], dtype: np.dtype[Any]) -> NDArray[Any]:
    values = np.array([value for value, _ in runs], dtype)
    return np.repeat(values, [count for _, count in runs])
