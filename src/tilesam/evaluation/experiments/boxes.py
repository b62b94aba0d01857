"""From boxes to masks: those around the true objects, or those of a detector.

Kirillov et al. 2023, "Segment Anything", section 7.4.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.experiments.experiment import (
    Shown,
    batch_of,
    batches,
    rows_of,
)
from tilesam.evaluation.measures.overlaps import count_overlaps, pair_up
from tilesam.evaluation.measures.precision import (
    SIZES,
    average_precision,
    match_detections,
)
from tilesam.evaluation.protocols import tight_box
from tilesam.evaluation.runs import Limits
from tilesam.masks.run_masks import RunMasks, concatenate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tilesam.evaluation.answering import ImageAnswers, Subject
    from tilesam.evaluation.detections import Detections
    from tilesam.evaluation.experiments.experiment import Batch
    from tilesam.evaluation.measures.overlaps import Overlaps
    from tilesam.evaluation.measures.precision import Matches
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.training.datasets import Sample
    from tilesam.types import FloatArray

BOX, ORACLE, PREDICTED = "box", "box_oracle", "predicted"


@dataclass(frozen=True, eq=False)
class BoxesExperiment:
    """Ask with a box for each object.

    Parameters
    ----------
    subject
        Who is asked.
    detections
        Boxes of a detector; by default the tight boxes of the true objects.
    limits
        How much is asked.
    """

    subject: Subject
    detections: Detections | None = None
    limits: Limits = field(default_factory=Limits)

    name = "boxes"
    ranked_by = BOX

    @property
    def identity(self) -> Mapping[str, Any]:
        """Of the subject."""
        return self.subject.identity

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return what the boxes depend on."""
        detections = self.detections
        return {
            "boxes": "ground truth" if detections is None else detections.name,
            "boxes_sha256": None if detections is None else detections.sha256,
            "objects_per_image": self.limits.objects_per_image,
        }

    def measure(self, sample: Sample) -> dict[str, Any]:
        """Return the IoU of every object, and all masks compared with all objects."""
        parts = list(batches(sample, self.limits))
        if not parts:
            return {"rows": [], **_plain(count_overlaps(*[RunMasks.empty()] * 2), [])}
        answers = self.subject.open(sample.image)
        if self.detections is None:
            return self._ask_tight(answers, parts)
        return self._ask_detected(answers, parts, self.detections.of(sample.name))

    def show(self, sample: Sample, row: ObjectScore) -> Shown:
        """Ask with the tight box."""
        batch = batch_of(sample, [(row.layer, row.object_id)])
        box = tight_box(batch.truth[0])
        given = self.subject.open(sample.image).boxes(box[None])
        return Shown(
            sample.image,
            batch.truth[0],
            given.masks[0, 0],
            boxes_yxyx=[box.tolist()],
        )

    def _ask_tight(
        self, answers: ImageAnswers, parts: Sequence[Batch]
    ) -> dict[str, Any]:
        rows: list[dict[str, Any]] = []
        found, scores = [], []
        for batch in parts:
            boxes = np.stack([tight_box(mask) for mask in batch.truth])
            given = answers.boxes(boxes)
            shared = (given.masks & batch.truth[:, None]).sum(axis=(2, 3))
            union = (given.masks | batch.truth[:, None]).sum(axis=(2, 3))
            iou = shared / np.maximum(union, 1)
            own = {BOX: iou[:, 0], ORACLE: iou.max(axis=1)}
            predicted = given.scores[:, 0].astype(np.float64)
            rows += rows_of(batch, {**own, PREDICTED: predicted})
            found.append(_runs(given.masks[:, 0]))
            scores.append(given.scores[:, 0])
        truth = concatenate([_runs(batch.truth) for batch in parts])
        overlaps = count_overlaps(concatenate(found), truth)
        return {"rows": rows, **_plain(overlaps, np.concatenate(scores))}

    def _ask_detected(
        self,
        answers: ImageAnswers,
        parts: Sequence[Batch],
        detected: tuple[FloatArray, FloatArray],
    ) -> dict[str, Any]:
        boxes, scores = detected
        step = self.limits.prompts_at_once
        masks = [
            _runs(answers.boxes(boxes[start : start + step]).masks[:, 0])
            for start in range(0, len(boxes), step)
        ]
        truth = concatenate([_runs(batch.truth) for batch in parts])
        overlaps = count_overlaps(concatenate(masks), truth)
        best = np.zeros(len(truth))
        pairs = pair_up(overlaps.iou, 0.0)
        best[pairs[:, 1]] = overlaps.iou[pairs[:, 0], pairs[:, 1]]
        rows, start = [], 0
        for batch in parts:
            own = best[start : start + len(batch.truth)]
            rows += list(rows_of(batch, {BOX: own}))
            start += len(own)
        return {"rows": rows, **_plain(overlaps, scores)}


def _runs(masks: Any) -> RunMasks:
    return RunMasks.from_crops(list(masks), [(0, 0)] * len(masks))


def _plain(overlaps: Overlaps, scores: Any) -> dict[str, Any]:
    """Return what masks and objects share as plain data; pairs without are left out."""
    found, truth = np.nonzero(overlaps.shared)
    shared = overlaps.shared[found, truth]
    return {
        "scores": [float(score) for score in scores],
        "areas": overlaps.found_areas.tolist(),
        "true_areas": overlaps.true_areas.tolist(),
        "shared": np.stack([found, truth, shared], axis=1).tolist(),
    }


def mask_average_precision(
    results: Sequence[Mapping[str, Any]],
) -> dict[str, FloatArray]:
    """Return the average precision of all images at each IoU threshold, by size.

    Parameters
    ----------
    results
        What `measure` has returned for each image.
    """
    return {size: average_precision(list(_matches(results, size))) for size in SIZES}


def _matches(results: Sequence[Mapping[str, Any]], size: str) -> Iterator[Matches]:
    for result in results:
        areas, true_areas = np.array(result["areas"]), np.array(result["true_areas"])
        iou = np.zeros((len(areas), len(true_areas)))
        for found, truth, shared in result["shared"]:
            union = areas[found] + true_areas[truth] - shared
            iou[found, truth] = shared / union
        yield match_detections(
            iou,
            np.array(result["scores"], np.float64),
            areas=areas,
            true_areas=true_areas,
            size=size,
        )
