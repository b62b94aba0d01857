"""Boxes of what a phrase means in one window, also where there are very many.

A detector returns no more boxes than it has queries. Where it needs nearly all of them,
the window is divided into quarters that overlap, and each is looked at by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.errors import TextError
from tilesam.everything.nms import suppress
from tilesam.masks.pairs import overlapping_extents
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.image import ImageSource
    from tilesam.text.detections import Detector
    from tilesam.types import BoolArray, FloatArray, IntArray

SAME = 0.6
"""IoU from which on two boxes of one window show the same thing."""

MOSTLY_WITHIN = 0.7
"""Share of a cut box in a whole one that makes it a piece of that."""

OVERLAP = 1 / 4
"""Of the side of a window: what its quarters share."""


@dataclass(frozen=True)
class GroundingSettings:
    """Which boxes of a detector are taken.

    Parameters
    ----------
    threshold
        The recommended one; by default the detector's own.
    lowest_share
        Boxes are kept down to this share of the recommended threshold, so that the
        threshold can be lowered without looking again.
    capacity
        How many boxes the detector can return in one picture; by default what its
        configuration says. Many fall short of that.
    full_share
        A window is divided if so large a share of these boxes is found in it.
    most_divisions
        How often a window is divided, each time into four.
    smallest_side
        Of a part in pixels of the image; smaller ones are not looked at.

    Raises
    ------
    TextError
        If a setting is out of its range.
    """

    threshold: float | None = None
    lowest_share: float = 0.5
    capacity: int | None = None
    full_share: float = 0.75
    most_divisions: int = 2
    smallest_side: int = 64

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise TextError(
                    f"{name} is {value}; expected a number from {low:g} to {high:g}"
                )


_RANGES = (
    ("threshold", 0.0, 1.0),
    ("lowest_share", 0.0, 1.0),
    ("capacity", 1, 2**31),
    ("full_share", 0.0, 1.0),
    ("most_divisions", 0, 6),
    ("smallest_side", 1, 2**31),
)


class FoundBoxes(NamedTuple):
    """Boxes of one thing.

    Parameters
    ----------
    boxes_yxyx
        (N, 4) in pixels of the image, as prompts have them.
    scores
        (N,) float64 in [0, 1].
    """

    boxes_yxyx: FloatArray
    scores: FloatArray

    def take(self, chosen: BoolArray) -> FoundBoxes:
        """Return some of them."""
        return FoundBoxes(self.boxes_yxyx[chosen], self.scores[chosen])


@dataclass(frozen=True, eq=False)
class BoxSearch:
    """Looks for a phrase in windows of an image.

    Parameters
    ----------
    detector
        What looks.
    source
        The image.
    phrases
        The phrase, then what is not meant: a box that fits one of those as well is
        left out.
    settings
        Which boxes are taken.
    picture_side
        Longest side of the pictures that are shown to the detector, in pixels.
    """

    detector: Detector
    source: ImageSource
    phrases: Sequence[str]
    settings: GroundingSettings
    picture_side: int

    @property
    def threshold(self) -> float:
        """The recommended one."""
        chosen = self.settings.threshold
        return self.detector.threshold if chosen is None else chosen

    def find(self, window: Window) -> FoundBoxes:
        """Return the boxes of a window, each thing once."""
        height, width = self.source.hw
        bottom = min(window.y0 + window.height, height)
        right = min(window.x0 + window.width, width)
        shown = Window(window.y0, window.x0, bottom - window.y0, right - window.x0)
        return self._find(shown, self.settings.most_divisions)

    def _find(self, part: Window, divisions: int) -> FoundBoxes:
        found, is_full = self._look(part)
        parts = quarters(part)
        is_small = max(parts[0].height, parts[0].width) < self.settings.smallest_side
        if not (is_full and divisions) or is_small or len(parts) == 1:
            return _distinct(found, np.zeros(len(found.scores), np.bool_))
        sets = [found, *(self._find(quarter, divisions - 1) for quarter in parts)]
        is_cut = [np.zeros(len(found.scores), np.bool_)]
        is_cut += [
            _is_cut_within(boxes, quarter, part)
            for boxes, quarter in zip(sets[1:], parts, strict=True)
        ]
        everything = FoundBoxes(*(np.concatenate(x) for x in zip(*sets, strict=True)))
        return _distinct(everything, np.concatenate(is_cut))

    def _look(self, part: Window) -> tuple[FoundBoxes, bool]:
        """Return what is found in a part at once, and whether more may be there."""
        sides = np.array([part.height, part.width])
        scale = min(1.0, self.picture_side / sides.max())
        rows, columns = (max(1, round(side * scale)) for side in sides.tolist())
        picture = self.source.read_resampled(part, (rows, columns))
        found = self.detector.detect(picture, self.phrases)
        corners = np.clip(found.boxes_yxyx, 0, 1) * np.tile(sides, 2)
        has_area = (corners[:, 2:] - corners[:, :2] > 0).all(axis=1)
        best = found.scores.max(axis=1)
        is_likely = has_area & (best >= self.threshold * self.settings.lowest_share)
        # Pixels reach half of their side beyond their centres.
        boxes = (corners + np.tile([part.y0 - 0.5, part.x0 - 0.5], 2))[is_likely]
        scores, best = found.scores[is_likely], best[is_likely]
        unwanted = scores[:, 1:].max(axis=1, initial=-1.0)
        is_meant = scores[:, 0] > unwanted
        # Also what another box shows to be something that is not meant.
        is_meant &= suppress(_extents(boxes), best, SAME)
        limit = self.settings.capacity or self.detector.capacity
        is_full = len(best) >= self.settings.full_share * limit
        return FoundBoxes(boxes, scores[:, 0]).take(is_meant), is_full


def quarters(part: Window) -> list[Window]:
    """Return four parts of a window that overlap, or the window if it is too small."""
    height, width = (
        min(math.ceil(side * (1 + OVERLAP) / 2), side)
        for side in (part.height, part.width)
    )
    tops = dict.fromkeys((part.y0, part.y0 + part.height - height))
    lefts = dict.fromkeys((part.x0, part.x0 + part.width - width))
    return [Window(top, left, height, width) for top in tops for left in lefts]


def _is_cut_within(found: FoundBoxes, quarter: Window, part: Window) -> BoolArray:
    """Return which boxes touch an edge of a quarter that is none of its window."""
    reach = max(1.0, 0.01 * max(quarter.height, quarter.width))
    inner, outer = (
        np.array([w.y0, w.x0, w.y0 + w.height, w.x0 + w.width]) - 0.5
        for w in (quarter, part)
    )
    touches = np.abs(found.boxes_yxyx - inner) <= reach
    is_cut: BoolArray = (touches & (inner != outer)).any(axis=1)
    return is_cut


def _distinct(found: FoundBoxes, is_cut: BoolArray) -> FoundBoxes:
    """Return each thing once: whole boxes before cut ones, then the likelier."""
    extents = _extents(found.boxes_yxyx)
    best_first = np.lexsort((-found.scores, is_cut))
    preference = np.empty(len(best_first))
    preference[best_first] = -np.arange(len(best_first))
    stays = suppress(extents, preference, SAME)
    stays &= ~_is_piece(extents, is_cut)
    return found.take(stays)


def _is_piece(extents: IntArray, is_cut: BoolArray) -> BoolArray:
    """Return which cut boxes lie mostly in a whole one that is larger."""
    is_piece = np.zeros(len(extents), np.bool_)
    pairs = overlapping_extents(extents)
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    cut, whole = both_ways[is_cut[both_ways[:, 0]] & ~is_cut[both_ways[:, 1]]].T
    low = np.maximum(extents[cut, :2], extents[whole, :2])
    high = np.minimum(extents[cut, 2:], extents[whole, 2:])
    shared = np.maximum(high - low, 0).prod(axis=1)
    area = (extents[:, 2:] - extents[:, :2]).prod(axis=1)
    is_within = (shared >= MOSTLY_WITHIN * area[cut]) & (area[whole] >= area[cut])
    is_piece[cut[is_within]] = True
    return is_piece


def _extents(boxes_yxyx: FloatArray) -> IntArray:
    """Return (N, 4) whole pixels that boxes cover, at least one."""
    first = np.floor(boxes_yxyx[:, :2] + 0.5).astype(np.int64)
    stop = np.ceil(boxes_yxyx[:, 2:] + 0.5).astype(np.int64)
    return np.concatenate([first, np.maximum(stop, first + 1)], axis=1)
