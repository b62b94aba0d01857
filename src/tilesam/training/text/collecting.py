"""All masks that a run learns from: images, scenes, and what the decoder proposes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from tilesam.session import Session
from tilesam.text.proposals import Proposals, text_settings
from tilesam.text.words import TAGS
from tilesam.training.scenes import SCENES, render_scene
from tilesam.training.text.samples import MaskSamples, from_sample
from tilesam.training.text.truths import FALSE, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tilesam.masks.run_masks import RunMasks
    from tilesam.model.runtime import SamModel
    from tilesam.training.datasets import Sample
    from tilesam.training.manifest import ManifestDataset, ManifestRow

SCENE_SIZE = 256
HELD_OUT_OF = 4
"""One in so many images of a domain is held out: thresholds are set on these."""

SMALL_DOMAIN = 10
"""Of domains with fewer images none is held out."""


def is_held_out(row: ManifestRow, images_of_domain: int) -> bool:
    """Return whether an image is left for setting thresholds; always the same ones."""
    if images_of_domain < SMALL_DOMAIN:
        return False
    return zlib.crc32(f"{row.domain}/{row.image.stem}".encode()) % HELD_OUT_OF == 0


def propose(sample: Sample, model: SamModel, work: Path | None) -> Proposals:
    """Return what segment everything proposes in an image, or what is in the folder.

    Parameters
    ----------
    sample
        The image.
    model
        That decodes.
    work
        Folder for the masks of this image; None keeps them nowhere.
    """
    session = Session.open(sample.image, model=model)
    settings = text_settings(model.network.config)
    decoded = session.decode_everything(settings=settings, work=work)
    return Proposals.of(decoded)


def choose_proposed(images: ManifestDataset, share: float) -> set[int]:
    """Return the numbers of images whose proposals are learned from.

    Parameters
    ----------
    images
        The training split; what is held out is not chosen.
    share
        Of the images of each domain, at least four where there are so many.
    """
    chosen: set[int] = set()
    for domain in set(images.domains):
        own = [i for i, name in enumerate(images.domains) if name == domain]
        learned = [i for i in own if not is_held_out(images.rows[i], len(own))]
        count = min(max(round(share * len(learned)), 4), len(learned))
        if share > 0:
            chosen.update(learned[i * len(learned) // count] for i in range(count))
    return chosen


def collect(
    images: ManifestDataset,
    proposals: Callable[[int], RunMasks | None],
    *,
    scenes: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> MaskSamples:
    """Return masks of all images that are not held out, and of scenes.

    Parameters
    ----------
    images
        The training split.
    proposals
        Masks that were proposed in an image, by its number; None where none were.
    scenes
        How many of each kind are rendered.
    seed
        Of the scenes, and of what is chosen and spoiled.
    progress
        Called with (done, total).
    """
    counts = {name: images.domains.count(name) for name in set(images.domains)}
    parts: list[MaskSamples] = []
    total = len(images) + scenes * len(SCENES)
    for index in range(total):
        rng = np.random.default_rng((seed, index))
        if index < len(images):
            row = images.rows[index]
            if is_held_out(row, counts[row.domain]):
                continue
            sample = images[index]
            part = from_sample(sample, rng, proposals(index))
        else:
            kind = sorted(SCENES)[index % len(SCENES)]
            part = from_sample(render_scene(kind, size=SCENE_SIZE, rng=rng), rng)
            if kind == "roofs" and part is not None:
                _doubt_trees(part)
        if part is not None:
            parts.append(part)
        if progress is not None:
            progress(index + 1, total)
    return MaskSamples.join(parts)


def _doubt_trees(part: MaskSamples) -> None:
    """Scenes label trees among the buildings: what is green may be one."""
    green, building = TAGS.index("green"), TAGS.index("building")
    is_green = part.truths[:, green] != FALSE
    is_object = part.truths[:, building] != FALSE
    part.truths[is_green & is_object, building] = UNKNOWN
