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

from tilesam.evaluation.answering import SamAnswers
from tilesam.evaluation.clicking import CAREFUL, click
from tilesam.evaluation.metrics import mask_iou
from tilesam.evaluation.protocols import tight_box

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.model.runtime import Decoded, SamModel
    from tilesam.types import BoolArray, Window

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
    source
        The image itself, for the model's refiner; without it nothing is refined.
    """

    model: SamModel
    embedding: Tensor
    truth: BoolArray
    source: ImageSource | None = None

    @property
    def answers(self) -> SamAnswers:
        """Of the model about the image."""
        height, width = self.truth.shape[1:]
        return SamAnswers(self.model, self.embedding, (height, width), self.source)

    @property
    def window(self) -> Window:
        """The whole image."""
        return self.answers.window

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
    return {"box": iou_of_answers(asked.answers.boxes(boxes).masks, asked.truth)[:, 0]}


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
    who = [CAREFUL] * len(asked.truth)
    rounds = [
        iou_of_answers(given.masks, asked.truth)
        for given in click(asked.answers, asked.truth, who, POINTS_ASKED)
    ]
    return {
        "point": rounds[0][:, 0],
        "oracle": rounds[0].max(axis=1),
        "three_points": rounds[-1][:, 0],
    }


def iou_of_answers(masks: BoolArray, truth: BoolArray) -> NDArray[np.float32]:
    """Return the IoU of (N, C, H, W) masks with (N, H, W) true ones, (N, C) float32."""
    return mask_iou(torch.from_numpy(masks), torch.from_numpy(truth)[:, None]).numpy()
