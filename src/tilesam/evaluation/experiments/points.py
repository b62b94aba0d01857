"""From points to masks: 1, 2, 3, 5 and 9 clicks, and how many are needed.

Kirillov et al. 2023, "Segment Anything", section 7.1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.asking import iou_of_answers
from tilesam.evaluation.clicking import SAMPLINGS, click, people
from tilesam.evaluation.experiments.experiment import (
    Shown,
    batch_of,
    batches,
    rows_of,
)
from tilesam.evaluation.measures.clicks import clicks_needed
from tilesam.evaluation.runs import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tilesam.evaluation.answering import Answers, ImageAnswers, Subject
    from tilesam.evaluation.clicking import Sampling
    from tilesam.evaluation.experiments.experiment import Batch
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.training.datasets import Sample
    from tilesam.types import FloatArray

COUNTS = {1: "point", 2: "two_points", 3: "three_points", 5: "five_points",
          9: "nine_points"}  # fmt: skip
"""Names of the measures by the number of points."""

TARGETS = {0.85: "clicks_85", 0.90: "clicks_90"}
"""Names of the numbers of clicks by the IoU that is to be reached."""

RANDOM = "random_"
"""Before the names of what was clicked anywhere."""

PREDICTED = "predicted"
"""The model's own estimate of `point`, to see how well it knows itself."""

SAMPLED = {"": "centre", RANDOM: "anywhere"}
"""Where was clicked, by what stands before the names of the measures."""


def oracle_name(points: int) -> str:
    """Return the name of the measure of the best answer that is shown."""
    return "oracle" if points == 1 else f"{COUNTS[points]}_oracle"


def predicted_name(points: int) -> str:
    """Return the name of the model's estimate of the IoU after so many points."""
    return PREDICTED if points == 1 else f"{COUNTS[points]}_{PREDICTED}"


@dataclass(frozen=True, eq=False)
class PointsExperiment:
    """Click on every object, in the middle or anywhere.

    Parameters
    ----------
    subject
        Who is asked.
    samplings
        Where clicks are: `"center"` is deepest in the object or error, `"random"` is
        anywhere in it.
    most
        Clicks on each object.
    seed
        Of random clicks.
    limits
        How much is asked.
    """

    subject: Subject
    samplings: Sequence[Sampling] = SAMPLINGS
    most: int = 9
    seed: int = 0
    limits: Limits = field(default_factory=Limits)

    name = "points"

    @property
    def identity(self) -> Mapping[str, Any]:
        """Of the subject."""
        return self.subject.identity

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the clicks depend on."""
        return {
            "samplings": list(self.samplings),
            "points": self.most,
            "seed": self.seed,
            "objects_per_image": self.limits.objects_per_image,
        }

    @property
    def ranked_by(self) -> str:
        """The answer to the first click."""
        return ("" if "center" in self.samplings else RANDOM) + COUNTS[1]

    def measure(self, sample: Sample) -> dict[str, Any]:
        """Return the IoU of every object after each number of clicks."""
        rows: list[dict[str, Any]] = []
        answers: ImageAnswers | None = None
        for batch in batches(sample, self.limits):
            answers = answers or self.subject.open(sample.image)
            scores: dict[str, FloatArray] = {}
            for sampling in self.samplings:
                scores |= self._ask(answers, batch, sampling)
            rows += rows_of(batch, scores)
        return {"rows": rows}

    def show(self, sample: Sample, row: ObjectScore) -> Shown:
        """Click once."""
        batch = batch_of(sample, [(row.layer, row.object_id)])
        who = people(self.samplings[0], batch.names, seed=self.seed)
        point = people(self.samplings[0], batch.names, seed=self.seed)[0].first(
            batch.truth[0]
        )
        given = next(click(self.subject.open(sample.image), batch.truth, who, 1))
        return Shown(sample.image, batch.truth[0], given.masks[0, 0], [point])

    def _ask(
        self, answers: ImageAnswers, batch: Batch, sampling: Sampling
    ) -> dict[str, FloatArray]:
        who = people(sampling, batch.names, seed=self.seed)
        rounds = [
            _scored(given, batch)
            for given in click(answers, batch.truth, who, self.most)
        ]
        prefix = RANDOM if sampling == "random" else ""
        shown, best, predicted = zip(*rounds, strict=True)
        scores = point_scores(shown, best) | predicted_scores(predicted)
        return {prefix + name: values for name, values in scores.items()}


def _scored(given: Answers, batch: Batch) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the IoU of what is shown first, the best IoU, and the predicted one."""
    iou = iou_of_answers(given.masks, batch.truth).astype(np.float64)
    return iou[:, 0], iou.max(axis=1), given.scores[:, 0].astype(np.float64)


def point_scores(
    shown: Sequence[FloatArray], best: Sequence[FloatArray]
) -> dict[str, FloatArray]:
    """Return the measures of objects from their IoU after each click.

    Parameters
    ----------
    shown
        (N,) for each number of clicks from 1: the IoU of the first answer.
    best
        The same of the best answer.

    Returns
    -------
    dict
        (N,) by name: IoU after 1, 2, 3, 5 and 9 clicks, as far as so many were made,
        and the clicks until an IoU of 0.85 and 0.90; one more than were made if they
        do not suffice.
    """
    scores: dict[str, FloatArray] = {}
    for count, name in COUNTS.items():
        if count <= len(shown):
            scores[name] = shown[count - 1]
            scores[oracle_name(count)] = best[count - 1]
    for target, name in TARGETS.items():
        needed = clicks_needed(np.stack(shown, axis=1), target)
        scores[name] = needed.astype(np.float64)
    return scores


def predicted_scores(predicted: Sequence[FloatArray]) -> dict[str, FloatArray]:
    """Return the estimates of the IoU after 1, 2, 3, 5 and 9 clicks, as far as made.

    Parameters
    ----------
    predicted
        (N,) for each number of clicks from 1.
    """
    return {
        predicted_name(count): predicted[count - 1]
        for count in COUNTS
        if count <= len(predicted)
    }
