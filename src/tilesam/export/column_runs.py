"""Run lengths down the columns of the image, COCO's, of many masks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.export.corners import corners_of
from tilesam.masks.ranges import concatenated_ranges

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import IntArray


def column_runs_of(
    masks: RunMasks, image_hw: tuple[int, int]
) -> tuple[IntArray, IntArray]:
    """Return what `tilesam.masks.rle.encode_rle` returns for each mask, in one array.

    Parameters
    ----------
    masks
        N masks within the image. None of them is unpacked: what is made follows the
        length of their edges.
    image_hw
        Height and width of the image.

    Returns
    -------
    tuple
        Run lengths of background and foreground in turn, mask after mask, and (N + 1,)
        where those of each begin.
    """
    height, width = image_hw
    mask, positions = _changes(masks, height)
    # Every mask begins with background at 0 and ends behind the last pixel.
    every = np.arange(len(masks))
    mask = np.concatenate([every, mask, every])
    positions = np.concatenate(
        [np.zeros(len(masks), np.int64), positions,
         np.full(len(masks), height * width)]
    )  # fmt: skip
    order = np.argsort(mask, kind="stable")
    mask, positions = mask[order], positions[order]
    is_run = mask[1:] == mask[:-1]
    counts = np.diff(positions)[is_run]
    owner = mask[1:][is_run]
    # A mask that ends with the image has no background after it.
    is_last = np.append(owner[1:] != owner[:-1], True)[: len(owner)]
    is_first = np.roll(is_last, 1)
    kept = (counts > 0) | is_first
    offsets = np.searchsorted(owner[kept], np.arange(len(masks) + 1))
    return counts[kept], offsets


def _changes(masks: RunMasks, height: int) -> tuple[IntArray, IntArray]:
    """Return the masks and the positions, column by column, where pixels change."""
    corners = corners_of(masks)
    # Below and above a horizontal edge every column changes.
    starts, lengths = corners.x[::2], corners.x[1::2] - corners.x[::2]
    x = concatenated_ranges(starts, lengths)
    y = np.repeat(corners.y[::2], lengths)
    mask = np.repeat(corners.mask[::2], lengths)
    positions = x * height + y
    order = np.lexsort((positions, mask))
    mask, positions = mask[order], positions[order]
    # What ends with a column goes on with the next one: nothing changes there.
    is_joint = np.zeros(len(mask), np.bool_)
    is_joint[1:] = (mask[1:] == mask[:-1]) & (positions[1:] == positions[:-1])
    is_joint[:-1] |= is_joint[1:]
    return mask[~is_joint], positions[~is_joint]
