"""How sure a mean is: percentile bootstrap intervals over images.

Objects of one image are alike, so images are drawn, each with all of its objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from tilesam.types import FloatArray

DRAWS = 2000
CONFIDENCE = 0.95

FEWEST_IMAGES = 5
"""Fewer images give intervals that are much too narrow: better none."""


class Interval(NamedTuple):
    """A mean and where it may lie.

    Parameters
    ----------
    mean
        Of all values.
    low, high
        Ends of the interval; NaN where there are too few images to tell.
    """

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether all of the interval lies on one side of zero."""
        return self.low > 0 or self.high < 0


def drawn_means(
    values: ArrayLike, images: Sequence[str], *, seed: int = 0, draws: int = DRAWS
) -> FloatArray:
    """Return the means of samples of images, drawn with replacement.

    Parameters
    ----------
    values
        (n,) one for each object.
    images
        (n,) where each object is.
    seed
        Equal seeds draw equal samples, whatever the values are.
    draws
        How many samples.

    Returns
    -------
    FloatArray
        (draws,).
    """
    names, place = np.unique(np.array(images, dtype=np.str_), return_inverse=True)
    sums = np.bincount(place, weights=np.asarray(values, np.float64))
    counts = np.bincount(place)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(names), size=(draws, len(names)))
    means: FloatArray = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means


def mean_interval(
    values: ArrayLike, images: Sequence[str], *, seed: int = 0, draws: int = DRAWS
) -> Interval:
    """Return a mean over objects with its 95 % interval, see `drawn_means`.

    Of fewer than five images there is no interval.

    Raises
    ------
    ValueError
        If there are no values.
    """
    given = np.asarray(values, np.float64)
    if not given.size:
        raise ValueError("there are no values; a mean needs at least one")
    mean = float(given.mean())
    if len(set(images)) < FEWEST_IMAGES:
        return Interval(mean, float("nan"), float("nan"))
    return interval_of(mean, drawn_means(given, images, seed=seed, draws=draws))


def interval_of(mean: float, drawn: FloatArray, *, comparisons: int = 1) -> Interval:
    """Return the interval that 95 % of drawn means lie in.

    Parameters
    ----------
    mean
        Of what was drawn from.
    drawn
        (draws,).
    comparisons
        Of so many intervals all are to hold at once (Bonferroni), which makes each of
        them wider.
    """
    tail = 50 * (1 - CONFIDENCE) / max(comparisons, 1)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return Interval(mean, float(low), float(high))
