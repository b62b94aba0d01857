"""From masks to figures: IoU of an object, means of a domain and of all domains."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor


@dataclass(frozen=True)
class ObjectScore:
    """How well one object was found.

    Parameters
    ----------
    domain, image
        Where it is; `image` is the name of the sample.
    layer, object_id
        Which of the labels it is.
    area
        Pixels of the true mask.
    scores
        IoU in [0, 1] by name of the measure; equal names for all objects of a run.
    """

    domain: str
    image: str
    layer: int
    object_id: int
    area: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class DomainScore:
    """Means over the objects of one domain.

    Parameters
    ----------
    images, objects
        How many there are.
    scores
        Mean by name of the measure; every object counts alike.
    """

    domain: str
    images: int
    objects: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Summary:
    """The result of an evaluation.

    Parameters
    ----------
    domains
        In alphabetical order.
    mean
        Mean over domains by name of the measure; every domain counts alike.
    """

    domains: Sequence[DomainScore]
    mean: Mapping[str, float]


def mask_iou(answers: Tensor, truth: Tensor) -> Tensor:
    """Return the IoU of masks with the true ones.

    Parameters
    ----------
    answers, truth
        (..., H, W) bool; shapes are broadcast.

    Returns
    -------
    Tensor
        (...) float32 in [0, 1]; 1 where both are empty.
    """
    shared = (answers & truth).sum(dim=(-2, -1)).float()
    union = (answers | truth).sum(dim=(-2, -1)).float()
    return (shared / union.clamp(min=1)).where(union > 0, 1.0)


def summarize(rows: Iterable[ObjectScore]) -> Summary:
    """Return the means of each domain and over domains.

    Raises
    ------
    ValueError
        If there are no rows.
    """
    by_domain: dict[str, list[ObjectScore]] = defaultdict(list)
    for row in rows:
        by_domain[row.domain].append(row)
    if not by_domain:
        raise ValueError("no objects were scored; there is nothing to summarize")
    domains = [_score_domain(by_domain[name]) for name in sorted(by_domain)]
    return Summary(domains, _mean([domain.scores for domain in domains]))


def _score_domain(rows: Sequence[ObjectScore]) -> DomainScore:
    return DomainScore(
        domain=rows[0].domain,
        images=len({row.image for row in rows}),
        objects=len(rows),
        scores=_mean([row.scores for row in rows]),
    )


def _mean(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {
        name: float(np.mean([row[name] for row in scores], dtype=np.float64))
        for name in scores[0]
    }
