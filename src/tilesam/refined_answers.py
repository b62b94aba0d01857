"""Candidates of a tile, looked at again by the model's refiner."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tilesam.model.refining.questions import questions_about
from tilesam.model.refining.ranking import count_wrong_clicks, order_refined
from tilesam.model.refining.refined import crop_refined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.image import ImageSource
    from tilesam.model.refining.refined import Refined
    from tilesam.model.refining.refiner import MaskRefiner
    from tilesam.types import Float32Array, MaskCandidate, Prompts


def refine_candidates(
    refiner: MaskRefiner,
    candidates: Sequence[MaskCandidate],
    prompts: Prompts,
    source: ImageSource,
    *,
    earlier: Float32Array | None,
    is_ambiguous: bool,
) -> list[MaskCandidate]:
    """Return candidates of one tile with the masks that the refiner gives them.

    Parameters
    ----------
    candidates
        Answers to the prompts, all of one window.
    earlier
        (4g, 4g) logits of the mask that the prompts correct, in that window.
    is_ambiguous
        Whether the prompt is one point alone.

    Returns
    -------
    list of MaskCandidate
        For a box in the given order, for points in that of `order_refined`.

    Raises
    ------
    ImageReadError
        If the image cannot be read there.
    """
    questions = questions_about(
        np.stack([candidate.low_res_logits for candidate in candidates]),
        candidates[0].window,
        points_yx=prompts.points_yx,
        point_labels=prompts.point_labels,
        boxes_yxyx=prompts.boxes_yxyx,
        earlier=earlier,
    )
    asked = [i for i, question in enumerate(questions) if question is not None]
    answers = refiner.refine([q for q in questions if q is not None], source)
    found = list(candidates)
    for i, refined in zip(asked, answers, strict=True):
        if refined is not None:
            found[i] = _refined(candidates[i], refined, refiner, source)
    if len(prompts.boxes_yxyx):
        return found
    wrong = [
        count_wrong_clicks(
            *(candidate.mask, candidate.offset_yx),
            *(prompts.points_yx, prompts.point_labels),
        )
        for candidate in found
    ]
    scores = np.array([candidate.predicted_iou for candidate in found])
    order = order_refined(scores, np.array(wrong), is_ambiguous=is_ambiguous)
    return [found[i] for i in order]


def _refined(
    candidate: MaskCandidate,
    refined: Refined,
    refiner: MaskRefiner,
    source: ImageSource,
) -> MaskCandidate:
    crop = crop_refined(refined, source.hw)
    logits = candidate.low_res_logits
    return replace(
        candidate,
        mask=crop.mask,
        offset_yx=crop.offset_yx,
        predicted_iou=refined.predicted_iou,
        stability_score=crop.stability_score,
        low_res_logits=refiner.to_window(refined, candidate.window, len(logits)),
    )
