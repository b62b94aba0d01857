"""Segmenting everything: settings, how far it is, what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from psygnal import SignalGroupDescriptor

from tilesam.everything.progress import EverythingProgress
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.settings import EverythingSettings
from tilesam.types import Window


@dataclass(frozen=True, eq=False)
class FoundObjects:
    """What one choice of thresholds makes of what was decoded.

    Parameters
    ----------
    segmentation
        All masks and their table.
    labels
        (h, w) uint32 label image of the region; None where it would be too large, to be
        painted part by part with `segmentation.labels(extent)`.
    offset_yx
        Of its first pixel in the image.
    settings
        Those it was made with.
    """

    segmentation: Segmentation
    labels: NDArray[np.uint32] | None
    offset_yx: tuple[int, int]
    settings: EverythingSettings

    @property
    def count(self) -> int:
        """How many objects own pixels."""
        return len(self.segmentation)


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
    message
        What a person has to be told; empty if there is nothing.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    settings: EverythingSettings = field(default_factory=EverythingSettings)
    region: Window | None = None
    progress: EverythingProgress | None = None
    is_running: bool = False
    is_resolving: bool = False
    found: FoundObjects | None = None
    message: str = ""
