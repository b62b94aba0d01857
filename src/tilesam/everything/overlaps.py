"""Who owns a pixel that several objects have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.masks.painting import paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.everything.settings import Overlap
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, Float32Array, IntArray


def order_of_painting(
    overlap: Overlap, areas: IntArray, predicted_iou: Float32Array
) -> IntArray:
    """Return objects from the bottom up: each owns its pixels before all earlier ones.

    Parameters
    ----------
    overlap
        Who comes last: the smallest, the largest, or the most confident.
    areas
        (N,) pixels of each object.
    predicted_iou
        (N,).

    Returns
    -------
    IntArray
        (N,) numbers of objects; of equal ones the first comes last.
    """
    key = {
        "smallest": -areas.astype(np.float64),
        "largest": areas.astype(np.float64),
        "most_confident": predicted_iou.astype(np.float64),
    }[overlap]
    later = np.arange(len(areas))[::-1]
    return later[np.argsort(key[later], kind="stable")]


def find_covered(
    masks: RunMasks,
    order: IntArray,
    pairs: IntArray,
    shared: IntArray,
    *,
    min_visible_share: float = 0.0,
) -> BoolArray:
    """Return which objects own no pixels, because those above have nearly all of them.

    Parameters
    ----------
    masks
        N objects.
    order
        (N,) from the bottom up.
    pairs, shared
        (P, 2) all pairs of objects that share pixels, and (P,) how many.
    min_visible_share
        An object that shows a smaller share of its pixels is covered too: what is left
        of it is the rim around another mask of the same thing.

    Returns
    -------
    BoolArray
        (N,); objects without a pixel are covered. What is covered covers nothing.
    """
    height = np.empty(len(masks), np.int64)
    height[order] = np.arange(len(masks))
    is_first_below = height[pairs[:, 0]] < height[pairs[:, 1]]
    below = np.where(is_first_below, pairs[:, 0], pairs[:, 1])
    above = np.where(is_first_below, pairs[:, 1], pairs[:, 0])
    taken = np.bincount(below, weights=shared, minlength=len(masks))
    # Those above may share pixels too, so that more is left than this; else it is sure.
    least = np.maximum(min_visible_share * masks.areas, 1)
    doubtful = np.flatnonzero(masks.areas - taken < least)
    is_covered: BoolArray = masks.areas == 0
    # From the top down, for it matters whether those above are there.
    from_the_top = doubtful[np.argsort(-height[doubtful])]
    for index, rivals in _groups(below, above, from_the_top):
        visible = _visible_area(masks, index, rivals[~is_covered[rivals]])
        is_covered[index] = visible < least[index]
    return is_covered


def _groups(
    below: IntArray, above: IntArray, wanted: IntArray
) -> Iterator[tuple[int, IntArray]]:
    """Yield each wanted object with those above that share pixels with it."""
    by_object = np.argsort(below, kind="stable")
    bounds = np.searchsorted(below[by_object], np.stack([wanted, wanted + 1]))
    for index, start, stop in zip(wanted.tolist(), *bounds, strict=True):
        yield index, above[by_object[start:stop]]


def _visible_area(masks: RunMasks, index: int, rivals: IntArray) -> int:
    """Return how many pixels of an object are left beside those above."""
    y0, x0, y1, x1 = masks.extents_yxyx[index].tolist()
    chosen = masks.take([index, *rivals])
    values = np.array([1] + [2] * len(rivals), np.uint8)
    canvas = paint(chosen, values, (y0, x0, y1, x1), np.uint8)
    return int(np.count_nonzero(canvas == 1))
