"""What a person points at: whole masks of it, and what makes others alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.predictor import answer_prompts
from tilesam.prompts import build_prompts

if TYPE_CHECKING:
    from tilesam.text.query import TextQuery
    from tilesam.tiled_image import TiledImage
    from tilesam.types import FloatArray, MaskCandidate, Prompts


def masks_in_boxes(query: TextQuery, image: TiledImage) -> list[MaskCandidate]:
    """Return the best mask of each exemplar box that has any."""
    asked = [
        build_prompts(boxes_yxyx=box, image_hw=image.image_hw)
        for box in query.exemplar_boxes_yxyx
    ]
    return _answered(asked, image)


def masks_at_points(points_yx: FloatArray, image: TiledImage) -> list[MaskCandidate]:
    """Return the best mask at each of (P, 2) points that has any."""
    asked = [build_prompts(point, image_hw=image.image_hw) for point in points_yx]
    return _answered(asked, image)


def _answered(asked: list[Prompts], image: TiledImage) -> list[MaskCandidate]:
    best = [
        answer_prompts(
            *(image.model, image.grid, image.embeddings.get, prompts),
            finest_level=image.finest_level,
            source=image.source,
        )[0]
        for prompts in asked
    ]
    return [candidate for candidate in best if candidate.area]


def pixel_inside(candidate: MaskCandidate) -> tuple[float, float]:
    """Return the pixel of a mask that is nearest to its centroid, (y, x)."""
    pixels = np.argwhere(candidate.mask)
    distance = np.square(pixels - pixels.mean(axis=0)).sum(axis=1)
    y, x = pixels[np.argmin(distance)] + candidate.offset_yx
    return float(y), float(x)


def without_mean(embeddings: FloatArray) -> FloatArray:
    """Return unit vectors without what all of them have in common.

    Vectors of large networks lie in a narrow cone, where all are alike. Of these only
    those of alike things are.

    Parameters
    ----------
    embeddings
        (N, D).

    Returns
    -------
    FloatArray
        (N, D); rows that are the mean itself stay zero.
    """
    moved = embeddings - embeddings.mean(axis=0, keepdims=True)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    unit: FloatArray = np.divide(
        moved, length, out=np.zeros_like(moved), where=length > 1e-9
    )
    return unit
