"""A picture for people: the image with all its objects tinted and outlined."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tilesam.export.colors import color_of
from tilesam.export.overlay import TINT, shown_hw
from tilesam.types import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.everything.segmentation import Segmentation
    from tilesam.image import ImageSource
    from tilesam.types import UInt8Array

SMALLEST_SIDE = 1024
"""Longest side of a picture; a smaller image is enlarged by a whole number."""

ROWS_AT_ONCE = 64
"""Of the picture; the labels of a huge image never exist as a whole."""


def draw_segmentation(
    segmentation: Segmentation, source: ImageSource, region: Window | None = None
) -> Image.Image:
    """Draw an image, each object in a color of its own.

    Parameters
    ----------
    segmentation
        What was found in it.
    source
        The image.
    region
        The part to show; by default all of it.

    Returns
    -------
    Image
        RGB, at most 2,048 pixels a side. Of a large image a pixel shows the label in
        the middle of what it stands for.
    """
    region = region or Window(0, 0, *segmentation.image_hw)
    hw = shown_hw(region)
    pixels = source.read_resampled(region, hw)
    labels = _sampled_labels(segmentation, region, hw)
    factor = max(1, SMALLEST_SIDE // max(hw))
    if factor > 1:
        pixels = pixels.repeat(factor, 0).repeat(factor, 1)
        labels = labels.repeat(factor, 0).repeat(factor, 1)
    return Image.fromarray(_tinted(pixels, labels))


def _sampled_labels(
    segmentation: Segmentation, region: Window, hw: tuple[int, int]
) -> NDArray[np.uint32]:
    """Return the labels under the centres of a picture's pixels."""
    rows = region.y0 + (2 * np.arange(hw[0]) + 1) * region.height // (2 * hw[0])
    columns = (2 * np.arange(hw[1]) + 1) * region.width // (2 * hw[1])
    labels = np.zeros(hw, np.uint32)
    for start in range(0, hw[0], ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        y0, y1 = int(some[0]), int(some[-1]) + 1
        strip = segmentation.labels((y0, region.x0, y1, region.x0 + region.width))
        labels[start : start + ROWS_AT_ONCE] = strip[np.ix_(some - y0, columns)]
    return labels


def _tinted(pixels: UInt8Array, labels: NDArray[np.uint32]) -> UInt8Array:
    values, place = np.unique(labels, return_inverse=True)
    colors = np.array([color_of(int(value))[:3] for value in values], np.float32)
    color = colors[place.reshape(labels.shape)]
    is_object = (labels > 0)[..., np.newaxis]
    is_edge = (_is_edge(labels) & (labels > 0))[..., np.newaxis]
    tinted = np.where(is_object, pixels + (color - pixels) * TINT, pixels)
    return np.rint(np.where(is_edge, color, tinted)).astype(np.uint8)


def _is_edge(labels: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which pixels have a neighbour of another label."""
    is_edge = np.zeros(labels.shape, np.bool_)
    down, right = labels[1:] != labels[:-1], labels[:, 1:] != labels[:, :-1]
    is_edge[1:] |= down
    is_edge[:-1] |= down
    is_edge[:, 1:] |= right
    is_edge[:, :-1] |= right
    return is_edge
