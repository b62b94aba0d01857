"""What the refiner is trained on: real images, and scenes rendered once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.training.scenes import SCENES, render_scene

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tilesam.training.datasets import Sample

SCENE_DOMAIN = "scenes"
"""Nearly all kinds of scenes count as one domain when images are drawn."""

DOMAINS_OF_THEIR_OWN = frozenset({"scene_tails"})
"""Kinds of scenes that are drawn as often as a domain of real images."""

SCENE_SIZE = 384
"""Pixels; about that of the images that the embedded model was trained on."""

_SEED = 7


def with_scenes(images: Iterable[Sample], count: int) -> list[Sample]:
    """Return images and, after them, rendered scenes of all kinds in turn.

    Parameters
    ----------
    count
        Of scenes; the first ones are the same whatever their number.
    """
    kinds = sorted(SCENES)
    scenes = [
        render_scene(
            kinds[i % len(kinds)],
            size=SCENE_SIZE,
            rng=np.random.default_rng((_SEED, i)),
        )
        for i in range(count)
    ]
    return [*images, *scenes]


def domain_of(sample: Sample) -> str:
    """Return the domain that a sample counts to when samples are drawn."""
    if sample.domain in DOMAINS_OF_THEIR_OWN or not sample.domain.startswith("scene_"):
        return sample.domain
    return SCENE_DOMAIN
