"""Who is asked: a network as a variant of training has it, by the usual protocols."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.answering import Answers, SamSubject
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from tilesam.evaluation.answering import ImageAnswers
    from tilesam.model.runtime import Decoded, SamModel
    from tilesam.training.recipes import Prompting
    from tilesam.types import FloatArray, IntArray, UInt8Array


@dataclass(frozen=True, eq=False)
class VariantSubject:
    """A network that is asked as it was in training.

    Parameters
    ----------
    model
        The network.
    prompting
        What it was trained with. With the usual one it is a `SamSubject`.
    """

    model: SamModel
    prompting: Prompting

    @property
    def name(self) -> str:
        """Of the model."""
        return self.model.name

    @property
    def identity(self) -> Mapping[str, Any]:
        """Of the network, and how it is asked."""
        return {**SamSubject(self.model).identity, **vars(self.prompting)}

    def open(self, image: UInt8Array) -> ImageAnswers:
        """Embed an image."""
        answers: ImageAnswers
        if self.prompting.multimask_output:
            answers = SamSubject(self.model).open(image)
        else:
            embedding = self.model.embed([image])[0]
            answers = SingleMaskAnswers(self.model, embedding, image.shape[:2])
        return answers if self.prompting.mask_feedback else WithoutFeedback(answers)


@dataclass(frozen=True, eq=False)
class WithoutFeedback:
    """Answers that further prompts are not told of."""

    answers: ImageAnswers

    def points(
        self, points_yx: FloatArray, labels: IntArray, feedback: Any = None
    ) -> Answers:
        """Answer points; there is no feedback to give with the next ones."""
        return replace(self.answers.points(points_yx, labels, feedback), feedback=None)

    def boxes(self, boxes_yxyx: FloatArray) -> Answers:
        """Answer boxes."""
        return replace(self.answers.boxes(boxes_yxyx), feedback=None)


@dataclass(frozen=True, eq=False)
class SingleMaskAnswers:
    """Answers of the single mask to whatever is asked, a single point included.

    Parameters
    ----------
    model
        The network.
    embedding
        (256, g, g).
    image_hw
        Height and width of the image, and of the masks.
    """

    model: SamModel
    embedding: Tensor
    image_hw: tuple[int, int]

    def points(
        self, points_yx: FloatArray, labels: IntArray, feedback: Any = None
    ) -> Answers:
        """Answer points, together with the logits of the masks that they correct."""
        points_xy = points_yx_to_input_xy(points_yx, self._window, self._size)
        decoded = self.model.decode(
            self.embedding,
            points_xy=points_xy,
            point_labels=labels,
            mask_input=feedback,
        )
        return self._shown(decoded)

    def boxes(self, boxes_yxyx: FloatArray) -> Answers:
        """Answer boxes."""
        boxes_xyxy = boxes_yxyx_to_input_xyxy(boxes_yxyx, self._window, self._size)
        return self._shown(
            self.model.decode(self.embedding, boxes_xyxy=boxes_xyxy[:, None])
        )

    @property
    def _window(self) -> Window:
        return Window(0, 0, *self.image_hw)

    @property
    def _size(self) -> int:
        return self.model.input_size

    def _shown(self, decoded: Decoded) -> Answers:
        logits, iou = (part[:, :1] for part in decoded)
        masks = self.model.logits_to_window(logits, self.image_hw) > 0
        return Answers(
            masks.cpu().numpy(),
            iou.cpu().numpy().astype(np.float32),
            logits[:, 0].cpu().numpy(),
        )
