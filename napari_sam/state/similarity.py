"""Objects that are like one of them: which one, how alike, how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from tilesam.similarity.label_boxes import LabelBoxes
from tilesam.similarity.progress import SimilarityProgress
from tilesam.similarity.ranking import SimilarObjects

DEFAULT_THRESHOLD = 0.4


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison has found.

    Parameters
    ----------
    ranked
        All other objects.
    boxes
        Where they all were.
    """

    ranked: SimilarObjects
    boxes: LabelBoxes

    @property
    def total(self) -> int:
        """How many objects there are, the one that was picked included."""
        return len(self.ranked) + 1

    def count(self, threshold: float) -> int:
        """Return how many are selected; the one that was picked always is."""
        return self.ranked.count(threshold) + 1

    def selected(self, threshold: float) -> tuple[int, ...]:
        """Return the labels that are selected, the one that was picked first."""
        return (self.ranked.label, *self.ranked.above(threshold).tolist())


@dataclass(eq=False)
class SimilarityState:
    """What the part of the dock for similar objects shows.

    Parameters
    ----------
    threshold
        The lowest similarity of an object that is selected.
    comparison
        None while nothing is selected.
    progress
        Of the run, or where it was left.
    is_running
        Whether objects are being compared.
    error
        What went wrong; empty if nothing did.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    threshold: float = DEFAULT_THRESHOLD
    comparison: Comparison | None = None
    progress: SimilarityProgress | None = None
    is_running: bool = False
    error: str = ""
