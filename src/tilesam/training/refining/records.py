"""How regions are drawn, and what a batch of them holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RegionDraw:
    """How regions are drawn.

    Parameters
    ----------
    box_share
        Share of objects that are asked for by a box; the others by a point.
    expansion
        Side of the region over the longest side of the box or mask, drawn
        log-uniformly.
    shift
        Standard deviation of the region's place, as a share of the object's side.
    box_noises
        Standard deviations of corners, as shares of the box's side; each is as frequent
        as the others. People draw boxes quickly or with care; a detector's are tight.
    best_share
        Share of points for which the best of the three masks is refined; any of them
        otherwise, which then hardly counts for the mask but for judging it.
    answer_share, box_answer_share
        Share of points and of boxes with which the decoder's answer is shown. Without
        it all objects of an image come into question for boxes, not only those that the
        decoder was asked about.
    domain_power
        See `sampling_weights`.
    smallest_object
        Pixels of the region that the object covers at least.
    least_side
        Pixels of the image that the object is high or wide at least.
    """

    box_share: float = 0.5
    expansion: tuple[float, float] = (1.35, 2.6)
    shift: float = 0.06
    box_noises: tuple[float, ...] = (0.08, 0.02, 0.0)
    best_share: float = 0.75
    answer_share: float = 0.85
    box_answer_share: float = 0.6
    domain_power: float = 0.2
    smallest_object: int = 24
    least_side: int = 0


class RegionBatch(NamedTuple):
    """B regions of S x S pixels with an object each.

    Parameters
    ----------
    pixels
        (B, 3, S, S) uint8.
    inside
        (B, S, S) bool, the image.
    mask
        (B, S, S) bool, the object meant.
    area_outside
        (B,) float32, pixels of the object that the region does not show.
    answer
        (B, S, S) float32 logits of the decoder; zero where it is not shown.
    point_yx
        (B, 2) float32; NaN where a box was asked.
    box_yxyx
        (B, 4) float32; NaN where a point was asked.
    weight
        (B,) float32, how much the mask counts.
    """

    pixels: Tensor
    inside: Tensor
    mask: Tensor
    area_outside: Tensor
    answer: Tensor
    point_yx: Tensor
    box_yxyx: Tensor
    weight: Tensor
