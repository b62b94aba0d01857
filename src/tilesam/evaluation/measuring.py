"""An experiment on all images of a folder, image by image, resumable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tilesam.errors import DatasetError
from tilesam.evaluation.results import KeptResults, key_of
from tilesam.evaluation.runs import choose_images

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tilesam.evaluation.experiments.experiment import Experiment
    from tilesam.evaluation.folders import LabelledImages


@dataclass(frozen=True)
class Measured:
    """The figures of all images.

    Parameters
    ----------
    results
        Of each image with objects: `domain`, `image`, `index`, `columns`, `rows` and
        whatever else the experiment measures.
    empty
        Names of the images whose labels are empty; they were left out.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)


def measure_images(
    experiment: Experiment,
    images: LabelledImages,
    *,
    images_per_domain: int | None = None,
    kept: KeptResults | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Measured:
    """Measure one image after the other.

    Parameters
    ----------
    experiment
        What to do with each.
    images
        Labelled.
    images_per_domain
        At most so many, see `choose_images`.
    kept
        Where results of an earlier run are, and those of this one go.
    progress
        Is called after each image with (images done, images in all).

    Raises
    ------
    DatasetError
        If an image cannot be used, or none has an object.
    """
    kept = kept or KeptResults()
    chosen = choose_images(images.domains, images_per_domain)
    measured = Measured()
    asked = {"protocol": experiment.name, **experiment.identity, **experiment.settings}
    for done, index in enumerate(chosen, start=1):
        sample = images[index]
        if sample.label_layers.any():
            key = key_of(sample, asked)
            result = kept.read(key)
            if result is None:
                result = experiment.measure(sample)
                kept.write(key, result)
            place = _place(sample.domain, sample.name, index, images.columns[index])
            measured.results.append({**place, **result})
        else:
            measured.empty.append(sample.name)
        if progress is not None:
            progress(done, len(chosen))
    if not measured.results:
        raise DatasetError(
            f"none of the {len(chosen)} images has a labelled object, the first being "
            f"'{measured.empty[0]}'; expected label images with ids above 0; check the "
            "split and its label files"
        )
    return measured


def _place(
    domain: str, image: str, index: int, columns: Mapping[str, str]
) -> dict[str, Any]:
    return {"domain": domain, "image": image, "index": index, "columns": dict(columns)}
