"""The part of an image that the viewer shows."""

from __future__ import annotations

import numpy as np
from napari.layers import Image

from tilesam.types import Window


def shown_region(image: Image, image_hw: tuple[int, int]) -> Window | None:
    """Return the pixels of an image layer that are on the canvas.

    Parameters
    ----------
    image
        In a viewer that shows one plane of it.
    image_hw
        Height and width of the plane.

    Returns
    -------
    Window or None
        The rectangle around them, in pixels of level 0; None if there is none.
    """
    corners = np.asarray(image.corner_pixels, np.float64)[:, -2:]
    if image.multiscale:
        corners = corners * image.downsample_factors[image.data_level][-2:]
    low = np.clip(np.floor(corners[0]), 0, image_hw).astype(int)
    high = np.clip(np.ceil(corners[1]) + 1, 0, image_hw).astype(int)
    if (high <= low).any():
        return None
    (y0, x0), (height, width) = low.tolist(), (high - low).tolist()
    return Window(y0, x0, height, width)
