"""Ask a model about some objects of one image and compare the answers with the truth.

The whole image is the window, resized to the input of the model: what is measured is
the model, not the choice of windows. Figures are IoUs at the resolution of the labels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from tilesam.evaluation.metrics import mask_iou
from tilesam.evaluation.protocols import center_point, next_point, tight_box
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.types import FOREGROUND, PADDING, Window

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.model.runtime import Decoded, SamModel
    from tilesam.types import BoolArray, FloatArray, IntArray

SINGLE_MASK = 0
"""Token that answers unambiguous prompts; 1-3 answer a single point."""

POINTS_ASKED = 3


@dataclass(frozen=True, eq=False)
class Asked:
    """Some objects of one image, and the image as the model sees it.

    Parameters
    ----------
    embedding
        (256, g, g).
    truth
        (N, H, W) bool.
    """

    model: SamModel
    embedding: Tensor
    truth: BoolArray

    @property
    def window(self) -> Window:
        """The whole image."""
        return Window(0, 0, *self.truth.shape[1:])

    def masks(self, decoded: Decoded, tokens: slice) -> Tensor:
        """Return the answers of some tokens, (N, tokens, H, W) bool."""
        logits = decoded.low_res_logits[:, tokens]
        return self.model.logits_to_window(logits, self.truth.shape[1:]) > 0

    def score(self, masks: Tensor) -> Tensor:
        """Return the IoU of (N, tokens, H, W) masks as (N, tokens)."""
        return mask_iou(masks, torch.from_numpy(self.truth)[:, None].to(masks.device))


Scores: TypeAlias = dict[str, NDArray[np.float32]]
"""(N,) IoU of each object, by measure."""

AskObjects: TypeAlias = Callable[[Asked], Scores]
"""`ask_with_points`, `ask_with_boxes`, or another protocol."""


def ask_with_boxes(asked: Asked) -> Scores:
    """Ask with the tight box of each object; the single mask answers.

    Returns
    -------
    dict
        `box`, (N,) float32.
    """
    boxes = np.stack([tight_box(mask) for mask in asked.truth])
    boxes_xyxy = boxes_yxyx_to_input_xyxy(boxes, asked.window, asked.model.input_size)
    decoded = asked.model.decode(asked.embedding, boxes_xyxy=boxes_xyxy[:, None])
    iou = asked.score(asked.masks(decoded, slice(SINGLE_MASK, SINGLE_MASK + 1)))
    return {"box": iou[:, 0].cpu().numpy()}


def ask_with_points(asked: Asked) -> Scores:
    """Ask with one point in the middle of each object, then correct twice.

    The first point is the maximum of the interior distance transform. It is answered
    by three masks: `point` scores the one with the highest predicted IoU, `oracle`
    the best of them. Then comes twice a point in the middle of the worst error (see
    `next_point`), together with all points so far and the logits of the mask it
    corrects; the single mask answers, and `three_points` scores the last one.

    Returns
    -------
    dict
        `point`, `oracle` and `three_points`, (N,) float32 each.
    """
    points = np.array([[center_point(mask)] for mask in asked.truth])
    labels = np.full(points.shape[:2], FOREGROUND)
    decoded = _decode_points(asked, points, labels)
    masks = asked.masks(decoded, slice(1, None))
    iou = asked.score(masks)
    objects = torch.arange(len(iou), device=iou.device)
    chosen = decoded.predicted_iou[:, 1:].argmax(dim=1)
    scores = {
        "point": iou[objects, chosen].cpu().numpy(),
        "oracle": iou.amax(dim=1).cpu().numpy(),
    }
    answer, logits = masks[objects, chosen], decoded.low_res_logits[objects, 1 + chosen]
    for _ in range(POINTS_ASKED - 1):
        points, labels = _corrected(asked, points, labels, answer.cpu().numpy())
        decoded = _decode_points(asked, points, labels, mask_input=logits.cpu().numpy())
        answer = asked.masks(decoded, slice(SINGLE_MASK, SINGLE_MASK + 1))[:, 0]
        logits = decoded.low_res_logits[:, SINGLE_MASK]
    scores["three_points"] = asked.score(answer[:, None])[:, 0].cpu().numpy()
    return scores


def _decode_points(
    asked: Asked,
    points_yx: FloatArray,
    labels: IntArray,
    *,
    mask_input: NDArray[np.float32] | None = None,
) -> Decoded:
    points_xy = points_yx_to_input_xy(points_yx, asked.window, asked.model.input_size)
    return asked.model.decode(
        asked.embedding,
        points_xy=points_xy,
        point_labels=labels,
        mask_input=mask_input,
    )


def _corrected(
    asked: Asked, points_yx: FloatArray, labels: IntArray, answers: BoolArray
) -> tuple[FloatArray, IntArray]:
    """Return the points and labels with one more each; padding where none is needed."""
    new = [
        next_point(truth, answer)
        for truth, answer in zip(asked.truth, answers, strict=True)
    ]
    points = np.array([[click.point_yx if click else (0.0, 0.0)] for click in new])
    signs = np.array([[click.label if click else PADDING] for click in new])
    return (
        np.concatenate([points_yx, points], axis=1),
        np.concatenate([labels, signs], axis=1),
    )
