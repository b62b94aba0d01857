"""Points that correct a phrase: they move the scores of masks, and of those alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.types import FOREGROUND

if TYPE_CHECKING:
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import FloatArray, IntArray

ALIKE = 0.8
"""Cosine of two masks' embeddings from which on they are alike at all."""

RAISED_BY, LOWERED_BY = 4.0, 6.0
"""In logits, for a mask that is the same as the one with the point."""


def correct(
    logits: FloatArray,
    embeddings: FloatArray,
    masks: RunMasks,
    points_yx: FloatArray,
    point_labels: IntArray,
) -> FloatArray:
    """Return logits of text scores after corrections.

    Parameters
    ----------
    logits
        (N,) of what the phrase alone gives.
    embeddings
        (N, D) unit vectors of the masks.
    masks
        N masks.
    points_yx, point_labels
        See `TextQuery`. Of masks that contain a point the one that fits best is meant;
        a point outside of all masks changes nothing.
    """
    corrected = logits.copy()
    for point, label in zip(points_yx, point_labels, strict=True):
        inside = containing(masks, point)
        if not len(inside):
            continue
        meant = inside[np.argmax(logits[inside])]
        cosine = embeddings @ embeddings[meant]
        alike = np.clip((cosine - ALIKE) / (1 - ALIKE), 0, 1)
        if label == FOREGROUND:
            corrected += RAISED_BY * alike
            corrected[meant] = max(corrected[meant], RAISED_BY)
        else:
            corrected -= LOWERED_BY * alike
            # Not only the one on top: the next one would take its place.
            corrected[inside] = np.minimum(corrected[inside], -LOWERED_BY)
    return corrected


def containing(masks: RunMasks, point_yx: FloatArray) -> IntArray:
    """Return which masks have the pixel in which a point lies."""
    y, x = (int(np.floor(value + 0.5)) for value in point_yx)
    is_hit = (masks.rows == y) & (masks.starts <= x) & (x < masks.stops)
    return np.unique(masks.mask_of_run[is_hit])
