"""Segment everything, compared with the labelled objects.

Two results of one run are looked at: ranked masks that may overlap (proposals), and the
label image that a person gets. Kirillov et al. 2023, "Segment Anything", section 7.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.experiments.experiment import Shown
from tilesam.evaluation.measures.instances import (
    aggregated_jaccard,
    count_duplicates,
    count_splits,
    panoptic_quality,
    symmetric_best_dice,
)
from tilesam.evaluation.measures.overlaps import count_overlaps
from tilesam.evaluation.measures.recall import found_at
from tilesam.everything.settings import ADJUSTABLE_BY, EverythingSettings
from tilesam.everything.table import Status
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tilesam.evaluation.answering import SamSubject
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.everything.decoded import DecodedEverything
    from tilesam.everything.segmentation import Segmentation
    from tilesam.training.datasets import Sample
    from tilesam.types import FloatArray

MOST = (10, 100, 1000)
PROPOSAL_NMS = 0.9
"""Proposals may be more alike than objects of a label image."""


@dataclass(frozen=True, eq=False)
class ProposalsExperiment:
    """Segment everything in an image.

    Parameters
    ----------
    subject
        A network.
    settings_used
        For the label image. Proposals have thresholds that are lower by 0.3, and may
        be alike up to a box IoU of 0.9.
    """

    subject: SamSubject
    settings_used: EverythingSettings = field(default_factory=EverythingSettings)

    name = "proposals"
    ranked_by = "pq"

    @property
    def identity(self) -> Mapping[str, Any]:
        """Of the subject."""
        return self.subject.identity

    @property
    def settings(self) -> Mapping[str, Any]:
        """How everything is segmented."""
        config = self.subject.model.network.config
        plain = self.settings_used.resolved(config).to_plain()
        del plain["points_per_batch"]
        return {"everything": plain, "proposal_nms": PROPOSAL_NMS}

    def measure(self, sample: Sample) -> dict[str, Any]:
        """Return what was found of each object, and figures of the label image."""
        decoded = self._decode(sample)
        truth = _true_masks(sample)
        result = decoded.resolve(self.settings_used)
        labelled, _ = RunMasks.from_labels(result.labels())
        overlaps = count_overlaps(labelled, truth)
        panoptic = panoptic_quality(overlaps)
        splits = count_splits(overlaps)
        scores = {
            **panoptic._asdict(),
            "aji": aggregated_jaccard(overlaps),
            "sbd": symmetric_best_dice(overlaps),
        }
        distinct = count_overlaps(_objects_of(result)[0], truth)
        counts = {
            **splits._asdict(),
            "duplicates": count_duplicates(distinct),
            "found": len(labelled),
            "true": len(truth),
        }
        row = {
            "layer": 0,
            "object_id": 0,
            "area": int(truth.areas.sum()),
            "scores": {name: round(value, 6) for name, value in scores.items()},
        }
        return {"rows": [row], "counts": counts, **self._proposed(decoded, truth)}

    def show(self, sample: Sample, row: ObjectScore) -> Shown:
        """Segment everything again."""
        del row
        labels = self._decode(sample).resolve(self.settings_used).labels()
        return Shown(sample.image, sample.label_layers[0], labels.astype(np.int64))

    def _decode(self, sample: Sample) -> DecodedEverything:
        session = Session.open(sample.image, model=self.subject.model)
        return session.decode_everything(settings=self.settings_used, adjustable=True)

    def _proposed(self, decoded: DecodedEverything, truth: RunMasks) -> dict[str, Any]:
        settings = self.settings_used.resolved(self.subject.model.network.config)
        iou, stability = settings.thresholds
        loose = replace(
            settings,
            pred_iou_thresh=iou - ADJUSTABLE_BY,
            stability_score_thresh=max(stability - ADJUSTABLE_BY, 0.0),
            box_nms_thresh=max(settings.box_nms_thresh, PROPOSAL_NMS),
        )
        masks, scores = _objects_of(decoded.resolve(loose))
        table = count_overlaps(masks, truth).iou[np.argsort(-scores, kind="stable")]
        found = {str(most): found_at(table, most).round(6).tolist() for most in MOST}
        return {
            "found": found,
            "true_areas": truth.areas.tolist(),
            "proposals": len(masks),
        }


def _true_masks(sample: Sample) -> RunMasks:
    return concatenate(
        [RunMasks.from_labels(layer)[0] for layer in sample.label_layers]
    )


def _objects_of(segmentation: Segmentation) -> tuple[RunMasks, FloatArray]:
    """Return the masks that are objects, also those under others, and their scores."""
    table = segmentation.table
    rows = np.flatnonzero(np.isin(table.status, (Status.KEPT, Status.COVERED)))
    scores = (table.predicted_iou[rows] + table.stability_score[rows]) / 2
    return segmentation.masks.take(rows), scores.astype(np.float64)
