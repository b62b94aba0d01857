"""Masks with text scores: one threshold makes objects of them, as often as it is moved.

The score of a mask is its text score times its predicted IoU: whether it shows what is
meant, and whether it shows it well. Many masks show the same thing a little otherwise,
and a phrase fits all of them alike; with the text score alone a fluorescent nucleus is
often found with the worse of two outlines.

Of masks that share most of their pixels the one with the highest score stays. Whether a
mask stays depends on those with higher scores alone, so that what a threshold leaves is
the beginning of one list: counting is a look-up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from tilesam.errors import TextError
from tilesam.everything.overlaps import find_covered
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.table import ObjectTable, Status, require_label_count
from tilesam.masks.hierarchy import find_parents
from tilesam.masks.pairs import intersection_areas, overlapping_extents
from tilesam.masks.run_masks import RunMasks

if TYPE_CHECKING:
    from tilesam.image.georeference import GeoReference
    from tilesam.text.proposals import Proposals
    from tilesam.types import (
        BoolArray,
        Float32Array,
        FloatArray,
        IntArray,
    )

MOST_SHARED = 0.5
"""Two masks that share more of the smaller one are taken for the same thing."""

MIN_VISIBLE_SHARE = 0.5
"""Of a mask's pixels that it has to own, as everything has it."""

TEXT_SCORE, SCORE = "text_score", "score"
"""Names of the columns."""


@dataclass(frozen=True, eq=False)
class TextSegmentation(Segmentation):
    """Objects that fit a phrase; `table.more` has the columns `text_score`, `score`.

    Parameters
    ----------
    threshold
        The lowest score that was let pass.
    best_score
        The highest of all masks; -inf if there was none.
    notice
        What a person should know of the phrase; None if there is nothing.
    """

    threshold: float = 0.5
    best_score: float = -np.inf
    notice: str | None = None

    @property
    def hint(self) -> str | None:
        """What to do where nothing was found; None if something was."""
        if len(self):
            return None
        if self.notice is not None:
            return self.notice
        if not np.isfinite(self.best_score):
            return (
                "no mask was proposed at all; lower pred_iou_thresh or "
                "stability_score_thresh, or say the diameter of the objects"
            )
        return (
            f"no mask fits with a score of {self.threshold:.2f}: the best one has "
            f"{self.best_score:.2f}; lower the threshold, say it in other words, or "
            "show a point or an exemplar"
        )


@dataclass(frozen=True, eq=False)
class ScoredMasks:
    """Masks that come into question, and how well each fits what was asked.

    Parameters
    ----------
    image_hw
        Height and width of the image in pixels.
    masks
        N masks, whole, in pixels of the image.
    text_score
        (N,) float32 in [0, 1].
    predicted_iou, stability_score
        (N,) float32, of the decoder.
    points_yx
        (N, 2) float64 that the decoder was asked at.
    level
        (N,) int8.
    is_cut
        (N,) bool, see `ObjectTable`.
    threshold
        The recommended one.
    notice
        What a person should know of the phrase; None if there is nothing.
    image_name, model_name, georeference
        For records.
    """

    image_hw: tuple[int, int]
    masks: RunMasks
    text_score: Float32Array
    predicted_iou: Float32Array
    stability_score: Float32Array
    points_yx: FloatArray
    level: np.ndarray[tuple[int], np.dtype[np.int8]]
    is_cut: BoolArray
    threshold: float = 0.5
    notice: str | None = None
    image_name: str = ""
    model_name: str = ""
    georeference: GeoReference | None = field(default=None)

    def __len__(self) -> int:
        return len(self.masks)

    @classmethod
    def of(
        cls,
        proposals: Proposals,
        text_score: Float32Array,
        *,
        threshold: float,
        notice: str | None = None,
    ) -> Self:
        """Return proposals with a score for each."""
        found, rows = proposals.found, proposals.rows
        return cls(
            image_hw=found.image_hw,
            masks=proposals.masks,
            text_score=text_score,
            predicted_iou=found.table.predicted_iou[rows],
            stability_score=found.table.stability_score[rows],
            points_yx=found.table.point_yx[rows],
            level=found.table.level[rows],
            is_cut=found.table.is_cut[rows],
            threshold=threshold,
            notice=notice,
            image_name=found.image_name,
            model_name=found.model_name,
            georeference=found.georeference,
        )

    @classmethod
    def none(
        cls, image_hw: tuple[int, int], *, threshold: float, notice: str | None
    ) -> Self:
        """Return no masks at all, where the phrase cannot be looked for."""
        none = np.zeros(0, np.float32)
        return cls(
            *(image_hw, RunMasks.empty(), none, none, none),
            points_yx=np.zeros((0, 2)),
            level=none.astype(np.int8),
            is_cut=none.astype(np.bool_),
            threshold=threshold,
            notice=notice,
        )

    @cached_property
    def score(self) -> Float32Array:
        """(N,) text score times predicted IoU, in [0, 1]."""
        quality = np.clip(self.predicted_iou, 0, 1)
        return np.asarray(self.text_score * quality, np.float32)

    @cached_property
    def ranked(self) -> IntArray:
        """(M,) masks that can become objects, the highest score first."""
        order = np.lexsort((-self.text_score, -self.score))
        pairs = overlapping_extents(self.masks.extents_yxyx)
        shared = intersection_areas(self.masks, self.masks, pairs)
        smaller = self.masks.areas[pairs].min(axis=1, initial=2**62)
        is_same = shared > MOST_SHARED * smaller
        kept = order[_distinct(order, pairs[is_same])]
        masks = self.masks.take(kept)
        place = np.full(len(self), -1)
        place[kept] = np.arange(len(kept))
        among = (place[pairs] >= 0).all(axis=1)
        from_the_bottom = np.arange(len(kept))[::-1]
        covered = find_covered(
            *(masks, from_the_bottom, place[pairs[among]], shared[among]),
            min_visible_share=MIN_VISIBLE_SHARE,
        )
        return kept[~covered]

    def count(self, threshold: float | None = None) -> int:
        """Return how many objects a threshold would leave, at once."""
        lowest = np.float32(self._checked(threshold))
        ranked: Float32Array = self.score[self.ranked]
        return int(np.searchsorted(-ranked, -lowest, side="right"))

    def resolve(self, threshold: float | None = None) -> TextSegmentation:
        """Return the objects whose score reaches a threshold; nothing is decoded.

        Parameters
        ----------
        threshold
            In [0, 1]; by default the recommended one.

        Raises
        ------
        TextError
            If it is not from 0 to 1.
        """
        lowest = self._checked(threshold)
        chosen = self.ranked[: self.count(threshold)]
        require_label_count(len(chosen))
        extents = self.masks.extents_yxyx[chosen]
        areas = self.masks.areas[chosen]
        as_one_reads = np.lexsort((areas, extents[:, 1], extents[:, 0]))
        place = np.empty(len(chosen), np.int64)
        place[as_one_reads] = np.arange(len(chosen))
        return TextSegmentation(
            image_hw=self.image_hw,
            table=self._table(chosen[as_one_reads]),
            masks=self.masks.take(chosen[as_one_reads]),
            paint_order=place[::-1],  # the highest score comes last
            image_name=self.image_name,
            model_name=self.model_name,
            georeference=self.georeference,
            threshold=lowest,
            best_score=float(self.score.max(initial=-np.inf)),
            notice=self.notice,
        )

    def _table(self, rows: IntArray) -> ObjectTable:
        masks = self.masks.take(rows)
        pairs = overlapping_extents(masks.extents_yxyx)
        parents = find_parents(masks, pairs, intersection_areas(masks, masks, pairs))
        return ObjectTable(
            label=np.arange(1, len(rows) + 1, dtype=np.uint32),
            status=np.full(len(rows), Status.KEPT, np.uint8),
            area=masks.areas,
            extents_yxyx=masks.extents_yxyx,
            centroid_yx=masks.centroids_yx,
            predicted_iou=self.predicted_iou[rows],
            stability_score=self.stability_score[rows],
            point_yx=self.points_yx[rows],
            level=self.level[rows],
            parent=(parents + 1).astype(np.uint32),
            is_cut=self.is_cut[rows],
            more={TEXT_SCORE: self.text_score[rows], SCORE: self.score[rows]},
        )

    def _checked(self, threshold: float | None) -> float:
        chosen = self.threshold if threshold is None else threshold
        if not 0 <= chosen <= 1:
            raise TextError(
                f"the threshold is {chosen}; expected a number from 0 to 1; the "
                f"recommended one is {self.threshold:g}"
            )
        return float(chosen)


def _distinct(order: IntArray, same: IntArray) -> BoolArray:
    """Return which of the ordered masks are the same as no earlier one that stays.

    Parameters
    ----------
    order
        (N,) masks, the best first.
    same
        (P, 2) pairs of masks that show the same thing.
    """
    height = np.empty(len(order), np.int64)
    height[order] = np.arange(len(order))
    pairs = np.sort(height[same], axis=1)
    kept = np.ones(len(order), np.bool_)
    for better, worse in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if kept[better]:
            kept[worse] = False
    return kept
