"""How well phrases find labelled objects, and how seldom they find what is not there.

Every image is asked for its own class, which is there, and for all other classes, which
are not. Answers are kept with their scores, so that figures for any threshold are made
of one run.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.image import open_image
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tilesam.text.embedded import EmbeddedBackend
    from tilesam.text.scored import ScoredMasks
    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray, Float32Array

CLASS_PHRASES = {
    "nuclei_fluo": "fluorescent nuclei",
    "nuclei_he": "nuclei in stained tissue",
    "nuclei_grey_bf": "nuclei in cytology",
    "phase": "cells in phase contrast",
    "bacteria": "bacteria",
    "em_neurites": "neurites",
    "em_chloroplast": "chloroplasts",
    "plant_nuclei": "plant nuclei",
    "plant_membrane": "plant cells",
    "aerial_buildings": "buildings",
    "leaf": "leaf",
    "leaf_lesion": "leaf lesion",
}
"""What the objects of each domain are called; one class each."""

MORE_PHRASES = {"nuclei": ("nuclei_fluo", "nuclei_he", "nuclei_grey_bf")}
"""Phrases for several classes at once, and the domains in which they are there."""

NOT_SETTLED = frozenset({("leaf", "leaf lesion"), ("leaf_lesion", "leaf")})
"""Domain and phrase: the thing is there, or may be, without a label."""

MATCH_IOU = 0.5


@dataclass(frozen=True, eq=False)
class Answer:
    """What one phrase found in one image, at any threshold.

    Parameters
    ----------
    domain, image, phrase
        What was asked where.
    is_present
        Whether the image has such objects.
    truth
        How many, 0 if it has none.
    scores
        (M,) float32 scores of what was found, falling.
    hits
        (M,) bool, whether each is a labelled object that none before it is.
    """

    domain: str
    image: str
    phrase: str
    is_present: bool
    truth: int
    scores: Float32Array
    hits: BoolArray


@dataclass(frozen=True)
class Detection:
    """Figures of the phrases that are there, of one domain and phrase.

    Parameters
    ----------
    domain, phrase
        Of which.
    images, objects
        How many were looked at.
    precision, recall, f1
        At IoU 0.5, over all objects of all images.
    """

    domain: str
    phrase: str
    images: int
    objects: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False)
class TextResult:
    """All answers of a run, and which objects were recognised.

    Parameters
    ----------
    answers
        Of all phrases about all images.
    retrieved
        By domain, (n,) bool for all of its labelled objects, see `retrieve`.
    """

    answers: Sequence[Answer]
    retrieved: Mapping[str, BoolArray]


def summarize_text(result: TextResult, threshold: float) -> dict[str, Any]:
    """Return all figures at one threshold as plain data."""
    rates = false_positive_rates(result.answers, threshold)
    shares = {name: float(hits.mean()) for name, hits in result.retrieved.items()}
    all_objects = np.concatenate(list(result.retrieved.values()))
    return {
        "threshold": threshold,
        "retrieval of all objects": float(all_objects.mean()),
        "retrieval, mean over domains": float(np.mean(list(shares.values()))),
        "false positives, all pairs of image and absent class": rates["all"][1],
        "false positives, images with any absent class": (
            images_with_false_positives(result.answers, threshold)
        ),
        "retrieval": [
            {"domain": name, "objects": len(hits), "top-1": shares[name]}
            for name, hits in sorted(result.retrieved.items())
        ],
        "present": [asdict(row) for row in detections(result.answers, threshold)],
        "absent": [
            {"phrase": phrase, "images": images, "rate": rate}
            for phrase, (images, rate) in rates.items()
        ],
    }


def ask_all(sample: Sample, scored: Callable[[str], ScoredMasks]) -> Iterator[Answer]:
    """Yield the answers to all phrases about one image.

    Parameters
    ----------
    sample
        With its labels.
    scored
        Asks one phrase.
    """
    truth, _ = RunMasks.from_labels(sample.label_layers[0])
    for phrase, domains in _phrases():
        is_present = sample.domain in domains
        if (sample.domain, phrase) in NOT_SETTLED:
            continue
        found = scored(phrase)
        masks = found.masks.take(found.ranked)
        yield Answer(
            *(sample.domain, sample.name, phrase, is_present),
            truth=len(truth) if is_present else 0,
            scores=found.score[found.ranked],
            hits=match(masks, truth),
        )


def _phrases() -> Iterator[tuple[str, tuple[str, ...]]]:
    for domain, phrase in CLASS_PHRASES.items():
        yield phrase, (domain,)
    yield from MORE_PHRASES.items()


def match(masks: RunMasks, truth: RunMasks) -> BoolArray:
    """Return which masks are an object that none before them is, (N,) bool."""
    pairs = overlapping_extents(masks.extents_yxyx, truth.extents_yxyx)
    shared = intersection_areas(masks, truth, pairs)
    union = masks.areas[pairs[:, 0]] + truth.areas[pairs[:, 1]] - shared
    is_match = shared >= MATCH_IOU * np.maximum(union, 1)
    hits = np.zeros(len(masks), np.bool_)
    taken: set[int] = set()
    for mask, thing in pairs[is_match].tolist():  # in the order of masks
        if thing not in taken and not hits[mask]:
            hits[mask] = True
            taken.add(thing)
    return hits


def detections(answers: Iterable[Answer], threshold: float) -> list[Detection]:
    """Return precision and recall of each phrase where it is there, by domain."""
    groups: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        if answer.is_present:
            groups.setdefault((answer.domain, answer.phrase), []).append(answer)
    return [
        _detection(domain, phrase, group, threshold)
        for (domain, phrase), group in sorted(groups.items())
    ]


def _detection(
    domain: str, phrase: str, group: Sequence[Answer], threshold: float
) -> Detection:
    passing = [answer.scores >= threshold for answer in group]
    found = sum(int(some.sum()) for some in passing)
    hit = sum(int(a.hits[some].sum()) for a, some in zip(group, passing, strict=True))
    truth = sum(answer.truth for answer in group)
    return Detection(
        *(domain, phrase, len(group), truth),
        precision=hit / max(found, 1),
        recall=hit / max(truth, 1),
        f1=2 * hit / max(found + truth, 1),
    )


def false_positive_rates(
    answers: Iterable[Answer], threshold: float
) -> dict[str, tuple[int, float]]:
    """Return for each phrase in how many images it is not there, and finds something.

    Returns
    -------
    dict
        Phrase to the number of images without it, and which share of these gets an
        object; under `"all"` the same over all pairs of image and phrase.
    """
    absent: dict[str, list[bool]] = {}
    for answer in answers:
        if not answer.is_present and answer.phrase not in MORE_PHRASES:
            is_wrong = bool((answer.scores >= threshold).any())
            absent.setdefault(answer.phrase, []).append(is_wrong)
    absent["all"] = [is_wrong for some in absent.values() for is_wrong in some]
    return {
        phrase: (len(some), sum(some) / max(len(some), 1))
        for phrase, some in absent.items()
    }


def images_with_false_positives(answers: Iterable[Answer], threshold: float) -> float:
    """Return the share of images in which any class is found that is not there."""
    by_image: dict[str, bool] = {}
    for answer in answers:
        if not answer.is_present and answer.phrase not in MORE_PHRASES:
            is_wrong = bool((answer.scores >= threshold).any())
            by_image[answer.image] = by_image.get(answer.image, False) or is_wrong
    return sum(by_image.values()) / max(len(by_image), 1)


def retrieve(sample: Sample, backend: EmbeddedBackend) -> BoolArray:
    """Return for each labelled object whether its class is the likeliest of all.

    Parameters
    ----------
    sample
        Its labels are cut out as they are.
    backend
        The encoders.
    """
    truth, _ = RunMasks.from_labels(sample.label_layers[0])
    masks = backend.embed_masks(open_image(sample.image), truth)
    phrases = backend.embed_phrases(list(CLASS_PHRASES.values()))
    chosen = (masks @ phrases.T).argmax(dim=1).numpy()
    return np.asarray(chosen == list(CLASS_PHRASES).index(sample.domain))
