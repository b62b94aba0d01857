"""What the objects of label images look like: figures 5 and 6 of the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, FloatArray


class Shapes(NamedTuple):
    """One entry for each object of an image.

    Parameters
    ----------
    relative_size
        (n,) square root of the object's area over the image's, in [0, 1].
    concavity
        (n,) one minus the object's area over that of its convex hull, in [0, 1].
    center_yx
        (n, 2) middle of its pixels, in sides of the image.
    """

    relative_size: FloatArray
    concavity: FloatArray
    center_yx: FloatArray


def measure_shapes(masks: RunMasks, image_hw: tuple[int, int]) -> Shapes:
    """Return the shapes of the objects of one image, none of them empty.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", section 5: mask sizes, concavity and the
    distribution of centres.
    """
    height, width = image_hw
    sizes = np.sqrt(masks.areas / (height * width))
    concavities = [concavity(masks.crop(i)[0]) for i in range(len(masks))]
    centers = (masks.centroids_yx + 0.5) / np.array([height, width])
    return Shapes(sizes, np.array(concavities, np.float64), centers)


def concavity(mask: BoolArray) -> float:
    """Return which share of its convex hull an object does not fill.

    Parameters
    ----------
    mask
        (h, w) bool, not empty. Pixels are squares, so that a rectangle has 0.
    """
    from shapely import MultiPoint

    rows = np.flatnonzero(mask.any(axis=1))
    first = mask.argmax(axis=1)[rows]
    past = mask.shape[1] - mask[:, ::-1].argmax(axis=1)[rows]
    corners = [
        np.stack([rows + dy, column], axis=1)
        for dy in (0, 1)
        for column in (first, past)
    ]
    hull = MultiPoint(np.concatenate(corners)).convex_hull.area
    return float(max(1 - mask.sum() / hull, 0.0))
