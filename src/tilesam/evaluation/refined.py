"""Answers about many objects of one image, as the model's refiner leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.model.refining.questions import questions_about
from tilesam.model.refining.ranking import count_wrong_clicks, order_refined
from tilesam.model.refining.refined import crop_refined

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.model.refining.questions import Question
    from tilesam.model.refining.refined import Refined
    from tilesam.model.refining.refiner import MaskRefiner
    from tilesam.types import BoolArray, Float32Array, FloatArray, IntArray, Window


class Shown(NamedTuple):
    """C masks for each of N objects, the answer first.

    Parameters
    ----------
    masks
        (N, C, H, W) bool.
    scores
        (N, C) float32, predicted IoU.
    logits
        (N, C, 4g, 4g) float32.
    """

    masks: BoolArray
    scores: Float32Array
    logits: Float32Array


class AskedPrompts(NamedTuple):
    """What was asked about N objects.

    Parameters
    ----------
    points_yx, point_labels
        (N, P, 2) and (N, P); -1 is no point.
    boxes_yxyx
        (N, K, 4).
    earlier
        (N, 4g, 4g) logits of the masks that the prompts correct, if they do.
    """

    points_yx: FloatArray
    point_labels: IntArray
    boxes_yxyx: FloatArray
    earlier: Float32Array | None


def refine_shown(
    refiner: MaskRefiner,
    shown: Shown,
    asked: AskedPrompts,
    window: Window,
    source: ImageSource,
    *,
    is_ambiguous: bool,
) -> Shown:
    """Return the masks refined where the refiner says something.

    Parameters
    ----------
    window
        The whole image.
    is_ambiguous
        Whether each was asked for by one point alone.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    """
    shown = Shown(shown.masks.copy(), shown.scores.copy(), shown.logits.copy())
    questions: dict[tuple[int, int], Question] = {}
    for row in range(len(shown.masks)):
        about = questions_about(
            shown.logits[row],
            window,
            points_yx=asked.points_yx[row],
            point_labels=asked.point_labels[row],
            boxes_yxyx=asked.boxes_yxyx[row],
            earlier=None if asked.earlier is None else asked.earlier[row],
        )
        questions |= {(row, i): one for i, one in enumerate(about) if one is not None}
    results = refiner.refine([*questions.values()], source)
    for place, refined in zip(questions, results, strict=True):
        if refined is not None:
            _put(shown, place, refined, refiner, window)
    if asked.boxes_yxyx.shape[1]:
        return shown
    return _in_order(shown, asked, is_ambiguous=is_ambiguous)


def _put(
    shown: Shown,
    place: tuple[int, int],
    refined: Refined,
    refiner: MaskRefiner,
    window: Window,
) -> None:
    crop = crop_refined(refined, (window.height, window.width))
    shown.masks[place] = False
    (y, x), (height, width) = crop.offset_yx, crop.mask.shape
    shown.masks[place][y : y + height, x : x + width] = crop.mask
    shown.scores[place] = refined.predicted_iou
    shown.logits[place] = refiner.to_window(refined, window, shown.logits.shape[-1])


def _in_order(shown: Shown, asked: AskedPrompts, *, is_ambiguous: bool) -> Shown:
    order = np.stack(
        [
            order_refined(
                shown.scores[row],
                np.array([count_wrong_clicks(mask, (0, 0), *clicks) for mask in masks]),
                is_ambiguous=is_ambiguous,
            )
            for row, (masks, *clicks) in enumerate(
                zip(shown.masks, asked.points_yx, asked.point_labels, strict=True)
            )
        ]
    )
    rows = np.arange(len(order))[:, np.newaxis]
    return Shown(
        shown.masks[rows, order], shown.scores[rows, order], shown.logits[rows, order]
    )
