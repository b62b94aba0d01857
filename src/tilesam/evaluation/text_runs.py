"""A run over labelled images: what is proposed in each, and what phrases make of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tilesam.evaluation.runs import choose_images
from tilesam.evaluation.text import Answer, TextResult, ask_all, retrieve
from tilesam.session import Session
from tilesam.text.backends import AskedImage
from tilesam.text.proposals import Proposals, text_settings
from tilesam.text.query import build_query

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tilesam.model.runtime import SamModel
    from tilesam.text.embedded import EmbeddedBackend
    from tilesam.text.scored import ScoredMasks
    from tilesam.training.datasets import Sample
    from tilesam.training.manifest import ManifestDataset
    from tilesam.types import BoolArray


def evaluate_texts(
    model: SamModel,
    samples: ManifestDataset,
    backend: EmbeddedBackend,
    *,
    folder: Callable[[int], Path | None] = lambda _: None,
    images_per_domain: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TextResult:
    """Ask all phrases about all images.

    Parameters
    ----------
    model
        That proposes masks.
    samples
        One split.
    backend
        That scores them.
    folder
        Where the masks of an image are kept, by its number; None keeps them nowhere.
    images_per_domain
        At most so many, spread evenly; None for all.
    progress
        Called after each image with (done, total).
    """
    answers: list[Answer] = []
    retrieved: dict[str, list[BoolArray]] = {}
    chosen = choose_images(samples.domains, images_per_domain)
    for done, index in enumerate(chosen, start=1):
        sample = samples[index]
        hits = retrieve(sample, backend)
        retrieved.setdefault(sample.domain, []).append(hits)
        answers += ask_all(sample, _asking(sample, model, backend, folder(index)))
        if progress is not None:
            progress(done, len(chosen))
    joined = {name: np.concatenate(some) for name, some in retrieved.items()}
    return TextResult(answers, joined)


def _asking(
    sample: Sample, model: SamModel, backend: EmbeddedBackend, work: Path | None
) -> Callable[[str], ScoredMasks]:
    """Return a function that asks one phrase about an image, which is decoded once."""
    session = Session.open(sample.image, model=model)
    settings = text_settings(model.network.config)
    proposals = Proposals.of(session.decode_everything(settings=settings, work=work))
    asked = AskedImage(session, None, lambda: proposals)

    def ask(phrase: str) -> ScoredMasks:
        return backend.find(build_query(phrase, image_hw=session.image_hw), asked)

    return ask
