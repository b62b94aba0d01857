"""The backend that comes with the package: it knows what it was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch.nn import functional as F

from tilesam.masks.run_masks import RunMasks
from tilesam.predictor import answer_prompts
from tilesam.prompts import build_prompts
from tilesam.text.backends import INSTALL
from tilesam.text.correction import correct
from tilesam.text.network import MOST_WORDS
from tilesam.text.redecoding import redecode
from tilesam.text.scored import ScoredMasks
from tilesam.text.views import look_at, to_input
from tilesam.text.vocabulary import (
    concepts,
    nearest,
    numbers_of,
    read_phrase,
)
from tilesam.text.weights import embedded_text_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.text.backends import AskedImage
    from tilesam.text.network import TextNetwork
    from tilesam.text.proposals import Proposals
    from tilesam.text.query import TextQuery
    from tilesam.types import FloatArray

THRESHOLD = 0.35
"""Chosen on training images that were not learned from, see the model card."""

AT_ONCE = 64
"""Masks that are encoded together."""


class EmbeddedBackend:
    """Scores proposals by the likeness of mask and phrase.

    Parameters
    ----------
    network
        Both encoders; by default those of the package.
    """

    name = "embedded"

    def __init__(self, network: TextNetwork | None = None) -> None:
        self.network = embedded_text_network() if network is None else network
        # Of the proposals that were asked last: other phrases need them again.
        self._seen: WeakKeyDictionary[Proposals, Tensor] = WeakKeyDictionary()

    def concepts(self) -> tuple[str, ...]:
        """Return the nouns that are known."""
        return concepts()

    def notice(self, query: TextQuery) -> str | None:
        """Return which words are not known, and what to do; None if all are."""
        notices = [_about(phrase) for phrase in (query.phrase, *query.negative_phrases)]
        return " ".join(notice for notice in notices if notice) or None

    def find(self, query: TextQuery, asked: AskedImage) -> ScoredMasks:
        """Return proposals with scores; none if it is not known what is meant."""
        notice = self.notice(query)
        if not read_phrase(query.phrase).has_thing:
            # Nothing is decoded in vain.
            return ScoredMasks.none(
                asked.image.image_hw, threshold=THRESHOLD, notice=notice
            )
        proposals = asked.proposals()
        scores = self._scores(query, proposals, asked)
        found = ScoredMasks.of(
            proposals, scores.astype(np.float32), threshold=THRESHOLD, notice=notice
        )
        if query.redecode:
            meant = self.embed_phrases([query.phrase])
            return redecode(found, asked.image, self.network, meant)
        return found

    def _scores(
        self, query: TextQuery, proposals: Proposals, asked: AskedImage
    ) -> FloatArray:
        masks = self._embeddings(proposals)
        phrases = self.embed_phrases([query.phrase, *query.negative_phrases])
        meant = self._with_exemplars(phrases[:1], query, asked)
        with torch.inference_mode():
            logits = self.network.logits(masks, torch.cat([meant, phrases[1:]]))
        values = logits.double().numpy()
        corrected = correct(
            *(values[:, 0], masks.double().numpy(), proposals.masks),
            *(query.points_yx, query.point_labels),
        )
        unwanted = _sigmoid(values[:, 1:]).max(axis=1, initial=0.0)
        scores: FloatArray = _sigmoid(corrected) * (1 - unwanted)
        return scores

    def embed_phrases(self, phrases: Sequence[str]) -> Tensor:
        """Return (K, D) unit vectors; of phrases without a known word, zeros."""
        numbers = torch.from_numpy(numbers_of(phrases, MOST_WORDS))
        embedded = torch.zeros(len(phrases), self.network.text.out.out_features)
        is_known = (numbers > 0).any(dim=1)
        if is_known.any():
            with torch.inference_mode():
                embedded[is_known] = self.network.text(numbers[is_known])
        return embedded

    def embed_masks(self, source: ImageSource, masks: RunMasks) -> Tensor:
        """Return (N, D) unit vectors of what masks show."""
        parts = [torch.zeros(0, self.network.text.out.out_features)]
        for start in range(0, len(masks), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(masks)))
            views, measures = look_at(source, masks, rows)
            with torch.inference_mode():
                parts.append(
                    self.network.crops(to_input(views), torch.from_numpy(measures))
                )
        return torch.cat(parts)

    def _embeddings(self, proposals: Proposals) -> Tensor:
        if proposals not in self._seen:
            found = self.embed_masks(proposals.source, proposals.masks)
            self._seen[proposals] = found
        return self._seen[proposals]

    def _with_exemplars(
        self, phrase: Tensor, query: TextQuery, asked: AskedImage
    ) -> Tensor:
        """Return the mean of a phrase and of the masks in exemplar boxes."""
        if not len(query.exemplar_boxes_yxyx):
            return phrase
        image = asked.image
        crops, places = [], []
        for box in query.exemplar_boxes_yxyx:
            best = answer_prompts(
                *(image.model, image.grid, image.embeddings.get),
                build_prompts(boxes_yxyx=box, image_hw=image.image_hw),
                finest_level=image.finest_level,
                source=image.source,
            )[0]
            if best.area:
                crops.append(best.mask)
                places.append(best.offset_yx)
        if not crops:
            return phrase
        seen = self.embed_masks(image.source, RunMasks.from_crops(crops, places))
        return F.normalize(phrase + F.normalize(seen.mean(dim=0, keepdim=True)))


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-values)))


def _about(phrase: str) -> str | None:
    """Return what to say of a phrase; None if all of it is known."""
    read = read_phrase(phrase)
    if read.has_thing and not read.unknown:
        return None
    near = [noun for word in read.unknown for noun in nearest(word)]
    known = ", ".join(dict.fromkeys(near or _COMMON))
    if read.has_thing:
        words = ", ".join(repr(word) for word in read.unknown)
        return (
            f"{words} in {_short(phrase)} is not known to the embedded model and was "
            f"left out; to search by any word: {INSTALL}"
        )
    what = "nearest to it" if near else "known"
    return (
        f"what {_short(phrase)} means is not known to the embedded model, which looks "
        f"for nothing else than it was trained on; {what}: {known}; to search by any "
        f"word: {INSTALL}"
    )


def _short(phrase: str) -> str:
    return repr(phrase if len(phrase) <= 40 else f"{phrase[:37]}...")


_COMMON = (
    "nucleus",
    "cell",
    "bacterium",
    "neurite",
    "chloroplast",
    "building",
    "leaf",
    "leaf lesion",
)
