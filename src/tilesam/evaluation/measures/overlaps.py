"""How much the masks of two sets share, as a table of all pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from tilesam.masks.pairs import intersection_areas, overlapping_extents

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Shared pixels of N found and K true masks.

    Parameters
    ----------
    shared
        (N, K) int64.
    found_areas, true_areas
        (N,) and (K,) int64.
    """

    shared: IntArray
    found_areas: IntArray
    true_areas: IntArray

    @property
    def iou(self) -> FloatArray:
        """(N, K) in [0, 1]; 0 for two empty masks."""
        union = self.found_areas[:, None] + self.true_areas[None] - self.shared
        return np.asarray(self.shared / np.maximum(union, 1))

    @property
    def dice(self) -> FloatArray:
        """(N, K) in [0, 1]: twice what is shared, over both areas."""
        both = self.found_areas[:, None] + self.true_areas[None]
        return np.asarray(2 * self.shared / np.maximum(both, 1))

    @property
    def of_found(self) -> FloatArray:
        """(N, K): which share of each found mask lies in each true one."""
        return np.asarray(self.shared / np.maximum(self.found_areas, 1)[:, None])

    @property
    def of_truth(self) -> FloatArray:
        """(N, K): which share of each true mask lies in each found one."""
        return np.asarray(self.shared / np.maximum(self.true_areas, 1)[None])


def count_overlaps(found: RunMasks, truth: RunMasks) -> Overlaps:
    """Return what all masks of two sets share; masks of a set may overlap."""
    shared = np.zeros((len(found), len(truth)), np.int64)
    pairs = overlapping_extents(found.extents_yxyx, truth.extents_yxyx)
    shared[pairs[:, 0], pairs[:, 1]] = intersection_areas(found, truth, pairs)
    return Overlaps(shared, found.areas, truth.areas)


def pair_up(values: FloatArray, above: float) -> IntArray:
    """Return the pairs of rows and columns whose values add up to most.

    Parameters
    ----------
    values
        (N, K), not negative.
    above
        Only pairs with a larger value count.

    Returns
    -------
    IntArray
        (P, 2), each row and column at most once, ascending by rows.
    """
    usable = np.where(values > above, values, 0.0)
    rows, columns = linear_sum_assignment(usable, maximize=True)
    pairs = np.stack([rows, columns], axis=1).astype(np.int64)
    kept: IntArray = pairs[usable[rows, columns] > 0]
    return kept
