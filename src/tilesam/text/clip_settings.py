"""How masks and phrases are put to a CLIP model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from tilesam.errors import TextError
from tilesam.text.mask_pictures import Background

TEMPLATES = (
    "{}",
    "a photo of {}",
    "a close-up photo of {}",
    "a microscopy image of {}",
    "an aerial image of {}",
    "a cropped picture of {}",
)

BACKGROUND_PHRASES = (
    "background",
    "an empty area",
    "a blurry texture",
    "noise",
    "something else",
)


@dataclass(frozen=True)
class ClipSettings:
    """How masks are shown to the network, and what the phrase competes with.

    Parameters
    ----------
    context, background
        See `take_pictures`. With `"both"` a mask's embedding is the mean of both
        pictures'.
    templates
        Sentences around the phrase, whose embeddings are averaged; `{}` is the phrase.
    background_phrases
        What a mask may be if it is not what is meant.
    threshold
        The recommended one; the score is a probability.

    Raises
    ------
    TextError
        If a setting is out of its range.
    """

    context: float = 1.5
    background: Background = "both"
    templates: tuple[str, ...] = TEMPLATES
    background_phrases: tuple[str, ...] = BACKGROUND_PHRASES
    threshold: float = 0.5

    def __post_init__(self) -> None:
        if not 1 <= self.context <= 10:
            raise TextError(
                f"context is {self.context}; expected a number from 1 to 10"
            )
        if self.background not in get_args(Background):
            raise TextError(
                f"background is {self.background!r}; expected one of "
                f"{', '.join(get_args(Background))}"
            )
        if not self.templates or not all("{}" in text for text in self.templates):
            raise TextError(
                f"the templates are {self.templates}; expected one or more sentences "
                "with {} where the phrase belongs"
            )
        if not self.background_phrases:
            raise TextError(
                "there are no background phrases; expected one or more: a score is "
                "the probability of the phrase among these"
            )
        if not 0 <= self.threshold <= 1:
            raise TextError(
                f"the threshold is {self.threshold}; expected a number from 0 to 1"
            )
