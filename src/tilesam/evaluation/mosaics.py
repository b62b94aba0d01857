"""Pictures of several labelled images side by side, drawn at random but repeatably."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from tilesam.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.evaluation.folders import LabelledImages
    from tilesam.types import IntArray, UInt8Array

SIDE = 256
"""Of the part of each image, in pixels."""

DOMAINS, IMAGES = 3, 3
"""Of each mosaic; the images of a domain lie anywhere among the others."""

OBJECTS = 10
"""At most of each image, so that none outweighs the others."""

FEWEST_PIXELS = 40
"""What has less of an object, or less than half of it, has none."""


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Parts of images in rows, and whose the objects are.

    Parameters
    ----------
    image
        (H, W, 3) uint8.
    labels
        (H, W) 1 to N, 0 is background.
    domains, names
        (N,) of the image that each object is from.
    """

    image: UInt8Array
    labels: IntArray
    domains: Sequence[str]
    names: Sequence[str]


def usable_domains(images: LabelledImages) -> list[str]:
    """Return the domains that have enough images for a mosaic.

    Raises
    ------
    DatasetError
        If there are not enough domains.
    """
    counts = {domain: images.domains.count(domain) for domain in set(images.domains)}
    usable = sorted(domain for domain, count in counts.items() if count >= IMAGES)
    if len(usable) < DOMAINS:
        raise DatasetError(
            f"the images are of {len(counts)} domain(s), and {len(usable)} of them "
            f"have {IMAGES} images; expected {DOMAINS} such domains, which the column "
            "'domain' of a manifest names; choose another folder or split"
        )
    return usable


def draw_mosaic(
    images: LabelledImages, domains: Sequence[str], rng: np.random.Generator
) -> Mosaic:
    """Return a mosaic of some images of some domains.

    Parameters
    ----------
    images
        Labelled.
    domains
        Those of `usable_domains`.
    rng
        Chooses everything.
    """
    whole = np.zeros((DOMAINS * SIDE, IMAGES * SIDE, 3), np.uint8)
    labels = np.zeros(whole.shape[:2], np.int64)
    places = iter(rng.permutation(DOMAINS * IMAGES).tolist())
    of_domains: list[str] = []
    of_names: list[str] = []
    for domain in rng.choice(domains, DOMAINS, replace=False).tolist():
        indices = [i for i, other in enumerate(images.domains) if other == domain]
        for index in rng.choice(indices, IMAGES, replace=False).tolist():
            sample = images[index]
            part, own = _cut(sample.image, sample.label_layers[0], rng)
            y, x = (SIDE * at for at in divmod(next(places), IMAGES))
            whole[y : y + SIDE, x : x + SIDE] = part
            first, count = len(of_domains), int(own.max())
            labels[y : y + SIDE, x : x + SIDE] = np.where(own > 0, own + first, 0)
            of_domains += [domain] * count
            of_names += [sample.name] * count
    return Mosaic(whole, labels, of_domains, of_names)


def _cut(
    image: UInt8Array, labels: IntArray, rng: np.random.Generator
) -> tuple[UInt8Array, IntArray]:
    """Return a square of an image, enlarged if it is too small, and some objects."""
    shortest = min(labels.shape)
    if shortest < SIDE:
        hw = [max(SIDE, round(side * SIDE / shortest)) for side in labels.shape]
        enlarged = Image.fromarray(image).resize(hw[::-1], Image.Resampling.BILINEAR)
        image = np.asarray(enlarged)
        rows, columns = (
            np.arange(new) * old // new
            for new, old in zip(hw, labels.shape, strict=True)
        )
        labels = labels[rows[:, np.newaxis], columns]
    y, x = (int(rng.integers(side - SIDE + 1)) for side in labels.shape)
    own = labels[y : y + SIDE, x : x + SIDE]
    names, counts = np.unique(own[own > 0], return_counts=True)
    sizes = np.bincount(labels.ravel())[names]
    is_there = (counts >= FEWEST_PIXELS) & (2 * counts >= sizes)
    chosen = rng.permutation(names[is_there])[:OBJECTS]
    new = np.zeros(int(labels.max()) + 1, np.int64)
    new[chosen] = np.arange(1, len(chosen) + 1)
    return image[y : y + SIDE, x : x + SIDE], new[own]
