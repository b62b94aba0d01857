"""Whether objects of one kind are more like each other than like all others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.annotation import ArrayTarget
from tilesam.embedding.progress import follow
from tilesam.evaluation.measures.ranking import average_precision
from tilesam.evaluation.metrics import ObjectScore
from tilesam.evaluation.mosaics import draw_mosaic, usable_domains
from tilesam.session import Session
from tilesam.similarity.object_vectors import TOKEN_WEIGHT, ObjectVectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.evaluation.folders import LabelledImages
    from tilesam.evaluation.mosaics import Mosaic
    from tilesam.model.runtime import SamModel

SIMILAR, ELSEWHERE, CHANCE = "similar", "similar_elsewhere", "similar_chance"
"""Average precision of all objects, of those of other images, and the share of these
that are of the domain, which is what an order at random has."""


def measure_mosaics(
    model: SamModel,
    images: LabelledImages,
    *,
    mosaics: int,
    seed: int = 0,
    token_weight: float = TOKEN_WEIGHT,
    progress: Callable[[int, int], None] | None = None,
) -> list[ObjectScore]:
    """Rank the objects of mosaics by their likeness to each of them.

    Parameters
    ----------
    model
        Whose embeddings are compared.
    images
        Labelled, of several domains.
    mosaics
        How many.
    seed
        Equal seeds draw equal mosaics.
    token_weight
        See `ObjectVectors`.
    progress
        Is called after each mosaic with (done, in all).

    Raises
    ------
    DatasetError
        If there are too few domains or images.
    """
    domains = usable_domains(images)
    rng = np.random.default_rng(seed)
    rows: list[ObjectScore] = []
    for number in range(mosaics):
        mosaic = draw_mosaic(images, domains, rng)
        rows += score_mosaic(model, mosaic, f"mosaic {number}", token_weight)
        if progress is not None:
            progress(number + 1, mosaics)
    return rows


def score_mosaic(
    model: SamModel, mosaic: Mosaic, name: str, token_weight: float = TOKEN_WEIGHT
) -> list[ObjectScore]:
    """Return the score of each object of a mosaic that others are to be found for."""
    session = Session.open(mosaic.image, model=model)
    target = ArrayTarget(mosaic.labels)
    vectors = ObjectVectors(session, target, token_weight=token_weight)
    follow(vectors.update())
    domains, names = np.array(mosaic.domains), np.array(mosaic.names)
    areas = np.bincount(mosaic.labels.ravel())[1:]
    rows = []
    for row, domain in enumerate(mosaic.domains):
        rest = np.arange(len(domains)) != row
        elsewhere = (names != names[row]) & (domains == domain)
        if not elsewhere.any() or (domains == domain).all():
            continue
        order = vectors.rank(row + 1).labels - 1
        others = order[names[order] != names[row]]
        scores = {
            SIMILAR: average_precision(domains[order] == domain),
            ELSEWHERE: average_precision(domains[others] == domain),
            CHANCE: float((domains[rest] == domain).mean()),
        }
        rows.append(ObjectScore(domain, name, 0, row + 1, int(areas[row]), scores))
    return rows
