"""Objects with their masks, as a session's file keeps them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation.pieces import Piece, split_labels
from tilesam.annotation.rows import ObjectRow, ObjectRows
from tilesam.annotation.scanning import blocks_of, whole_extent
from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tilesam.annotation.targets import LabelTarget


@dataclass(frozen=True)
class StoredObject:
    """An object and the pixels that it has.

    Parameters
    ----------
    label
        Its value in the label array.
    row
        What is known of it; None of a foreign one.
    pieces
        Its pixels; none if the labels have a file of their own.
    """

    label: int
    row: ObjectRow | None
    pieces: tuple[Piece, ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return the object as plain JSON."""
        return {
            "label": self.label,
            "row": None if self.row is None else self.row.to_plain(),
            "pieces": [piece.to_plain() for piece in self.pieces],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> StoredObject:
        """Return what `to_plain` made plain.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing or of another kind.
        """
        row = plain["row"]
        return cls(
            label=int(plain["label"]),
            row=None if row is None else ObjectRow.from_plain(row),
            pieces=tuple(Piece.from_plain(piece) for piece in plain["pieces"]),
        )


def collect_objects(target: LabelTarget, rows: ObjectRows) -> tuple[StoredObject, ...]:
    """Return all objects of labels in memory, with and without rows, and their masks.

    The array is read as a whole, block by block: labels that are too large for that
    are kept in a zarr array of their own, see `objects_without_masks`.
    """
    pieces: defaultdict[int, list[Piece]] = defaultdict(list)
    for block in blocks_of(whole_extent(target.shape)):
        plane = tuple(part.start for part in block[:-2])
        origin_yx = (block[-2].start, block[-1].start)
        labels = target.read(block)
        labels = labels.reshape(labels.shape[-2:])
        for label, piece in split_labels(labels, plane, origin_yx):
            pieces[label].append(piece)
    known = {row.label for row in rows}
    return tuple(
        StoredObject(label, rows.get(label), tuple(pieces.get(label, ())))
        for label in sorted(known | pieces.keys())
    )


def objects_without_masks(rows: ObjectRows) -> tuple[StoredObject, ...]:
    """Return all objects with rows; their masks are in a file of labels."""
    return tuple(StoredObject(row.label, row) for row in rows)


def paint_objects(objects: Iterable[StoredObject], target: LabelTarget) -> None:
    """Write the masks of objects into labels, and nothing else.

    Raises
    ------
    ValueError
        If a mask cannot be unpacked.
    AnnotationError
        If one does not lie within the labels.
    """
    for stored in objects:
        for piece in stored.pieces:
            _require_inside(piece, target.shape)
            indices = piece.indices()
            values = np.full(len(indices[0]), stored.label, target.dtype)
            target.write(indices, values)


def _require_inside(piece: Piece, shape: tuple[int, ...]) -> None:
    stops = (y + h for y, h in zip(piece.offset_yx, piece.hw, strict=True))
    ends = (*(at + 1 for at in piece.plane), *stops)
    is_inside = len(ends) == len(shape) and all(
        end <= length for end, length in zip(ends, shape, strict=True)
    )
    if not is_inside or min((*piece.plane, *piece.offset_yx)) < 0:
        raise AnnotationError(
            f"a mask ends at {ends} and the labels have shape {shape}; expected it "
            "within them; open the image that the session is of"
        )
