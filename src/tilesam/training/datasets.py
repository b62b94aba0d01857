"""What training reads: an image with nested layers of labelled objects."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.types import FloatArray, UInt8Array

LabelLayers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Sample:
    """One image and the objects in it.

    Parameters
    ----------
    image
        (H, W, 3) uint8, RGB; grey images have three equal channels.
    label_layers
        (L, H, W) int32, 0 is background. An id is one object, also where it has
        several components, and means nothing outside of its layer. Where L > 1
        layer 0 holds wholes, layer 1 parts of these and layer 2 parts of parts.
    domain
        Kind of image, for balanced sampling and figures per domain.
    name
        For messages and logs.
    """

    image: UInt8Array
    label_layers: LabelLayers
    domain: str
    name: str


def sampling_weights(
    domains: Sequence[str], objects: Sequence[int], *, power: float = 0.5
) -> FloatArray:
    """Return how often to draw each sample so that small domains are not drowned.

    Parameters
    ----------
    domains
        The domain of each sample.
    objects
        The number of objects of each sample. A domain counts by its objects, because
        a sample with a hundred of them teaches more than a sample with one.
    power
        A domain of n objects is drawn in proportion to n ** power, and each of its
        samples alike; 0 draws all domains alike.

    Returns
    -------
    FloatArray
        (len(domains),) float64, sums to one.
    """
    samples = Counter(domains)
    total: Counter[str] = Counter()
    for domain, count in zip(domains, objects, strict=True):
        total[domain] += max(count, 1)
    weights = np.array([total[d] ** power / samples[d] for d in domains])
    return np.asarray(weights / weights.sum(), dtype=np.float64)
