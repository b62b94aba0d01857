"""A simulated person who clicks on an object until its mask is right.

The first click lies on the object, every further one on an error of the answer that is
shown. Careful people click in the middle, others anywhere.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from tilesam.evaluation.protocols import Correction, center_point, next_point
from tilesam.types import FOREGROUND, PADDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tilesam.evaluation.answering import Answers, ImageAnswers
    from tilesam.evaluation.protocols import Point
    from tilesam.types import BoolArray, FloatArray, IntArray

Sampling: TypeAlias = Literal["center", "random"]

SAMPLINGS: tuple[Sampling, ...] = ("center", "random")


@dataclass(frozen=True, eq=False)
class Person:
    """How somebody clicks on one object.

    Parameters
    ----------
    first
        Returns where to click on a mask.
    correct
        Returns the click that corrects an answer, from the truth and the answer; None
        where nothing is wrong.
    """

    first: Callable[[BoolArray], Point]
    correct: Callable[[BoolArray, BoolArray], Correction | None]


CAREFUL = Person(center_point, next_point)
"""Clicks in the middle of the object, then in the middle of the worst error."""


def careless(seed: int, name: str) -> Person:
    """Return somebody who clicks anywhere on the object, then on any wrong pixel.

    Parameters
    ----------
    seed
        Of the run.
    name
        Of the object; clicks on it do not depend on what else is asked.
    """
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])

    def first(mask: BoolArray) -> Point:
        y, x = rng.choice(np.argwhere(mask))
        return float(y), float(x)

    def correct(truth: BoolArray, answer: BoolArray) -> Correction | None:
        errors = truth != answer
        if not errors.any():
            return None
        y, x = first(errors)
        return Correction((y, x), int(truth[int(y), int(x)]))

    return Person(first, correct)


def people(sampling: Sampling, names: Sequence[str], *, seed: int = 0) -> list[Person]:
    """Return who clicks on each of some objects."""
    if sampling == "center":
        return [CAREFUL] * len(names)
    return [careless(seed, name) for name in names]


def click(
    answers: ImageAnswers, truth: BoolArray, who: Sequence[Person], most: int
) -> Iterator[Answers]:
    """Yield the answers to 1, 2 ... `most` points on each object.

    Parameters
    ----------
    answers
        About the image.
    truth
        (N, H, W) bool, none empty.
    who
        Clicks on each.
    most
        Points of each object. One whose mask is perfect gets no further ones, but is
        asked again with what it has.
    """
    points = np.array(
        [[p.first(mask)] for p, mask in zip(who, truth, strict=True)], np.float64
    )
    labels = np.full(points.shape[:2], FOREGROUND)
    given = answers.points(points, labels)
    yield given
    for _ in range(most - 1):
        points, labels = _corrected(points, labels, truth, given.masks[:, 0], who)
        given = answers.points(points, labels, given.feedback)
        yield given


def _corrected(
    points_yx: FloatArray,
    labels: IntArray,
    truth: BoolArray,
    shown: BoolArray,
    who: Sequence[Person],
) -> tuple[FloatArray, IntArray]:
    """Return the points and labels with one more each; padding where none is needed."""
    new = [p.correct(t, m) for p, t, m in zip(who, truth, shown, strict=True)]
    points = np.array([[c.point_yx if c else (0.0, 0.0)] for c in new])
    signs = np.array([[c.label if c else PADDING] for c in new])
    return (
        np.concatenate([points_yx, points], axis=1),
        np.concatenate([labels, signs], axis=1),
    )
