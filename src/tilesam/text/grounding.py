"""The backend of zero-shot detectors: boxes from them, masks from the stored tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.text.box_masks import look_of
from tilesam.text.box_search import BoxSearch, GroundingSettings
from tilesam.text.correction import containing, correct
from tilesam.text.detectors import load_detector
from tilesam.text.grounded import search_image
from tilesam.text.pointing import (
    masks_at_points,
    masks_in_boxes,
    pixel_inside,
    without_mean,
)
from tilesam.text.pretrained import require_library
from tilesam.text.scored import ScoredMasks
from tilesam.types import FOREGROUND

if TYPE_CHECKING:
    from os import PathLike

    import torch

    from tilesam.text.backends import AskedImage
    from tilesam.text.detections import Detector
    from tilesam.text.grounded import Grounded
    from tilesam.text.query import TextQuery
    from tilesam.tiled_image import TiledImage
    from tilesam.types import Float32Array, FloatArray, MaskCandidate

GROUNDING_MODEL = "IDEA-Research/grounding-dino-tiny"
"""On the hub; taken unless another one is named."""

SHOWN_SCORE = 0.99
"""Of a mask that a person has pointed at."""


@dataclass(frozen=True, eq=False)
class GroundedMasks(ScoredMasks):
    """Masks of boxes; what counts is the detector's score, as its threshold is its own.

    See `ScoredMasks` for the parameters.
    """

    @cached_property
    def score(self) -> Float32Array:
        """(N,) text score; how good the mask of a box is does not count."""
        return self.text_score


class GroundingBackend:
    """Finds boxes in every window, and prompts its embedding with them.

    Parameters
    ----------
    model
        Name of a zero-shot detector on the hub, or the path of a folder; loaded when
        the first phrase is asked.
    settings
        Which boxes are taken.
    detector
        In place of a model that is loaded.

    Raises
    ------
    TextError
        If `transformers` is needed and not installed.
    """

    name = "grounding"

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        settings: GroundingSettings | None = None,
        *,
        detector: Detector | None = None,
    ) -> None:
        if detector is None:
            require_library()
        self.model = GROUNDING_MODEL if model is None else model
        self.settings = settings or GroundingSettings()
        self._detector = detector
        # Of the phrase that was asked last: points and boxes that correct it need it.
        self._found: WeakKeyDictionary[TiledImage, tuple[Any, Grounded]] = (
            WeakKeyDictionary()
        )

    def concepts(self) -> tuple[str, ...]:
        """Return none: any word may be asked."""
        return ()

    def notice(self, query: TextQuery) -> str | None:  # noqa: ARG002
        """Return None: no word is unknown."""
        return None

    def find(self, query: TextQuery, asked: AskedImage) -> ScoredMasks:
        """Return masks of all boxes, and of what a person has pointed at.

        Raises
        ------
        TextError
            If the model cannot be loaded.
        """
        detector = self._loaded(asked.image.model.device)
        phrases = (query.phrase, *query.negative_phrases)
        search = BoxSearch(
            *(detector, asked.image.source, phrases, self.settings),
            picture_side=asked.image.model.input_size,
        )
        grounded = self._grounded(search, asked)
        scored = GroundedMasks.of(
            grounded.proposals,
            grounded.scores.astype(np.float32),
            threshold=search.threshold,
            notice=None if len(grounded.scores) else _nothing(search),
        )
        exemplars = masks_in_boxes(query, asked.image)
        shown = [*exemplars, *_missing_at_points(query, asked, scored.masks)]
        if not shown and not len(query.points_yx):
            return scored
        scored = _with_shown(scored, shown)
        looks = _looks_with(grounded.looks, shown, asked.image)
        return _corrected(scored, looks, query, exemplars)

    def _loaded(self, device: torch.device) -> Detector:
        if self._detector is None:
            self._detector = load_detector(self.model, device)
        return self._detector

    def _grounded(self, search: BoxSearch, asked: AskedImage) -> Grounded:
        """Return what was found for these phrases, searched for at most once."""
        options = asked.options
        names = ("levels", "object_diameter", "settings")
        asked_for = tuple(repr(options.get(name)) for name in names)
        key = (search.phrases, asked.region, asked_for)
        latest = self._found.get(asked.image)
        if latest is None or latest[0] != key:
            latest = key, search_image(search, asked, options)
            self._found[asked.image] = latest
        return latest[1]


def _nothing(search: BoxSearch) -> str:
    return (
        f"the detector found no {search.phrases[0]!r} with a score of "
        f"{search.threshold * search.settings.lowest_share:g} or more; say it in other "
        "words, or show a point or an exemplar"
    )


def _missing_at_points(
    query: TextQuery, asked: AskedImage, masks: RunMasks
) -> list[MaskCandidate]:
    """Return masks at the positive points that lie in none of those found."""
    positive = query.points_yx[query.point_labels == FOREGROUND]
    is_missing = [not len(containing(masks, point)) for point in positive]
    missing = positive[np.array(is_missing, np.bool_)]
    return masks_at_points(missing, asked.image)


def _with_shown(scored: GroundedMasks, shown: list[MaskCandidate]) -> GroundedMasks:
    """Return masks with those that a person pointed at behind them."""
    crops = RunMasks.from_crops([c.mask for c in shown], [c.offset_yx for c in shown])
    count = len(shown)
    centroids = crops.centroids_yx.reshape(count, 2)

    def behind(column: Any, values: Any) -> Any:
        more = np.asarray(values, column.dtype).reshape(count, *column.shape[1:])
        return np.concatenate([column, more])

    return replace(
        scored,
        notice=None if count else scored.notice,
        masks=concatenate([scored.masks, crops]),
        text_score=behind(scored.text_score, [SHOWN_SCORE] * count),
        predicted_iou=behind(scored.predicted_iou, [c.predicted_iou for c in shown]),
        stability_score=behind(
            scored.stability_score, [c.stability_score for c in shown]
        ),
        points_yx=behind(scored.points_yx, centroids),
        level=behind(scored.level, [c.tile.level for c in shown]),
        is_cut=behind(scored.is_cut, [False] * count),
    )


def _looks_with(
    looks: FloatArray, shown: list[MaskCandidate], image: TiledImage
) -> FloatArray:
    """Return (N, D) unit vectors of what was found and of what was pointed at."""
    parts = [looks] if len(looks) else []
    for candidate in shown:
        embedding = image.embeddings.get(candidate.tile)
        logits = embedding.new_tensor(candidate.low_res_logits)
        parts.append(look_of(embedding, logits.unsqueeze(0)))
    return np.concatenate(parts) if parts else looks


def _corrected(
    scored: ScoredMasks,
    looks: FloatArray,
    query: TextQuery,
    exemplars: list[MaskCandidate],
) -> ScoredMasks:
    """Return masks with scores that points and exemplars have moved."""
    if not len(scored):
        return scored
    inside = np.array([pixel_inside(exemplar) for exemplar in exemplars])
    points = np.concatenate([query.points_yx, inside.reshape(-1, 2)])
    labels = np.concatenate(
        [query.point_labels, np.full(len(exemplars), FOREGROUND, np.int64)]
    )
    share = np.clip(scored.text_score.astype(np.float64), 1e-4, 1 - 1e-4)
    logits = correct(
        np.log(share / (1 - share)), without_mean(looks), scored.masks, points, labels
    )
    scores = 0.5 * (1 + np.tanh(logits / 2))
    return replace(scored, text_score=scores.astype(np.float32))
