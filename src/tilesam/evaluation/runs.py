"""Every labelled object of every image asked for, and how good the answers are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tilesam.errors import DatasetError
from tilesam.evaluation.asking import Asked
from tilesam.evaluation.metrics import ObjectScore
from tilesam.image import open_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from tilesam.evaluation.asking import AskObjects
    from tilesam.model.runtime import SamModel
    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray


class Samples(Protocol):
    """Anything like a `ManifestDataset`: samples by index, and their domains."""

    def __len__(self) -> int:
        """Return the number of samples."""

    def __getitem__(self, index: int) -> Sample:
        """Return one sample."""

    @property
    def domains(self) -> list[str]:
        """The domain of each sample."""


@dataclass(frozen=True)
class Limits:
    """How much is evaluated.

    Parameters
    ----------
    images_per_domain, objects_per_image
        None for all. Fewer are taken evenly spaced from the list of all, hence always
        the same.
    prompts_at_once
        Prompts that are decoded together; more need more memory.
    """

    images_per_domain: int | None = None
    objects_per_image: int | None = None
    prompts_at_once: int = 32


def evaluate(
    model: SamModel,
    samples: Samples,
    ask: AskObjects,
    *,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[ObjectScore]:
    """Score every object of every sample.

    Parameters
    ----------
    ask
        `ask_with_points` or `ask_with_boxes`.
    limits
        By default everything is evaluated.
    progress
        Is called after each image with (images done, images in all).

    Returns
    -------
    list of ObjectScore
        In the order of samples, layers and ids.

    Raises
    ------
    DatasetError
        If no sample has an object.
    """
    limits = limits or Limits()
    chosen = choose_images(samples.domains, limits.images_per_domain)
    rows: list[ObjectScore] = []
    for done, index in enumerate(chosen, start=1):
        rows += evaluate_sample(model, samples[index], ask, limits=limits)
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise DatasetError(
            f"none of the {len(chosen)} images has a labelled object; expected label "
            "images with ids above 0; check the split and its label files"
        )
    return rows


def evaluate_sample(
    model: SamModel,
    sample: Sample,
    ask: AskObjects,
    *,
    limits: Limits,
) -> list[ObjectScore]:
    """Score the objects of one image, which is embedded once; none gives no rows."""
    objects = list(objects_of(sample))
    objects = [objects[i] for i in spaced(len(objects), limits.objects_per_image)]
    if not objects:
        return []
    embedding = model.embed([sample.image])[0]
    source = open_image(sample.image, channel_axis=2)
    rows: list[ObjectScore] = []
    for start in range(0, len(objects), limits.prompts_at_once):
        batch = objects[start : start + limits.prompts_at_once]
        layers = sample.label_layers
        truth = np.stack([layers[layer] == number for layer, number in batch])
        scores = ask(Asked(model, embedding, truth, source))
        rows += _to_rows(sample, batch, truth, scores)
    return rows


def choose_images(domains: Sequence[str], per_domain: int | None) -> list[int]:
    """Return the indices of the images that are evaluated, ascending.

    Parameters
    ----------
    domains
        Of each image.
    per_domain
        Upper limit; the images of larger domains are thinned out evenly.
    """
    chosen: list[int] = []
    for domain in set(domains):
        indices = [index for index, name in enumerate(domains) if name == domain]
        chosen += [indices[i] for i in spaced(len(indices), per_domain)]
    return sorted(chosen)


def spaced(count: int, at_most: int | None) -> list[int]:
    """Return numbers below `count`, at most so many, evenly spaced."""
    if at_most is None or count <= at_most:
        return list(range(count))
    return [index * count // at_most for index in range(at_most)]


def objects_of(sample: Sample) -> Iterator[tuple[int, int]]:
    """Yield layer and id of every object."""
    for layer, labels in enumerate(sample.label_layers):
        for number in np.unique(labels):
            if number > 0:
                yield layer, int(number)


def _to_rows(
    sample: Sample,
    objects: Sequence[tuple[int, int]],
    truth: BoolArray,
    scores: Mapping[str, NDArray[np.float32]],
) -> Iterator[ObjectScore]:
    areas = truth.sum(axis=(1, 2))
    for n, (layer, number) in enumerate(objects):
        own = {name: float(values[n]) for name, values in scores.items()}
        yield ObjectScore(sample.domain, sample.name, layer, number, int(areas[n]), own)
