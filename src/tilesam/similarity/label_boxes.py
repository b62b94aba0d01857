"""Where the objects of one plane of labels are, looked through once and block by block.

After an edit only the blocks that it touched are looked at again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from tilesam.annotation.edits import stretches
from tilesam.annotation.scanning import BLOCK_SIDE, blocks_of, is_blank, whole_extent
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tilesam.annotation.edits import PixelChange
    from tilesam.annotation.targets import LabelTarget
    from tilesam.masks.run_masks import Extent
    from tilesam.types import IntArray

Block: TypeAlias = tuple[slice, ...]
BlockName: TypeAlias = tuple[int, int]
"""Its position among blocks, from the upper left corner of the plane."""


class LabelBoxes(NamedTuple):
    """All objects of a plane.

    Parameters
    ----------
    labels
        (N,) int64, ascending.
    extents_yxyx
        (N, 4) int64, smallest rectangle of pixels around each: the first and one past
        the last.
    """

    labels: IntArray
    extents_yxyx: IntArray


class PlaneScan:
    """The objects of one plane of a label array.

    Parameters
    ----------
    target
        The labels.
    plane
        Position along the axes before rows and columns.
    """

    def __init__(self, target: LabelTarget, plane: tuple[int, ...] = ()) -> None:
        self.target, self.plane = target, plane
        self._found: dict[BlockName, LabelBoxes] = {}
        self._boxes: LabelBoxes | None = None

    def read(self, extent: Extent) -> Iterator[tuple[IntArray, tuple[int, int]]]:
        """Yield the labels of a rectangle, block by block, and where each begins."""
        y0, x0, y1, x1 = extent
        planes = tuple((at, at + 1) for at in self.plane)
        for block in blocks_of((*planes, (y0, y1), (x0, x1))):
            labels = self.target.read(block)
            yield (
                labels.reshape(labels.shape[-2:]),
                (block[-2].start, block[-1].start),
            )

    def missing(self) -> list[Block]:
        """Return the blocks that have to be looked at, see `look_at`."""
        if is_blank(getattr(self.target, "array", self.target)):
            return []
        planes = tuple((at, at + 1) for at in self.plane)
        extent = (*planes, *whole_extent(self.target.shape[-2:]))
        return [block for block in blocks_of(extent) if _name(block) not in self._found]

    def look_at(self, block: Block) -> None:
        """Note the objects of a block."""
        self._boxes = None
        labels = self.target.read(block)
        labels = labels.reshape(labels.shape[-2:])
        if not labels.any():
            self._found[_name(block)] = _NONE
            return
        masks, names = RunMasks.from_labels(labels, (block[-2].start, block[-1].start))
        self._found[_name(block)] = LabelBoxes(
            names.astype(np.int64), masks.extents_yxyx
        )

    def forget(self, blocks: Iterable[BlockName]) -> None:
        """Forget blocks in which pixels have changed, so that they are missing."""
        for name in blocks:
            self._found.pop(name, None)
        self._boxes = None

    @property
    def boxes(self) -> LabelBoxes:
        """The objects of all blocks that were looked at."""
        if self._boxes is None:
            self._boxes = _joined(list(self._found.values()))
        return self._boxes


_NONE = LabelBoxes(np.zeros(0, np.int64), np.zeros((0, 4), np.int64))


def touched(
    changes: Iterable[PixelChange], plane: tuple[int, ...]
) -> tuple[set[int], set[BlockName]]:
    """Return which labels got or lost pixels of a plane, and in which blocks."""
    labels: set[int] = set()
    blocks: set[BlockName] = set()
    for change in changes:
        *planes, y, x = change.indices
        values: list[IntArray] = [change.before, change.after]
        if planes:
            at = np.array(plane)[:, np.newaxis]
            is_here = (np.array(planes) == at).all(axis=0)
            values = [part[is_here] for part in values]
            y, x = y[is_here], x[is_here]
        for part in values:
            # Pixels of an edit lie column by column: runs are far fewer.
            labels.update(np.unique(stretches(part)[0]).tolist())
        names, _ = stretches((y // BLOCK_SIDE << 32) + x // BLOCK_SIDE)
        blocks |= {
            (name >> 32, name & 0xFFFFFFFF) for name in np.unique(names).tolist()
        }
    return labels, blocks


def _name(block: Block) -> BlockName:
    return block[-2].start // BLOCK_SIDE, block[-1].start // BLOCK_SIDE


def _joined(found: list[LabelBoxes]) -> LabelBoxes:
    """Return boxes around what several blocks have of each object."""
    if not found:
        return _NONE
    names = np.concatenate([boxes.labels for boxes in found])
    extents = np.concatenate([boxes.extents_yxyx for boxes in found])
    labels, place = np.unique(names, return_inverse=True)
    joined = np.empty((len(labels), 4), np.int64)
    joined[:, :2], joined[:, 2:] = np.iinfo(np.int64).max, -1
    for axis in range(4):
        around = np.minimum if axis < 2 else np.maximum
        around.at(joined[:, axis], place, extents[:, axis])
    return LabelBoxes(labels, joined)
