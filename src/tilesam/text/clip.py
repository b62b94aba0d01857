"""The backend that ranks proposals with any CLIP or SigLIP model.

Radford et al. 2021, "Learning Transferable Visual Models From Natural Language
Supervision": a phrase in several sentences is embedded once, and a score is the share
of the phrase among all that is compared, here negative and background phrases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from tilesam.masks.run_masks import RunMasks
from tilesam.text.clip_settings import ClipSettings
from tilesam.text.correction import correct
from tilesam.text.image_text import PretrainedImageText
from tilesam.text.mask_pictures import take_pictures
from tilesam.text.pointing import masks_in_boxes, without_mean
from tilesam.text.pretrained import require_library
from tilesam.text.scored import ScoredMasks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    import torch

    from tilesam.image import ImageSource
    from tilesam.text.backends import AskedImage
    from tilesam.text.image_text import ImageText
    from tilesam.text.proposals import Proposals
    from tilesam.text.query import TextQuery
    from tilesam.types import FloatArray

CLIP_MODEL = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
"""On the hub; taken unless another one is named."""

ANYTHING_ELSE = "something else"
"""What a phrase competes with if it is the only background phrase itself."""

EXEMPLAR_WEIGHT = 0.1
"""In cosines, for a mask that is an exemplar; phrases differ by about as much."""

AT_ONCE = 32
"""Masks that are embedded together."""


class ClipBackend:
    """Scores proposals by the likeness of their pictures and the phrase.

    Parameters
    ----------
    model
        Name of a CLIP or SigLIP model on the hub, or the path of a folder; loaded when
        the first phrase is asked.
    settings
        How masks are shown.
    network
        In place of a model that is loaded.

    Raises
    ------
    TextError
        If `transformers` is needed and not installed.
    """

    name = "clip"

    def __init__(
        self,
        model: str | PathLike[str] | None = None,
        settings: ClipSettings | None = None,
        *,
        network: ImageText | None = None,
    ) -> None:
        if network is None:
            require_library()
        self.model = CLIP_MODEL if model is None else model
        self.settings = settings or ClipSettings()
        self._network = network
        # Of the proposals that were asked last: other phrases need them again.
        self._seen: WeakKeyDictionary[Proposals, FloatArray] = WeakKeyDictionary()

    def concepts(self) -> tuple[str, ...]:
        """Return none: any word may be asked."""
        return ()

    def notice(self, query: TextQuery) -> str | None:  # noqa: ARG002
        """Return None: no word is unknown."""
        return None

    def find(self, query: TextQuery, asked: AskedImage) -> ScoredMasks:
        """Return proposals with the probability of being what is meant.

        Raises
        ------
        TextError
            If the model cannot be loaded.
        """
        # Before anything is decoded: a model that is not there is said at once.
        network = self._loaded(asked.image.model.device)
        proposals = asked.proposals()
        logits = np.zeros(0)
        if len(proposals):
            logits = self._corrected(network, query, asked, proposals)
        scores = 0.5 * (1 + np.tanh(logits / 2))
        return ScoredMasks.of(
            proposals, scores.astype(np.float32), threshold=self.settings.threshold
        )

    def _corrected(
        self,
        network: ImageText,
        query: TextQuery,
        asked: AskedImage,
        proposals: Proposals,
    ) -> FloatArray:
        """Return (N,) log odds of proposals, with all that the person has shown."""
        pictures = self._embeddings(network, proposals)
        logits = self._logits(network, query, pictures)
        exemplars = self._exemplars(network, query, asked)
        if len(exemplars):
            pull = _pull_of(exemplars, pictures)
            logits = logits + network.scale * EXEMPLAR_WEIGHT * pull
        if not len(query.points_yx):
            return logits
        return correct(
            *(logits, without_mean(pictures), proposals.masks),
            *(query.points_yx, query.point_labels),
        )

    def _loaded(self, device: torch.device) -> ImageText:
        if self._network is None:
            self._network = PretrainedImageText(self.model, device)
        return self._network

    def _logits(
        self, network: ImageText, query: TextQuery, pictures: FloatArray
    ) -> FloatArray:
        """Return (N,) log odds of the phrase against everything else."""
        against = [*query.negative_phrases, *self.settings.background_phrases]
        meant = query.phrase.casefold()
        others = [text for text in against if text.casefold() != meant]
        phrases = [query.phrase, *(others or [ANYTHING_ELSE])]
        logits = network.scale * (pictures @ self.embed_phrases(network, phrases).T)
        odds: FloatArray = logits[:, 0] - np.logaddexp.reduce(logits[:, 1:], axis=1)
        return odds

    def embed_phrases(self, network: ImageText, phrases: Sequence[str]) -> FloatArray:
        """Return (K, D) unit vectors, each the mean of the phrase in all templates."""
        templates = self.settings.templates
        sentences = [
            template.replace("{}", phrase)
            for phrase in phrases
            for template in templates
        ]
        vectors = network.embed_phrases(sentences)
        return _unit(vectors.reshape(len(phrases), len(templates), -1).mean(axis=1))

    def embed_masks(
        self, network: ImageText, source: ImageSource, masks: RunMasks
    ) -> FloatArray:
        """Return (N, D) unit vectors, each the mean of a mask's pictures."""
        parts = []
        for start in range(0, len(masks), AT_ONCE):
            rows = range(start, min(start + AT_ONCE, len(masks)))
            taken = [
                take_pictures(
                    *(source, masks, row),
                    context=self.settings.context,
                    background=self.settings.background,
                    fill=network.fill,
                )
                for row in rows
            ]
            flat = [picture for pictures in taken for picture in pictures]
            vectors = network.embed_pictures(flat)
            parts.append(vectors.reshape(len(rows), len(taken[0]), -1).mean(axis=1))
        return _unit(np.concatenate(parts)) if parts else np.zeros((0, 1))

    def _embeddings(self, network: ImageText, proposals: Proposals) -> FloatArray:
        if proposals not in self._seen:
            found = self.embed_masks(network, proposals.source, proposals.masks)
            self._seen[proposals] = found
        return self._seen[proposals]

    def _exemplars(
        self, network: ImageText, query: TextQuery, asked: AskedImage
    ) -> FloatArray:
        """Return (K, D) unit vectors of what exemplar boxes show."""
        found = masks_in_boxes(query, asked.image)
        masks = RunMasks.from_crops(
            [candidate.mask for candidate in found],
            [candidate.offset_yx for candidate in found],
        )
        return self.embed_masks(network, asked.image.source, masks)


def _pull_of(exemplars: FloatArray, pictures: FloatArray) -> FloatArray:
    """Return (N,) in [-1, 1], how much more like the exemplars than most a mask is.

    A phrase and a picture of the same thing lie further apart than two pictures of
    anything, so that their plain mean would be like every picture. What all pictures
    have in common is therefore taken out first.
    """
    unit = without_mean(np.concatenate([pictures, exemplars]))
    meant = _unit(unit[len(pictures) :].mean(axis=0, keepdims=True))[0]
    return np.asarray(unit[: len(pictures)] @ meant)


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: FloatArray = vectors / np.maximum(length, 1e-12)
    return unit
