"""What the mask decoder says of the training objects, asked once and then kept.

The refiner learns from the answers that it will be given. They are made of images that
are not warped; the regions are, together with the answers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import find_objects

from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.model.refining.frames import cell_centres
from tilesam.training.augmentation import SMALLEST_PROMPTABLE_AREA
from tilesam.types import Window
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.model.runtime import SamModel
    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray, Float32Array, FloatArray

_FORMAT = 2
"""Of the kept files; another one is asked for again."""

_STEPS_PER_LOGIT = 8
"""Answers are kept as whole eighths from -16 to 16."""


@dataclass(frozen=True, eq=False)
class ObjectAnswers:
    """One object and what the decoder answered to a point on it and to its box.

    Parameters
    ----------
    layer, object_id
        Of the sample.
    point_yx
        (2,) where it was asked for.
    masks
        (3, 4g, 4g) int8, eighths of logits of whole, part and subpart.
    iou
        (3,) float32 of these masks with the object, in pixels of the masks.
    box_mask
        (4g, 4g) int8, the single mask for the object's tight box.
    """

    layer: int
    object_id: int
    point_yx: FloatArray
    masks: NDArray[np.int8]
    iou: Float32Array
    box_mask: NDArray[np.int8]


def unpack(logits: NDArray[np.int8]) -> Tensor:
    """Return kept logits as float32."""
    return torch.from_numpy(logits).float() / _STEPS_PER_LOGIT


class DecoderAnswers:
    """The answers about some samples, by index.

    Parameters
    ----------
    model
        Whose masks are to be refined.
    samples
        Images with labels.
    objects_per_image
        At most; a random choice that is always the same.
    folder
        Where answers are kept for the next run; they are known by the weights, the
        image and its labels.
    """

    def __init__(
        self,
        model: SamModel,
        samples: Sequence[Sample],
        *,
        objects_per_image: int = 24,
        folder: Path | None = None,
    ) -> None:
        self.model = model
        self.samples = samples
        self.objects_per_image = objects_per_image
        self.folder = folder
        self._known: dict[int, list[ObjectAnswers]] = {}

    def of(self, index: int) -> list[ObjectAnswers]:
        """Return the answers about one sample; none if it has no large object."""
        if index not in self._known:
            self._known[index] = self._find(index)
        return self._known[index]

    def _find(self, index: int) -> list[ObjectAnswers]:
        if self.folder is None:
            return self._ask(index)
        path = self.folder / f"{self._digest(index)}.npz"
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_answers(path, self._ask(index))
        return read_answers(path)

    def _digest(self, index: int) -> str:
        sample = self.samples[index]
        known = hashlib.sha256(self.model.weights_sha256.encode())
        known.update(
            repr((_FORMAT, index, self.objects_per_image, sample.image.shape)).encode()
        )
        known.update(sample.image.tobytes())
        known.update(sample.label_layers.tobytes())
        return known.hexdigest()[:32]

    def _ask(self, index: int) -> list[ObjectAnswers]:
        sample = self.samples[index]
        rng = np.random.default_rng(index)
        chosen = choose_objects(sample, self.objects_per_image, rng)
        if not chosen:
            return []
        truth = [sample.label_layers[layer] == number for layer, number in chosen]
        points = np.stack([_draw_point(mask, rng) for mask in truth])
        boxes = np.stack([box_of(np.argwhere(mask)) for mask in truth])
        embedding = self.model.embed([sample.image])[0]
        window = Window(0, 0, *sample.image.shape[:2])
        logits = self._ask_points(embedding, points, window)
        masks, iou = _pack(logits), self._judge(logits, truth)
        boxed = _pack(self._ask_boxes(embedding, boxes, window))
        return [
            ObjectAnswers(layer, number, points[i], masks[i], iou[i], boxed[i])
            for i, (layer, number) in enumerate(chosen)
        ]

    def _ask_points(
        self, embedding: Tensor, points_yx: FloatArray, window: Window
    ) -> Tensor:
        """Return (N, 3, 4g, 4g) answers to (N, 2) points."""
        xy = points_yx_to_input_xy(points_yx[:, None], window, self.model.input_size)
        decoded = self.model.decode(
            embedding, points_xy=xy, point_labels=np.ones(xy.shape[:2], np.int64)
        )
        return decoded.low_res_logits[:, 1:].cpu()

    def _ask_boxes(
        self, embedding: Tensor, boxes_yxyx: FloatArray, window: Window
    ) -> Tensor:
        """Return (N, 4g, 4g) single masks for (N, 4) boxes."""
        xyxy = boxes_yxyx_to_input_xyxy(boxes_yxyx, window, self.model.input_size)
        decoded = self.model.decode(embedding, boxes_xyxy=xyxy[:, None])
        return decoded.low_res_logits[:, 0].cpu()

    def _judge(self, logits: Tensor, truth: Sequence[BoolArray]) -> Float32Array:
        """Return the (N, 3) IoU of masks with objects, in pixels of the masks."""
        height, width = truth[0].shape
        centres = cell_centres(
            logits.shape[-1], Window(0, 0, height, width), self.model.input_size
        )
        rows, columns = np.floor(centres + 0.5).astype(np.intp)
        inside = (rows < height)[:, None] & (columns < width)
        rows, columns = rows.clip(0, height - 1), columns.clip(0, width - 1)
        small = np.stack([mask[rows[:, None], columns] & inside for mask in truth])
        found = (logits > 0).numpy() & inside
        overlap = (found & small[:, None]).sum(axis=(2, 3))
        union = (found | small[:, None]).sum(axis=(2, 3))
        return np.asarray(overlap / np.maximum(union, 1), dtype=np.float32)


def write_answers(path: Path, answers: Sequence[ObjectAnswers]) -> None:
    """Write answers to a file, whole or not at all."""
    columns: dict[str, Any] = {
        name: np.array([getattr(answer, name) for answer in answers])
        for name in ObjectAnswers.__dataclass_fields__
    }
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **columns)


def read_answers(path: Path) -> list[ObjectAnswers]:
    """Return what `write_answers` was given."""
    with np.load(path) as content:
        columns = {name: content[name] for name in content.files}
    count = len(columns["object_id"])
    return [
        ObjectAnswers(**{name: values[i] for name, values in columns.items()})
        for i in range(count)
    ]


def choose_objects(
    sample: Sample, count: int, rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return at most `count` objects as (layer, id), in random order."""
    found = promptable_objects(sample)
    return [found[i] for i in rng.permutation(len(found))[:count]]


def promptable_objects(sample: Sample, *, least_side: int = 0) -> list[tuple[int, int]]:
    """Return the objects that can be asked for, as (layer, id), ascending.

    Parameters
    ----------
    least_side
        Pixels; objects that are neither as high nor as wide are left out.
    """
    found = []
    for index, layer in enumerate(sample.label_layers):
        areas = np.bincount(layer.ravel())
        for number, place in enumerate(find_objects(layer), start=1):
            if place is None or areas[number] < SMALLEST_PROMPTABLE_AREA:
                continue
            if max(span.stop - span.start for span in place) >= least_side:
                found.append((index, number))
    return found


def box_of(pixels_yx: NDArray[np.generic]) -> FloatArray:
    """Return (y0, x0, y1, x1) of (N, 2) pixels."""
    corners = [pixels_yx.min(axis=0), pixels_yx.max(axis=0)]
    return np.concatenate(corners).astype(np.float64)


def _draw_point(mask: BoolArray, rng: np.random.Generator) -> FloatArray:
    pixels = np.argwhere(mask)
    return pixels[rng.integers(len(pixels))].astype(np.float64)


def _pack(logits: Tensor) -> NDArray[np.int8]:
    steps = (logits * _STEPS_PER_LOGIT).round().clamp(-127, 127)
    return np.asarray(steps.to(torch.int8).cpu().numpy())
