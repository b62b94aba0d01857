"""Small holes and islands of masks, which thresholding leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tilesam.types import BoolArray


def clean_mask(
    mask: BoolArray, min_area: float, *, at_edges: tuple[bool, bool, bool, bool]
) -> tuple[BoolArray, bool]:
    """Fill small holes of a mask, then remove small islands.

    Parameters
    ----------
    mask
        (h, w) bool crop; background stands around it.
    min_area
        In pixels: smaller holes are filled and smaller islands removed, but for the
        largest one. Regions that touch at a corner are one.
    at_edges
        Whether the crop begins or ends with the image: above, on the left, below, on
        the right. No background stands around it there.

    Returns
    -------
    BoolArray
        (h, w).
    bool
        Whether anything was changed.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", appendix B.
    """
    without_holes = ~_without_small(~mask, min_area, at_edges, is_background=True)
    cleaned = _without_small(without_holes, min_area, at_edges, is_background=False)
    return cleaned, bool((cleaned != mask).any())


def _without_small(
    regions: BoolArray,
    min_area: float,
    at_edges: tuple[bool, bool, bool, bool],
    *,
    is_background: bool,
) -> BoolArray:
    """Return the mask without its regions that have fewer pixels."""
    from scipy import ndimage

    above, left, below, right = (int(not at_edge) for at_edge in at_edges)
    # One line of what stands around the crop joins all background that reaches it.
    around = ((above, below), (left, right))
    padded = np.pad(regions, around, constant_values=is_background)
    numbers, count = ndimage.label(padded, np.ones((3, 3)))
    sizes = np.bincount(numbers.ravel(), minlength=count + 1)
    if is_background:
        sizes[_outside(numbers, around)] = np.iinfo(np.int64).max
    is_kept = sizes >= min_area
    is_kept[0] = False
    if count and not is_background and not is_kept.any():
        is_kept[1 + np.argmax(sizes[1:])] = True
    height, width = regions.shape
    kept: BoolArray = is_kept[numbers][above : above + height, left : left + width]
    return kept


def _outside(
    numbers: np.ndarray[tuple[int, ...], np.dtype[np.integer]],
    around: tuple[tuple[int, int], tuple[int, int]],
) -> list[int]:
    """Return the numbers of the background that goes on around the crop."""
    (above, below), (left, right) = around
    lines = [
        *([numbers[0]] if above else []),
        *([numbers[-1]] if below else []),
        *([numbers[:, 0]] if left else []),
        *([numbers[:, -1]] if right else []),
    ]
    return np.unique(np.concatenate(lines)).tolist() if lines else []
