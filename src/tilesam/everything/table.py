"""What is known of every object: one row each, in columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import EverythingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tilesam.types import (
        BoolArray,
        Float32Array,
        FloatArray,
        IntArray,
        UInt8Array,
    )

MOST_LABELS = 2**32 - 1


class Status(IntEnum):
    """What became of a mask."""

    KEPT = 0
    """It owns pixels of the label image."""
    COVERED = 1
    """Other masks own its pixels, or so many that only a rim would be left."""
    DUPLICATE = 2
    """Another window or level has the same object."""
    FRAGMENT = 3
    """An edge of its window cuts it, and a whole one contains it or nobody goes on."""


@dataclass(frozen=True, eq=False)
class ObjectTable:
    """Columns of one length N, a row for every mask that passed the thresholds.

    Parameters
    ----------
    label
        (N,) uint32, ascending. Of what was segmented 1, 2, 3 ..., kept objects first;
        of labels that somebody drew what they are, with gaps.
    status
        (N,) uint8, see `Status`.
    area
        (N,) int64, pixels of the whole mask, whoever owns them.
    extents_yxyx
        (N, 4) int64, smallest rectangle around it: first pixels and one past the last.
    centroid_yx
        (N, 2) float64, mean of its pixels' centres.
    predicted_iou, stability_score
        (N,) float32. An object of several windows has those of its best piece.
    point_yx
        (N, 2) float64, the point that was asked.
    level
        (N,) int8, the level at which it was found.
    parent
        (N,) uint32, label of the smallest object that contains it; 0 if there is none.
    is_cut
        (N,) bool, whether an edge of a window cuts it and nothing goes on beyond.
    more
        (N,) numbers or text by name: what else is known, for files.
    """

    label: NDArray[np.uint32]
    status: UInt8Array
    area: IntArray
    extents_yxyx: IntArray
    centroid_yx: FloatArray
    predicted_iou: Float32Array
    stability_score: Float32Array
    point_yx: FloatArray
    level: NDArray[np.int8]
    parent: NDArray[np.uint32]
    is_cut: BoolArray
    more: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.label)

    @property
    def kept_count(self) -> int:
        """How many objects own pixels."""
        return int(np.count_nonzero(self.status == Status.KEPT))

    def children(self, label: int) -> NDArray[np.uint32]:
        """Return the labels of the objects whose parent has a label."""
        labels: NDArray[np.uint32] = self.label[self.parent == label]
        return labels

    def columns(self) -> dict[str, NDArray[Any]]:
        """Return (N,) arrays by name, for tables elsewhere."""
        y0, x0, y1, x1 = self.extents_yxyx.T
        return {
            "label": self.label,
            "status": self.status,
            "area": self.area,
            "y0": y0,
            "x0": x0,
            "y1": y1,
            "x1": x1,
            "centroid_y": self.centroid_yx[:, 0],
            "centroid_x": self.centroid_yx[:, 1],
            "predicted_iou": self.predicted_iou,
            "stability_score": self.stability_score,
            "point_y": self.point_yx[:, 0],
            "point_x": self.point_yx[:, 1],
            "level": self.level,
            "parent": self.parent,
            "is_cut": self.is_cut,
            **self.more,
        }


def require_label_count(count: int) -> None:
    """Make sure that so many objects can have labels of their own.

    Raises
    ------
    EverythingError
        If labels of 32 bits do not suffice.
    """
    if count > MOST_LABELS:
        raise EverythingError(
            f"there are {count} masks, and a label image of 32 bits has room for "
            f"{MOST_LABELS}; segment one region after the other, or raise the "
            "thresholds"
        )
