"""Seeds to masks: random walker, watershed and flood, three attempts each.

Each method takes the colours of an image and what was marked in it, and returns its
first choice and two others, as a model does.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from tilesam.types import BoolArray, FloatArray

OBJECT, GROUND = 1, 2
"""Values of marks; 0 is unmarked."""

Method: TypeAlias = "Callable[[FloatArray, NDArray[np.int64]], list[BoolArray]]"

BETA = 500.0
"""How hard the walker finds it to cross an edge."""

PROBABILITIES = (0.5, 0.25, 0.75)
SMOOTHINGS = (1.0, 2.0, 4.0)
TOLERANCES = (0.1, 0.05, 0.2)


def random_walk(colors: FloatArray, marks: NDArray[np.int64]) -> list[BoolArray]:
    """Return where a random walker meets the object first, at three probabilities.

    Parameters
    ----------
    colors
        (H, W, 3) in [0, 1].
    marks
        (H, W), see `OBJECT`; both kinds are there.

    Notes
    -----
    Grady 2006, "Random Walks for Image Segmentation".
    """
    from skimage.segmentation import random_walker

    if not (marks == 0).any():
        return [marks == OBJECT] * len(PROBABILITIES)
    with warnings.catch_warnings():
        # Rounding may give 1.0001; the cuts are far from it.
        warnings.filterwarnings("ignore", message="The probability range is outside")
        chances = random_walker(
            colors, marks, beta=BETA, mode="bf", channel_axis=-1, return_full_prob=True
        )
    return [chances[0] > cut for cut in PROBABILITIES]


def flood_basins(colors: FloatArray, marks: NDArray[np.int64]) -> list[BoolArray]:
    """Return the object's basins of the gradient, at three smoothings.

    Parameters
    ----------
    colors
        (H, W, 3) in [0, 1].
    marks
        (H, W), see `OBJECT`; both kinds are there.
    """
    from skimage.segmentation import watershed

    return [
        watershed(edges, marks) == OBJECT  # type: ignore[no-untyped-call]
        for edges in (gradient(colors, smoothing) for smoothing in SMOOTHINGS)
    ]


def flood_colors(colors: FloatArray, marks: NDArray[np.int64]) -> list[BoolArray]:
    """Return what is connected with a mark of the object and of its colour.

    Parameters
    ----------
    colors
        (H, W, 3) in [0, 1].
    marks
        (H, W), see `OBJECT`. Floods do not pass over marks of the ground. Those that do
        not touch the border flood too, and take away what they reach.
    """
    smooth = ndimage.gaussian_filter(colors, (1, 1, 0))
    is_ground = marks == GROUND
    seeds = _parts(marks == OBJECT)
    others = [part for part in _parts(is_ground) if not _touches_border(part)]
    found = []
    for tolerance in TOLERANCES:
        own = [_flood(smooth, seed, ~is_ground, tolerance) for seed in seeds]
        taken = [_flood(smooth, other, marks != OBJECT, tolerance) for other in others]
        found.append(np.any(own, axis=0) & ~np.any([*taken, is_ground], axis=0))
    return found


METHODS: Mapping[str, Method] = {
    "random-walker": random_walk,
    "watershed": flood_basins,
    "flood": flood_colors,
}
"""By the name that `--model` takes."""


def gradient(colors: FloatArray, smoothing: float) -> FloatArray:
    """Return the largest gradient of the three colours, (H, W)."""
    found = ndimage.gaussian_gradient_magnitude(
        colors[..., 0], smoothing, mode="nearest"
    )
    for channel in (1, 2):
        other = ndimage.gaussian_gradient_magnitude(
            colors[..., channel], smoothing, mode="nearest"
        )
        found = np.maximum(found, other)
    return np.asarray(found, np.float64)


def contrast(mask: BoolArray, edges: FloatArray) -> float:
    """Return how strong the edges on the border of a mask are, 0 for none.

    Parameters
    ----------
    mask
        (H, W).
    edges
        (H, W) from `gradient`, of the same image.
    """
    border = mask ^ ndimage.binary_erosion(mask, border_value=1)
    if not border.any():
        return 0.0
    return float(edges[border].mean() / max(float(edges.max()), 1e-12))


def _flood(
    colors: FloatArray, seed: BoolArray, is_free: BoolArray, tolerance: float
) -> BoolArray:
    """Return what a flood from a seed reaches, within a range of its colours."""
    low, high = colors[seed].min(axis=0), colors[seed].max(axis=0)
    off = np.maximum(low - colors, colors - high).max(axis=-1)
    numbers, count = ndimage.label(((off <= tolerance) & is_free) | seed)
    is_met = np.zeros(count + 1, np.bool_)
    is_met[numbers[seed]] = True
    met: BoolArray = is_met[numbers]
    return met


def _parts(mask: BoolArray) -> list[BoolArray]:
    numbers, count = ndimage.label(mask)
    return [numbers == number for number in range(1, count + 1)]


def _touches_border(mask: BoolArray) -> bool:
    return bool(
        mask[[0, -1]].any() or mask[:, [0, -1]].any()  # rows, then columns
    )
