"""What all experiments have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.evaluation.metrics import ObjectScore
from tilesam.evaluation.runs import objects_of, spaced

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tilesam.evaluation.runs import Limits
    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray, FloatArray, UInt8Array


@dataclass(frozen=True, eq=False)
class Shown:
    """One case as a picture.

    Parameters
    ----------
    image
        (H, W, 3) uint8.
    truth, answer
        (H, W) bool or integer labels.
    points_yx, boxes_yxyx
        What was asked.
    """

    image: UInt8Array
    truth: Any
    answer: Any
    points_yx: Sequence[Sequence[float]] = field(default=())
    boxes_yxyx: Sequence[Sequence[float]] = field(default=())


class Experiment(Protocol):
    """A protocol with its settings and who is asked."""

    @property
    def name(self) -> str:
        """Of the protocol."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Plain values of who is asked."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Plain values that the results depend on."""

    @property
    def ranked_by(self) -> str:
        """Name of the score by which cases are the best or the worst."""

    def measure(self, sample: Sample) -> dict[str, Any]:
        """Return the figures of one image as plain data, with a list `rows`."""

    def show(self, sample: Sample, row: ObjectScore) -> Shown:
        """Ask about one case again, for a picture."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Some objects of an image, asked about together.

    Parameters
    ----------
    objects
        Layer and id of each.
    truth
        (N, H, W) bool.
    names
        Of each, unlike those of all other objects.
    """

    objects: Sequence[tuple[int, int]]
    truth: BoolArray
    names: Sequence[str]


def batches(sample: Sample, limits: Limits) -> Iterator[Batch]:
    """Yield the objects of an image, so many at a time."""
    objects = list(objects_of(sample))
    objects = [objects[i] for i in spaced(len(objects), limits.objects_per_image)]
    for start in range(0, len(objects), limits.prompts_at_once):
        yield batch_of(sample, objects[start : start + limits.prompts_at_once])


def batch_of(sample: Sample, objects: Sequence[tuple[int, int]]) -> Batch:
    """Return some objects of an image with their masks."""
    layers = sample.label_layers
    truth = np.stack([layers[layer] == number for layer, number in objects])
    names = [f"{sample.name}/{layer}/{number}" for layer, number in objects]
    return Batch(objects, truth, names)


def rows_of(batch: Batch, scores: Mapping[str, FloatArray]) -> Iterator[dict[str, Any]]:
    """Yield the row of each object as plain data.

    Parameters
    ----------
    batch
        The objects.
    scores
        (N,) each.
    """
    areas = batch.truth.sum(axis=(1, 2))
    for n, (layer, number) in enumerate(batch.objects):
        own = {name: round(float(values[n]), 6) for name, values in scores.items()}
        yield {
            "layer": layer,
            "object_id": number,
            "area": int(areas[n]),
            "scores": own,
        }


def to_scores(results: Sequence[Mapping[str, Any]]) -> list[ObjectScore]:
    """Return the rows of all results, with where they are."""
    return [
        ObjectScore(result["domain"], result["image"], **row)
        for result in results
        for row in result["rows"]
    ]
