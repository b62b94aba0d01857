"""What zero-shot detectors have in common: a picture and phrases in, boxes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from tilesam.types import FloatArray, UInt8Array


class Detections(NamedTuple):
    """Boxes in one picture, however unlikely.

    Parameters
    ----------
    boxes_yxyx
        (N, 4) in shares of the picture's height and width, which end at 1.
    scores
        (N, K) in [0, 1], how well each fits each of K phrases.
    """

    boxes_yxyx: FloatArray
    scores: FloatArray


class Detector(Protocol):
    """Finds what phrases mean in a picture."""

    @property
    def threshold(self) -> float:
        """The score from which on its makers take a box for what is meant."""

    @property
    def capacity(self) -> int:
        """How many boxes it can return at most, however many things there are."""

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        """Look for K phrases in (h, w, 3) RGB."""


def from_centres(boxes_cxcywh: Tensor) -> FloatArray:
    """Return (N, 4) boxes given as centre and size as (y0, x0, y1, x1)."""
    cx, cy, width, height = boxes_cxcywh.double().cpu().numpy().T
    corners = (cy - height / 2, cx - width / 2, cy + height / 2, cx + width / 2)
    return np.stack(corners, axis=1)


def from_corners(boxes_xyxy: Tensor) -> FloatArray:
    """Return (N, 4) boxes given as (x0, y0, x1, y1) as (y0, x0, y1, x1)."""
    boxes: FloatArray = boxes_xyxy.double().cpu().numpy()[:, [1, 0, 3, 2]]
    return boxes


def to_array(scores: Tensor) -> FloatArray:
    """Return a tensor as float64."""
    return scores.double().cpu().numpy().astype(np.float64)
