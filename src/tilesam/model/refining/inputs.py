"""What the refiner is shown: nine channels of one region.

All coordinates are pixel indices `(y, x)` of the region.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.types import PADDING

if TYPE_CHECKING:
    from collections.abc import Sequence

CHANNELS = 9
"""RGB, inside of the image, answer, earlier mask, positive and negative clicks, box."""

CLICK_RADIUS = 4.0
"""Of the disk that stands for a click, in pixels of the region."""

SURE_LOGIT = 6.0
"""Logits are cut here: beyond, a mask is not more certain than certain."""

_LEAST_CONTRAST = 4.0
"""Grey levels: noise of an empty region is not blown up to a picture."""


@dataclass(frozen=True, eq=False)
class RegionInputs:
    """B regions of S x S pixels and all that is known of the objects in them.

    Parameters
    ----------
    pixels
        (B, 3, S, S) of 0-255.
    inside
        (B, S, S) bool, false beyond the border of the image.
    answer
        (B, S, S) logits of the decoder for the same prompts; zero where unknown.
    earlier
        (B, S, S) logits of the mask that the prompts correct; zero where there is none.
    points_yx, point_labels
        (B, P, 2) and (B, P) of 1, 0 and -1 for no point.
    boxes_yxyx
        (B, K, 4); NaN is no box.
    """

    pixels: Tensor
    inside: Tensor
    answer: Tensor
    earlier: Tensor
    points_yx: Tensor
    point_labels: Tensor
    boxes_yxyx: Tensor

    def channels(self) -> Tensor:
        """Return (B, 9, S, S) float32."""
        maps = [
            self.inside.float(),
            squash(self.answer),
            squash(self.earlier),
            self._clicks(1),
            self._clicks(0),
            self._boxes(),
        ]
        pixels = standardize(self.pixels.float(), self.inside)
        return torch.cat([pixels, torch.stack(maps, dim=1)], dim=1)

    def padded(self, points: int, boxes: int) -> RegionInputs:
        """Return the same with so many points and boxes; those added say nothing."""
        more_points = points - self.points_yx.shape[1]
        more_boxes = boxes - self.boxes_yxyx.shape[1]
        return replace(
            self,
            points_yx=F.pad(self.points_yx, (0, 0, 0, more_points)),
            point_labels=F.pad(self.point_labels, (0, more_points), value=PADDING),
            boxes_yxyx=F.pad(
                self.boxes_yxyx, (0, 0, 0, more_boxes), value=float("nan")
            ),
        )

    def _clicks(self, label: int) -> Tensor:
        return draw_disks(
            self.points_yx, self.point_labels == label, self.pixels.shape[-1]
        )

    def _boxes(self) -> Tensor:
        return draw_boxes(self.boxes_yxyx, self.pixels.shape[-1])


def standardize(pixels: Tensor, inside: Tensor) -> Tensor:
    """Return (B, 3, S, S) with mean 0 and deviation 1 over each region's inside.

    One mean and one deviation for all three channels, so that colours stay colours.
    """
    weight = inside[:, None].float()
    count = (3 * weight.sum(dim=(1, 2, 3), keepdim=True)).clamp(min=1)
    mean = (pixels * weight).sum(dim=(1, 2, 3), keepdim=True) / count
    centred = (pixels - mean) * weight
    variance = centred.square().sum(dim=(1, 2, 3), keepdim=True) / count
    return centred / (variance.sqrt() + _LEAST_CONTRAST)


def squash(logits: Tensor) -> Tensor:
    """Return logits as float32 in [-1, 1]; zero, which says nothing, stays zero."""
    return logits.float().clamp(-SURE_LOGIT, SURE_LOGIT) / SURE_LOGIT


def draw_disks(points_yx: Tensor, is_drawn: Tensor, size: int) -> Tensor:
    """Return (B, S, S) float32, 1 near any of the (B, P, 2) points that are drawn."""
    steps = torch.arange(size, dtype=torch.float32, device=points_yx.device)
    y = (steps - points_yx[..., :1].float()).square()  # (B, P, S)
    x = (steps - points_yx[..., 1:].float()).square()
    near = y[..., :, None] + x[..., None, :] <= CLICK_RADIUS**2
    return (near & is_drawn[..., None, None]).any(dim=1).float()


def draw_boxes(boxes_yxyx: Tensor, size: int) -> Tensor:
    """Return (B, S, S) float32, 1 in any of the (B, K, 4) boxes; NaN draws nothing."""
    steps = torch.arange(size, dtype=torch.float32, device=boxes_yxyx.device)
    y0, x0, y1, x1 = (side.unsqueeze(-1) for side in boxes_yxyx.float().unbind(-1))
    rows = (steps >= y0 - 0.5) & (steps <= y1 + 0.5)  # (B, K, S)
    columns = (steps >= x0 - 0.5) & (steps <= x1 + 0.5)
    return (rows[..., :, None] & columns[..., None, :]).any(dim=1).float()


def stack_inputs(parts: Sequence[RegionInputs]) -> RegionInputs:
    """Join inputs of equal numbers of points and boxes along the batch."""
    names = RegionInputs.__dataclass_fields__
    return RegionInputs(
        **{name: torch.cat([getattr(part, name) for part in parts]) for name in names}
    )
