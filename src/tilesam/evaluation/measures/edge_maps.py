"""Edges of masks and of labels: strength from 0 to 1, and thin lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tilesam.types import BoolArray, Float32Array

CUT = 0.5
"""Probability above which a pixel is in the mask."""

MARGIN = 2
"""Pixels around a mask: the border reaches one beyond it, the gradient another one."""


def edge_strength(
    probabilities: Iterable[Float32Array], image_hw: tuple[int, int]
) -> Float32Array:
    """Return the strongest edge of all masks at every pixel.

    Parameters
    ----------
    probabilities
        (H, W) in [0, 1], one for each mask.
    image_hw
        Height and width.

    Returns
    -------
    Float32Array
        (H, W) in [0, 1]: Sobel's gradient of each map on the border of its mask, one
        pixel to either side; the maximum over masks, divided by the largest value.

    Notes
    -----
    Kirillov et al. 2023, "Segment Anything", appendix D.2.
    """
    strongest = np.zeros(image_hw, np.float32)
    for map_ in probabilities:
        mask = map_ > CUT
        if not mask.any():
            continue
        part = _around(mask)
        gradient = np.hypot(*(ndimage.sobel(map_[part], axis) for axis in (0, 1)))
        border = _border(mask[part])
        np.maximum(strongest[part], np.where(border, gradient, 0), out=strongest[part])
    top = float(strongest.max(initial=0.0))
    return strongest / np.float32(top) if top > 0 else strongest


def _around(mask: BoolArray) -> tuple[slice, slice]:
    """Return the rows and columns of a mask and of what its border depends on."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (
        slice(max(int(rows[0]) - MARGIN, 0), int(rows[-1]) + 1 + MARGIN),
        slice(max(int(columns[0]) - MARGIN, 0), int(columns[-1]) + 1 + MARGIN),
    )


def _border(mask: BoolArray) -> BoolArray:
    border: BoolArray = ndimage.binary_dilation(mask) & ~ndimage.binary_erosion(
        mask, border_value=1
    )
    return border


def thin_edges(strength: Float32Array, *, smoothing: float = 1.0) -> Float32Array:
    """Return edge strength at ridges, and 0 beside them.

    Parameters
    ----------
    strength
        (H, W).
    smoothing
        Standard deviation in pixels of what the direction of an edge is measured on.

    Returns
    -------
    Float32Array
        (H, W): a pixel keeps its value if it is at least that of both points one pixel
        away across the edge, and more than one of them.

    Notes
    -----
    Canny 1986, "A Computational Approach to Edge Detection".
    """
    padded = np.pad(np.asarray(strength, np.float64), 1, mode="edge")
    across_y, across_x = _across(padded, smoothing)
    rows, columns = np.mgrid[: padded.shape[0], : padded.shape[1]]
    before, after = (
        ndimage.map_coordinates(
            padded,
            [rows + sign * across_y, columns + sign * across_x],
            order=1,
            mode="nearest",
        )
        for sign in (-1, 1)
    )
    is_ridge = (padded >= before) & (padded >= after)
    is_ridge &= (padded > before) | (padded > after)
    thin: Float32Array = np.where(is_ridge, padded, 0)[1:-1, 1:-1].astype(np.float32)
    return thin


def _across(
    strength: NDArray[np.float64], smoothing: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return unit steps across edges: along the strongest second derivative."""
    smooth = ndimage.gaussian_filter(strength, smoothing)
    dy, dx = np.gradient(smooth)
    dyy, dyx = np.gradient(dy)
    _, dxx = np.gradient(dx)
    # The eigenvector of the Hessian with the most negative eigenvalue.
    angle = 0.5 * np.arctan2(2 * dyx, dyy - dxx)
    along = dyy * np.cos(angle) ** 2 + dxx * np.sin(angle) ** 2
    along += dyx * np.sin(2 * angle)
    angle = np.where(along <= dyy + dxx - along, angle, angle + np.pi / 2)
    return np.cos(angle), np.sin(angle)


def label_boundaries(labels: NDArray[np.integer]) -> BoolArray:
    """Return the pixels whose right or lower neighbour has another label."""
    is_edge = np.zeros(labels.shape, np.bool_)
    is_edge[:-1] |= labels[:-1] != labels[1:]
    is_edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return is_edge
