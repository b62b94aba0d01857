"""Finding objects by words: what was asked, how far it is, what fits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from napari_sam.state.everything import FoundObjects
from napari_sam.state.prompts import PromptSet
from tilesam.everything.progress import EverythingProgress
from tilesam.types import Window


@dataclass(frozen=True)
class TextQuestion:
    """All that is asked by words, as plain values that compare.

    Parameters
    ----------
    phrase
        What is looked for, as it was written.
    negative_phrases
        What is not meant.
    backend
        See `tilesam.text.backends.load_backend`.
    corrections
        Points on what is meant and on what is not, and boxes around examples.
    """

    phrase: str
    negative_phrases: tuple[str, ...] = ()
    backend: str = "embedded"
    corrections: PromptSet = field(default_factory=PromptSet)


@dataclass(eq=False)
class TextState:
    """What the dock for text prompts shows.

    Parameters
    ----------
    question
        The latest one; None before the first.
    region
        Part of the image in which it was asked; None is all of it.
    threshold
        The lowest score of an object. Changing it after an answer makes the objects
        anew from the same masks; None before the first.
    count
        How many objects it leaves, told at once; None before the first answer.
    masks
        How many come into question; 0 while there are none to choose among.
    progress
        Of the run, or where it was left.
    is_running
        Whether an answer is being looked for.
    is_resolving
        Whether objects are being made of masks.
    plane
        On which they were found.
    found
        The objects; those of an earlier threshold while new ones are made.
    notice
        What a person should know of the phrase, or do where nothing was found.
    error
        What went wrong; empty if nothing did.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    question: TextQuestion | None = None
    region: Window | None = None
    threshold: float | None = None
    count: int | None = None
    masks: int = 0
    progress: EverythingProgress | None = None
    is_running: bool = False
    is_resolving: bool = False
    plane: tuple[int, ...] = ()
    found: FoundObjects | None = None
    notice: str = ""
    error: str = ""
