"""Masks as run lengths, as COCO defines them.

Runs go down the columns and alternate between background and foreground, the first
being background and perhaps of length 0. The compressed form is the text that
pycocotools writes: differences to the run before the last one, in groups of five bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import BoolArray, IntArray

_BITS, _MORE, _SIGN, _ASCII_ZERO = 5, 0x20, 0x10, 48
_MAX_CHARACTERS = 13
"""Enough groups of five bits for any 64-bit number."""

_PIXELS_AT_ONCE = 2**22
"""A mask may be nearly as large as the image; so much of it is looked at in one go."""


def encode_rle(
    mask: BoolArray,
    *,
    offset_yx: tuple[int, int] = (0, 0),
    image_hw: tuple[int, int] | None = None,
) -> IntArray:
    """Return the run lengths of a mask, or of an image of which it is a crop.

    Parameters
    ----------
    mask
        (h, w) bool.
    offset_yx
        Position of the crop's first pixel in the image.
    image_hw
        Size of the image; by default the crop is the image. No array of this size is
        made.

    Returns
    -------
    IntArray
        (n,) int64, column-major, sum H * W.

    Raises
    ------
    ValueError
        If the crop does not lie within the image.
    """
    height, width = mask.shape if image_hw is None else image_hw
    y, x = offset_yx
    if min(y, x) < 0 or y + mask.shape[0] > height or x + mask.shape[1] > width:
        raise ValueError(
            f"a crop of {mask.shape} at {offset_yx} is not within {height} x {width}"
        )
    starts, ends = _column_runs(mask)
    if len(starts[0]) == 0:
        return np.array([height * width], np.int64)
    # Full columns touch the next one: there a run goes on.
    first, after = ((x + c) * height + y + r for c, r in (starts, ends))
    is_joint = after[:-1] == first[1:]
    first, after = first[np.r_[True, ~is_joint]], after[np.r_[~is_joint, True]]
    edges = np.stack([first, after], axis=1).ravel()
    counts = np.diff(np.concatenate([[0], edges, [height * width]]))
    return counts[:-1] if counts[-1] == 0 else counts


def _column_runs(
    mask: BoolArray,
) -> tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]:
    """Return (column, row) of the first pixels of runs and of those after the last."""
    height, width = mask.shape
    columns_at_once = max(1, _PIXELS_AT_ONCE // (height + 1))
    edges = [np.empty((2, 0), np.int64)]
    for first in range(0, width, columns_at_once):
        block = mask[:, first : first + columns_at_once].T
        padded = np.zeros((len(block), height + 2), np.bool_)
        padded[:, 1:-1] = block
        columns, rows = np.nonzero(padded[:, 1:] != padded[:, :-1])
        edges.append(np.stack([columns + first, rows]))
    # Background stands around every column, so that starts and ends alternate.
    columns, rows = np.concatenate(edges, axis=1)
    return (columns[::2], rows[::2]), (columns[1::2], rows[1::2])


def decode_rle(counts: IntArray, image_hw: tuple[int, int]) -> BoolArray:
    """Return the (H, W) bool mask of run lengths.

    Raises
    ------
    ValueError
        If the run lengths are negative or do not add up to the image.
    """
    counts = np.asarray(counts, np.int64)
    height, width = image_hw
    if counts.sum() != height * width or (counts < 0).any():
        raise ValueError(
            f"run lengths add up to {counts.sum()}; expected {height * width} for an "
            f"image of {height} x {width}, none of them negative"
        )
    is_foreground = np.arange(len(counts)) % 2 == 1
    flat = np.repeat(is_foreground, counts)
    return flat.reshape(width, height).T


def compress_counts(counts: IntArray) -> str:
    """Return run lengths as the text that pycocotools calls `counts`."""
    values = np.array(counts, np.int64)
    values[3:] -= np.asarray(counts, np.int64)[1:-2]
    characters = np.empty((len(values), _MAX_CHARACTERS), np.uint8)
    is_used = np.zeros(characters.shape, np.bool_)
    is_open = np.ones(len(values), np.bool_)
    for place in range(_MAX_CHARACTERS):
        group = values & (_MORE - 1)
        values >>= _BITS
        # The last group's high bit is the sign: it must agree with what is left.
        has_more = values != np.where(group & _SIGN, -1, 0)
        characters[:, place] = group + _ASCII_ZERO + _MORE * has_more
        is_used[:, place] = is_open
        is_open = is_open & has_more
        if not is_open.any():
            break
    return characters[is_used].tobytes().decode("ascii")


def decompress_counts(text: str) -> IntArray:
    """Return the run lengths that `compress_counts` made a text of.

    Raises
    ------
    ValueError
        If the text is cut off or holds other characters.
    """
    groups = np.frombuffer(text.encode("ascii"), np.uint8).astype(np.int64)
    groups -= _ASCII_ZERO
    is_last = (groups & _MORE) == 0
    if len(groups) == 0 or not is_last[-1] or groups.min() < 0 or groups.max() >= 64:
        raise ValueError("the text is no compressed run lengths, or was cut off")
    firsts = np.flatnonzero(np.r_[True, is_last[:-1]])
    places = np.arange(len(groups)) - np.repeat(firsts, np.diff([*firsts, len(groups)]))
    values = np.add.reduceat((groups & (_MORE - 1)) << (_BITS * places), firsts)
    is_negative = (groups[is_last] & _SIGN) != 0
    values -= is_negative.astype(np.int64) << (_BITS * (places[is_last] + 1))
    # Undo the differences: odd runs add up, and even ones, but for the very first.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return values
