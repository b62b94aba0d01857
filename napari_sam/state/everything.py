"""Segmenting everything: settings, how far it is, what was found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalGroupDescriptor

from tilesam.annotation.rows import EVERYTHING
from tilesam.errors import AnnotationError
from tilesam.everything.progress import EverythingProgress
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.settings import EverythingSettings
from tilesam.text.scored import SCORE
from tilesam.types import Window

TEXT = "text"
"""Prompt kind of objects that a phrase has found."""


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """What one choice of thresholds makes of what was decoded.

    Parameters
    ----------
    segmentation
        All masks and their table.
    labels
        (h, w) uint32 label image of the region; None where it would be too large.
    levels
        Then the same as dask arrays at several resolutions, painted where they are
        read; see `napari_sam.layers.painted_levels`.
    offset_yx
        Of its first pixel in the image.
    settings
        Those it was made with; None where a phrase was asked.
    phrase
        That was asked; None where everything was.
    """

    segmentation: Segmentation
    labels: NDArray[np.uint32] | None
    offset_yx: tuple[int, int]
    settings: EverythingSettings | None = None
    levels: tuple[Any, ...] = ()
    phrase: str | None = None

    @property
    def count(self) -> int:
        """How many objects own pixels."""
        return len(self.segmentation)

    @property
    def prompt_kind(self) -> str:
        """What rows of these objects say of how they came about."""
        return EVERYTHING if self.phrase is None else TEXT

    def alone(self, label: int) -> FoundObjects:
        """Return one of them as if nothing else had been found.

        Raises
        ------
        AnnotationError
            If there is none of this label.
        """
        table = self.segmentation.table
        rows = self.segmentation.kept
        (chosen,) = np.nonzero(table.label[rows] == label)
        if not len(chosen):
            raise AnnotationError(
                f"there is no object {label} among the {self.count} that were found; "
                "pick one of them in their layer, then accept it"
            )
        y0, x0, y1, x1 = table.extents_yxyx[rows[chosen[0]]].tolist()
        around = self.segmentation.labels((y0, x0, y1, x1))
        own = np.where(around == label, around, 0)
        return replace(self, labels=own, offset_yx=(y0, x0), levels=())

    def text_scores(self) -> dict[int, float]:
        """Return by label how well each fits the phrase, if one was asked."""
        table, kept = self.segmentation.table, self.segmentation.kept
        if SCORE not in table.more:
            return {}
        labels, scores = table.label[kept], table.more[SCORE][kept]
        return dict(zip(labels.tolist(), scores.tolist(), strict=True))

    def scores(self) -> dict[int, tuple[float, float]]:
        """Return predicted IoU and stability by label."""
        table, kept = self.segmentation.table, self.segmentation.kept
        columns = (table.label, table.predicted_iou, table.stability_score)
        rows = zip(*(column[kept].tolist() for column in columns), strict=True)
        return {label: (iou, stability) for label, iou, stability in rows}


@dataclass(eq=False)
class EverythingState:
    """What the dock for segmenting everything shows.

    Parameters
    ----------
    settings
        What will be asked and which answers count. Changing them after a run makes the
        objects anew from what was decoded.
    region
        Part of the image of the latest run; None is all of it.
    progress
        Of the run, or where it was left.
    is_running
        Whether tiles are being decoded.
    is_resolving
        Whether objects are being made of what was decoded.
    found
        The objects; those of earlier thresholds while new ones are made.
    plane
        On which they were found.
    message
        What a person has to be told; empty if there is nothing.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    settings: EverythingSettings = field(default_factory=EverythingSettings)
    region: Window | None = None
    progress: EverythingProgress | None = None
    is_running: bool = False
    is_resolving: bool = False
    plane: tuple[int, ...] = ()
    found: FoundObjects | None = None
    message: str = ""
