"""Vectors of objects to likenesses, and those to an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class SimilarObjects:
    """The other objects of an image, the most similar first.

    Parameters
    ----------
    label
        Of the object that they were compared with, which is not among them.
    labels
        (N,) int64.
    similarities
        (N,) float64 in [-1, 1], descending; see `similarities_to`.
    """

    label: int
    labels: IntArray
    similarities: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, k: int | None) -> SimilarObjects:
        """Return the k most similar ones; all for None, or where there are fewer."""
        return SimilarObjects(self.label, self.labels[:k], self.similarities[:k])

    def count(self, threshold: float) -> int:
        """Return how many are at least so similar; a look-up, whatever N is."""
        return int(np.searchsorted(-self.similarities, -threshold, side="right"))

    def above(self, threshold: float) -> IntArray:
        """Return the labels of those that are at least so similar."""
        return self.labels[: self.count(threshold)]


def rank_objects(
    label: int, labels: IntArray, parts: Sequence[FloatArray], weights: Sequence[float]
) -> SimilarObjects:
    """Return all objects but one in the order of their similarity to it.

    Parameters
    ----------
    label
        Of this one.
    labels
        (N,) of all objects, this one included, ascending; of those that are equally
        similar the lower label comes first.
    parts, weights
        See `similarities_to`.
    """
    query = int(np.searchsorted(labels, label))
    values = similarities_to(query, parts, weights)
    order = np.argsort(-values, kind="stable")
    order = order[order != query]
    return SimilarObjects(label, labels[order], values[order])


def similarities_to(
    query: int, parts: Sequence[FloatArray], weights: Sequence[float]
) -> FloatArray:
    """Return how similar N objects are to one of them.

    Parameters
    ----------
    query
        Which one.
    parts
        (N, D) each: vectors of different kinds of the same objects.
    weights
        Of each part.

    Returns
    -------
    FloatArray
        (N,) in [-1, 1]: the weighted mean of the cosines. From each vector most of what
        all objects have in common is taken first, so that 0 is an object like any other
        of this image.
    """
    total = sum(
        weight * _cosines(query, part)
        for part, weight in zip(parts, weights, strict=True)
    )
    return np.clip(np.asarray(total) / sum(weights), -1.0, 1.0)


def _cosines(query: int, vectors: FloatArray) -> FloatArray:
    count = len(vectors)
    # Without its mean a pair points to opposite sides, however alike the two are. So
    # of a pair nothing is taken, and of n objects what leaves 1 / (n - 1) of the mean.
    share = (count - 2) / (count - 1) if count > 1 else 0.0
    own = vectors - share * vectors.mean(axis=0)
    lengths = np.linalg.norm(own, axis=1)
    products = lengths * lengths[query]
    cosines = np.zeros(count)
    np.divide(own @ own[query], products, out=cosines, where=products > 0)
    return cosines
