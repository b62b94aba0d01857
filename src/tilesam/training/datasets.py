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


def sampling_weights(domains: Sequence[str], *, power: float = 0.5) -> FloatArray:
    """Return how often to draw each sample so that small domains are not drowned.

    Parameters
    ----------
    domains
        The domain of each sample.
    power
        A domain of n samples is drawn in proportion to n ** power: 1 draws all
        samples alike, 0 all domains alike.

    Returns
    -------
    FloatArray
        (len(domains),) float64, sums to one.
    """
    counts = Counter(domains)
    weights = np.array([counts[domain] ** (power - 1.0) for domain in domains])
    return np.asarray(weights / weights.sum(), dtype=np.float64)
