"""Masks of the decoder, asked again of the refiner."""

from __future__ import annotations

import copy
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from tilesam.model.refining.cutting import cut_best
from tilesam.model.refining.frames import corners_of
from tilesam.model.refining.inputs import stack_inputs
from tilesam.model.refining.refined import Refined, to_window
from tilesam.model.refining.region import (
    AROUND_BOX,
    AROUND_MASK,
    HUGE,
    LARGE,
    LARGE_BY_BOX,
    LARGER,
    MUCH_LARGER,
    region_around,
)
from tilesam.model.refining.showing import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.image import ImageSource
    from tilesam.model.refining.network import Refiner
    from tilesam.model.refining.questions import Question
    from tilesam.types import Float32Array, Window

CPU = torch.device("cpu")

REGIONS_AT_ONCE = 16
"""So many are answered in one pass."""


class MaskRefiner:
    """A refiner with weights, on a device.

    Parameters
    ----------
    network
        Is copied.
    weights_sha256
        Of its file, in hexadecimal.
    input_size
        Of the model whose masks it refines, in pixels.
    device
        That of the model.
    dtype
        Precision in which the network convolves.
    """

    def __init__(
        self,
        network: Refiner,
        *,
        weights_sha256: str,
        input_size: int,
        device: torch.device = CPU,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.network = copy.deepcopy(network).to(device).eval()
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Beside the exact one, from which `on` makes others.
        self._answering = in_precision(self.network, dtype)
        self.weights_sha256 = weights_sha256
        self.input_size = input_size
        self.device = device
        self.dtype = dtype

    def on(
        self, device: torch.device, dtype: torch.dtype = torch.float32
    ) -> MaskRefiner:
        """Return the same refiner on a device, in a precision."""
        if (device, dtype) == (self.device, self.dtype):
            return self
        return MaskRefiner(
            self.network,
            weights_sha256=self.weights_sha256,
            input_size=self.input_size,
            device=device,
            dtype=dtype,
        )

    @property
    def size(self) -> int:
        """Side of the regions that the network knows best, in pixels."""
        return self.network.config.size

    def refine(
        self, questions: Sequence[Question], source: ImageSource
    ) -> list[Refined | None]:
        """Refine masks of one image.

        Returns
        -------
        list
            None where neither a prompt nor a mask says where to look.

        Raises
        ------
        ImageReadError
            If the image cannot be read there.
        """
        results: list[Refined | None] = [None] * len(questions)
        asked: dict[int, list[tuple[int, Question, Window]]] = defaultdict(list)
        for i, question in enumerate(questions):
            region = self.region_of(question, source.hw)
            if region is not None:
                asked[self.size_of(question, region)].append((i, question, region))
        for size, of_size in asked.items():
            for start in range(0, len(of_size), REGIONS_AT_ONCE):
                some = of_size[start : start + REGIONS_AT_ONCE]
                pairs = [(question, region) for _, question, region in some]
                answers = self._answer(pairs, source, size)
                for (i, _, _), answer in zip(some, answers, strict=True):
                    results[i] = answer
        return results

    def region_of(self, question: Question, image_hw: tuple[int, int]) -> Window | None:
        """Return where to look, or None if nobody says where."""
        places = list(question.boxes_yxyx.reshape(-1, 2))
        places += list(question.points_yx[question.point_labels == 1])
        if not len(question.boxes_yxyx):
            for logits in (question.earlier, question.answer):
                if logits is not None:
                    places += corners_of(logits, question.window, self.input_size)
        if not places:
            return None
        inside = np.clip(np.array(places), 0, np.array(image_hw) - 1)
        (y0, x0), (y1, x1) = inside.min(axis=0), inside.max(axis=0)
        around = AROUND_BOX if len(question.boxes_yxyx) else AROUND_MASK
        return region_around((y0, x0, y1, x1), around)

    def size_of(self, question: Question, region: Window) -> int:
        """Return the side of what the network is shown of a region, in pixels."""
        if region.height >= HUGE * self.size:
            return self.size * MUCH_LARGER
        large = LARGE_BY_BOX if len(question.boxes_yxyx) else LARGE
        return self.size * (LARGER if region.height >= large * self.size else 1)

    def _answer(
        self, asked: Sequence[tuple[Question, Window]], source: ImageSource, size: int
    ) -> list[Refined]:
        """Answer questions about regions that are shown at one size."""
        # At least one of each, if only of padding: no tensor is empty then.
        points = max(1, *(len(question.points_yx) for question, _ in asked))
        boxes = max(1, *(len(question.boxes_yxyx) for question, _ in asked))
        shown = [
            show(*(question, region, size, source), input_size=self.input_size).padded(
                points, boxes
            )
            for question, region in asked
        ]
        channels = stack_inputs(shown).channels()
        channels = channels.to(
            self.device, self.dtype, memory_format=torch.channels_last
        )
        with torch.inference_mode():
            output = self._answering(channels)
        has_box = [len(question.boxes_yxyx) > 0 for question, _ in asked]
        logits = cut_best(output.logits.float().cpu(), torch.tensor(has_box)).numpy()
        iou = output.predicted_iou.cpu().numpy()
        return [
            Refined(region, logits[i], float(iou[i]))
            for i, (_, region) in enumerate(asked)
        ]

    def to_window(self, refined: Refined, window: Window, side: int) -> Float32Array:
        """Return refined logits as (side, side) low-resolution ones of a window."""
        return to_window(refined, window, side, input_size=self.input_size)


def in_precision(network: Refiner, dtype: torch.dtype) -> Refiner:
    """Return a network whose layers that multiply are converted, a copy if need be.

    Done once; autocast would do it at every answer. Batch normalisation keeps its
    statistics in float32.
    """
    if dtype == torch.float32:
        return network
    network = copy.deepcopy(network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.to(dtype)
    return network
