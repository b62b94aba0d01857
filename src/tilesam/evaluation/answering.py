"""Who is asked about the objects of an image: a network, or a method without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from tilesam.evaluation.refined import AskedPrompts, Shown, refine_shown
from tilesam.image import open_image
from tilesam.model.correcting import decode_prompts
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.model.runtime import Decoded, SamModel
    from tilesam.types import (
        BoolArray,
        Float32Array,
        FloatArray,
        IntArray,
        UInt8Array,
    )

SHOWN = 3
"""So many answers a person is shown."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Masks for N prompts, in the order in which they are shown.

    Parameters
    ----------
    masks
        (N, C, H, W) bool. The first is the answer, the others are alternatives.
    scores
        (N, C) float32, how good each is thought to be.
    feedback
        What the next prompt of the same objects is to be given.
    """

    masks: BoolArray
    scores: Float32Array
    feedback: Any = None


class ImageAnswers(Protocol):
    """Answers about one image, whose size is that of the labels."""

    def points(
        self, points_yx: FloatArray, labels: IntArray, feedback: Any = None
    ) -> Answers:
        """Answer (N, P, 2) points with (N, P) labels; -1 is no point."""

    def boxes(self, boxes_yxyx: FloatArray) -> Answers:
        """Answer (N, 4) boxes of pixel centres."""


class Subject(Protocol):
    """What is measured."""

    @property
    def name(self) -> str:
        """For tables."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Plain values that its answers depend on."""

    def open(self, image: UInt8Array) -> ImageAnswers:
        """Look at an (H, W, 3) uint8 image."""


@dataclass(frozen=True, eq=False)
class SamSubject:
    """A network with weights. The whole image is its window."""

    model: SamModel

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, weights and precision."""
        refiner = self.model.refiner
        return {
            "model": self.model.name,
            "weights_sha256": self.model.weights_sha256,
            "refiner_sha256": None if refiner is None else refiner.weights_sha256,
            "refiner_precision": None if refiner is None else _name(refiner.dtype),
            "input_size": self.model.input_size,
            "precision": _name(self.model.dtype),
        }

    def open(self, image: UInt8Array) -> SamAnswers:
        """Embed the image."""
        return SamAnswers(
            *(self.model, self.model.embed([image])[0], image.shape[:2]),
            source=open_image(image, channel_axis=2),
        )


@dataclass(frozen=True, eq=False)
class SamAnswers:
    """Answers of a network about one embedded image.

    Parameters
    ----------
    model
        The network.
    embedding
        (256, g, g).
    image_hw
        Height and width of the image, and of the masks.
    source
        The image, for the model's refiner; without it nothing is refined.
    """

    model: SamModel
    embedding: Tensor
    image_hw: tuple[int, int]
    source: ImageSource | None = None

    @property
    def window(self) -> Window:
        """The whole image."""
        return Window(0, 0, *self.image_hw)

    def points(
        self,
        points_yx: FloatArray,
        labels: IntArray,
        feedback: Float32Array | None = None,
    ) -> Answers:
        """Answer points, together with the logits of the masks that they correct.

        Returns
        -------
        Answers
            A single point is ambiguous: whole, part and subpart, the most confident
            first. Else the single mask, then the two most confident of the others, see
            `decode_prompts`.
            `feedback` are the (N, 4g, 4g) logits of the first.
        """
        points_xy = points_yx_to_input_xy(points_yx, self.window, self.model.input_size)
        prompts: dict[str, NDArray[Any]] = {
            "points_xy": points_xy,
            "point_labels": labels,
        }
        if feedback is not None:
            prompts["mask_input"] = feedback
        decoded = decode_prompts(self.model, self.embedding, prompts)
        is_ambiguous = labels.shape[1] == 1 and feedback is None
        asked = AskedPrompts(points_yx, labels, np.zeros((len(labels), 0, 4)), feedback)
        return self._answers(decoded, asked, is_ambiguous=is_ambiguous)

    def boxes(self, boxes_yxyx: FloatArray) -> Answers:
        """Answer boxes: the single mask, then the two most confident others."""
        size = self.model.input_size
        boxes_xyxy = boxes_yxyx_to_input_xyxy(boxes_yxyx, self.window, size)
        decoded = self.model.decode(self.embedding, boxes_xyxy=boxes_xyxy[:, None])
        count = len(boxes_yxyx)
        no_points, no_labels = np.zeros((count, 0, 2)), np.zeros((count, 0), np.int64)
        asked = AskedPrompts(no_points, no_labels, boxes_yxyx[:, None], None)
        return self._answers(decoded, asked, is_ambiguous=False)

    def _answers(
        self, decoded: Decoded, asked: AskedPrompts, *, is_ambiguous: bool
    ) -> Answers:
        logits, iou = decoded
        order = iou[:, 1:].argsort(dim=1, descending=True, stable=True) + 1
        if not is_ambiguous:
            order = torch.cat([torch.zeros_like(order[:, :1]), order], dim=1)
        order = order[:, :SHOWN]
        rows = torch.arange(len(iou), device=iou.device)[:, None]
        chosen = logits[rows, order]
        masks = (self.model.logits_to_window(chosen, self.image_hw) > 0).cpu().numpy()
        scores = iou[rows, order].cpu().numpy().astype(np.float32)
        shown = Shown(masks, scores, chosen.cpu().numpy())
        if self.model.refiner is not None and self.source is not None:
            shown = refine_shown(
                *(self.model.refiner, shown, asked, self.window, self.source),
                is_ambiguous=is_ambiguous,
            )
        return Answers(shown.masks, shown.scores, shown.logits[:, 0])


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
