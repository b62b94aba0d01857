"""Masks that a phrase may mean: what segment everything finds, judged mildly.

The decoder's own scores only drop what is no mask at all. Whether a mask is one whole
thing of the kind that is meant, the text score says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tilesam.everything.settings import EverythingSettings
from tilesam.everything.table import Status

if TYPE_CHECKING:
    from tilesam.everything.decoded import DecodedEverything
    from tilesam.everything.segmentation import Segmentation
    from tilesam.image import ImageSource
    from tilesam.masks.run_masks import RunMasks
    from tilesam.model.configs import SamConfig
    from tilesam.types import IntArray

POINTS_PER_SIDE = 24
"""By default; a third fewer a side than everything takes, in half of its time."""

BELOW_RECOMMENDED = 0.25
"""How far the thresholds lie below those that the model recommends for everything."""


def text_settings(
    config: SamConfig, settings: EverythingSettings | None = None
) -> EverythingSettings:
    """Return settings with mild thresholds where none are given.

    Parameters
    ----------
    config
        Of the model.
    settings
        What is chosen; by default fewer points than everything has.
    """
    chosen = settings or EverythingSettings(points_per_side=POINTS_PER_SIDE)
    iou, stability = chosen.pred_iou_thresh, chosen.stability_score_thresh
    mild_iou = config.pred_iou_thresh - BELOW_RECOMMENDED
    mild_stability = config.stability_score_thresh - BELOW_RECOMMENDED
    return replace(
        chosen,
        pred_iou_thresh=mild_iou if iou is None else iou,
        stability_score_thresh=mild_stability if stability is None else stability,
    )


@dataclass(frozen=True, eq=False)
class Proposals:
    """All masks that come into question, whole across the seams of tiles.

    Parameters
    ----------
    decoded
        The tiles, and the image and model that they are of.
    found
        What is made of them with mild thresholds.
    """

    decoded: DecodedEverything
    found: Segmentation

    @classmethod
    def of(cls, decoded: DecodedEverything) -> Proposals:
        """Return the proposals of decoded tiles; takes a moment, decodes nothing.

        Raises
        ------
        EverythingError
            If the run was cancelled before it was done.
        """
        return cls(decoded, decoded.resolve())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def source(self) -> ImageSource:
        """The image."""
        return self.decoded.job.embedding.source

    @cached_property
    def rows(self) -> IntArray:
        """(N,) rows of `found` that are objects, whether or not others cover them."""
        status = self.found.table.status
        is_whole = (status == Status.KEPT) | (status == Status.COVERED)
        return np.flatnonzero(is_whole)

    @cached_property
    def masks(self) -> RunMasks:
        """N masks in pixels of the image."""
        return self.found.masks.take(self.rows)
