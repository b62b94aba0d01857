"""Prompts to masks: which window to look at, and what the decoder says about it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tilesam.errors import PromptError
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.model.reprojection import CELL, project_logits
from tilesam.model.upsampling import crop_mask
from tilesam.types import MaskCandidate, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.model.runtime import SamModel
    from tilesam.types import Float32Array, MaskInput, Prompts

Bounds: TypeAlias = tuple[float, float, float, float]
"""(y0, x0, y1, x1) in the data frame."""

CONTEXT = 1 / 8
"""Part of a window that is kept free on every side of the prompts, where it can be."""


def choose_window(
    bounds_yxyx: Bounds, image_hw: tuple[int, int], input_size: int
) -> Window:
    """Return the window that shows prompts best.

    Parameters
    ----------
    bounds_yxyx
        Smallest box around all points and boxes, inside the image.
    image_hw
        Height and width of the image.
    input_size
        Side of the model's input in pixels.

    Returns
    -------
    Window
        The whole image if it is no larger than the input. Else a square of the
        input's size around the middle of the bounds, moved or cut to lie inside the
        image; larger, at a lower resolution, where the bounds with an eighth of the
        window free on every side need it. The bounds always lie within it.
    """
    height, width = image_hw
    if max(image_hw) <= input_size:
        return Window(0, 0, height, width)
    y0, x0, y1, x1 = bounds_yxyx
    # A point stands for its pixel, so bounds reach half a pixel beyond its centre.
    extent = max(y1 - y0, x1 - x0) + 1
    side = max(input_size, math.ceil(extent / (1 - 2 * CONTEXT)))
    window_y0, window_height = _place(y0, y1, side=side, limit=height)
    window_x0, window_width = _place(x0, x1, side=side, limit=width)
    return Window(window_y0, window_x0, window_height, window_width)


def _place(low: float, high: float, *, side: int, limit: int) -> tuple[int, int]:
    """Return where `side` pixels around low..high begin, and how many fit."""
    size = min(side, limit)
    start = math.floor((low + high + 1) / 2 - size / 2)
    return min(max(start, 0), limit - size), size


def choose_recent_window(
    bounds_yxyx: Bounds,
    best: Window,
    recent: Iterable[Window],
    image_hw: tuple[int, int],
) -> Window | None:
    """Return a window, already embedded, that shows prompts nearly as well as the best.

    It has the size of the best one, and the bounds keep an eighth of it free on every
    side that is not the image's edge. Of several the one nearest to the best is taken.
    """
    serving = [
        window
        for window in recent
        if (window.height, window.width) == (best.height, best.width)
        and _inner_part(window, image_hw).contains(bounds_yxyx)
    ]

    def distance(window: Window) -> int:
        return abs(window.y0 - best.y0) + abs(window.x0 - best.x0)

    return min(serving, key=distance, default=None)


def _inner_part(window: Window, image_hw: tuple[int, int]) -> Window:
    """Return a window without its margins, except along the edges of the image."""
    margin = int(max(window.height, window.width) * CONTEXT)
    bottom, right = window.y0 + window.height, window.x0 + window.width
    y0 = window.y0 + margin * (window.y0 > 0)
    x0 = window.x0 + margin * (window.x0 > 0)
    y1 = bottom - margin * (bottom < image_hw[0])
    x1 = right - margin * (right < image_hw[1])
    return Window(y0, x0, y1 - y0, x1 - x0)


def predict(
    model: SamModel, embedding: Tensor, prompts: Prompts, window: Window
) -> list[MaskCandidate]:
    """Return the three answers to what was asked about one object.

    Parameters
    ----------
    model
        The network that made the embedding.
    embedding
        (256, g, g) of the window.
    prompts
        All within the window.
    window
        The embedded rectangle of the image.

    Returns
    -------
    list of MaskCandidate
        One point alone is ambiguous: the whole, the part and the subpart, the highest
        predicted IoU first. Anything more is not: the decoder's single mask first, then
        the two best of the others.

    Raises
    ------
    PromptError
        If a point or box is not in the window, or the mask prompt is of another model.
    """
    arrays = _to_model_prompts(model, prompts, window)
    decoded = model.decode(embedding, **arrays)
    logits = decoded.low_res_logits[0].cpu().numpy()  # (4, 4g, 4g)
    predicted_iou = decoded.predicted_iou[0].cpu().numpy()  # (4,)
    return [
        _build_candidate(
            logits[token],
            predicted_iou=float(predicted_iou[token]),
            token=token,
            window=window,
            input_size=model.input_size,
        )
        for token in order_of_tokens(predicted_iou, is_ambiguous=_is_ambiguous(prompts))
    ]


def order_of_tokens(
    predicted_iou: NDArray[np.floating], *, is_ambiguous: bool
) -> list[int]:
    """Return the three of the decoder's four outputs that are shown, best first.

    Parameters
    ----------
    predicted_iou
        (4,), of the single mask and of whole, part and subpart.
    is_ambiguous
        Whether the prompt is one point alone.
    """
    by_score = [
        int(token) + 1 for token in np.argsort(-predicted_iou[1:], kind="stable")
    ]
    return by_score if is_ambiguous else [0, *by_score[:2]]


def _is_ambiguous(prompts: Prompts) -> bool:
    is_one_point = len(prompts.points_yx) == 1 and len(prompts.boxes_yxyx) == 0
    return is_one_point and prompts.mask_input is None


def _to_model_prompts(
    model: SamModel, prompts: Prompts, window: Window
) -> dict[str, NDArray[np.generic]]:
    """Return what `SamModel.decode` takes for one prompt, in the input frame."""
    arrays: dict[str, NDArray[np.generic]] = {}
    if len(prompts.points_yx):
        points_xy = points_yx_to_input_xy(prompts.points_yx, window, model.input_size)
        arrays["points_xy"] = points_xy[np.newaxis]
        arrays["point_labels"] = prompts.point_labels[np.newaxis]
    if len(prompts.boxes_yxyx):
        boxes = boxes_yxyx_to_input_xyxy(prompts.boxes_yxyx, window, model.input_size)
        arrays["boxes_xyxy"] = boxes[np.newaxis]
    if arrays and not window.contains(prompts.bounds_yxyx):
        raise PromptError(
            f"the prompts span (y0, x0, y1, x1) = {prompts.bounds_yxyx}, which is not "
            f"within {window}; choose the window with choose_window"
        )
    if prompts.mask_input is not None:
        logits = _mask_prompt(prompts.mask_input, window, model.input_size)
        arrays["mask_input"] = logits[np.newaxis]
    return arrays


def _mask_prompt(
    mask_input: MaskInput, window: Window, input_size: int
) -> Float32Array:
    logits = mask_input.low_res_logits
    size = input_size // CELL
    if logits.shape != (size, size):
        raise PromptError(
            f"mask_input has logits of shape {logits.shape}; this model's have "
            f"({size}, {size}); refine a mask with the model that made it"
        )
    return project_logits(
        logits, source=mask_input.window, target=window, input_size=input_size
    )


def _build_candidate(
    low_res_logits: Float32Array,
    *,
    predicted_iou: float,
    token: int,
    window: Window,
    input_size: int,
) -> MaskCandidate:
    crop = crop_mask(
        low_res_logits,
        window_hw=(window.height, window.width),
        input_size=input_size,
    )
    y, x = crop.offset_yx
    return MaskCandidate(
        mask=crop.mask,
        offset_yx=(window.y0 + y, window.x0 + x),
        predicted_iou=predicted_iou,
        stability_score=crop.stability_score,
        low_res_logits=low_res_logits,
        window=window,
        token=token,
    )
