"""The protocols of `tilesam.evaluation` on one trained variant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilesam.ablation.subjects import VariantSubject
from tilesam.evaluation.experiments.boxes import PREDICTED, BoxesExperiment
from tilesam.evaluation.experiments.experiment import to_scores
from tilesam.evaluation.experiments.points import PointsExperiment
from tilesam.evaluation.measuring import measure_images
from tilesam.evaluation.metrics import ObjectScore

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.evaluation.experiments.experiment import Experiment
    from tilesam.evaluation.folders import LabelledImages
    from tilesam.evaluation.results import KeptResults
    from tilesam.evaluation.runs import Limits
    from tilesam.model.runtime import SamModel
    from tilesam.training.recipes import Prompting

MEASURES = ("box", "point", "oracle", "three_points")
"""Those that tables have; all others are in the JSON document."""

CLICKS = 3


def measure_model(
    model: SamModel,
    prompting: Prompting,
    images: LabelledImages,
    *,
    limits: Limits,
    kept: KeptResults,
    progress: Callable[[int, int], None] | None = None,
) -> list[ObjectScore]:
    """Ask a model with boxes and with clicks in the middle.

    Parameters
    ----------
    model
        Of a variant.
    prompting
        Of the same variant.
    images
        Labelled, of the validation split.
    limits
        How much is asked.
    kept
        Where results of single images are kept.
    progress
        Is called after each image with (images done, images in all); each of them is
        looked at twice.

    Returns
    -------
    list of ObjectScore
        With all measures of `evaluate boxes` and of `evaluate points --sampling center
        --points 3`.

    Raises
    ------
    DatasetError
        If an image cannot be used, or none has an object.
    """
    subject = VariantSubject(model, prompting)
    experiments: tuple[Experiment, ...] = (
        BoxesExperiment(subject, limits=limits),
        PointsExperiment(subject, ["center"], CLICKS, limits=limits),
    )
    parts: list[list[ObjectScore]] = []
    for number, experiment in enumerate(experiments):

        def report(done: int, total: int, number: int = number) -> None:
            if progress is not None:
                progress(number * total + done, len(experiments) * total)

        measured = measure_images(
            experiment,
            images,
            images_per_domain=limits.images_per_domain,
            kept=kept,
            progress=report,
        )
        parts.append(to_scores(measured.results))
    return join_scores(*parts)


def join_scores(
    boxes: list[ObjectScore], points: list[ObjectScore]
) -> list[ObjectScore]:
    """Return the scores of the same objects, from boxes and points, together."""
    joined = []
    for boxed, pointed in zip(boxes, points, strict=True):
        scores = {
            f"box_{name}" if name == PREDICTED else name: value
            for name, value in boxed.scores.items()
        }
        place = (boxed.domain, boxed.image, boxed.layer, boxed.object_id, boxed.area)
        joined.append(ObjectScore(*place, {**scores, **pointed.scores}))
    return joined
