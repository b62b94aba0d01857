"""A simulated user of the refiner: clicks where its mask is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.model.refining.inputs import RegionInputs
from tilesam.training.prompt_simulation import sample_error_point

if TYPE_CHECKING:
    from tilesam.training.refining.records import RegionBatch


@dataclass(frozen=True)
class CorrectionDraw:
    """How corrections are drawn.

    Parameters
    ----------
    answer_kept
        Share of corrections that still show the decoder's answer, as when several
        points are asked at once.
    earlier_shown
        Share that show the mask which is corrected.
    coarsest
        The earlier mask has lost up to this factor of resolution: what is handed back
        are the logits of a whole window.
    """

    answer_kept: float = 0.4
    earlier_shown: float = 0.85
    coarsest: int = 8


def first_inputs(batch: RegionBatch) -> RegionInputs:
    """Return what the refiner is shown of the first prompt."""
    is_point = ~batch.point_yx.isnan().any(dim=1)
    return RegionInputs(
        pixels=batch.pixels,
        inside=batch.inside,
        answer=batch.answer,
        earlier=torch.zeros_like(batch.answer),
        points_yx=batch.point_yx.nan_to_num()[:, None],
        point_labels=torch.where(is_point, 1, -1)[:, None],
        boxes_yxyx=batch.box_yxyx[:, None],
    )


def corrected_inputs(
    inputs: RegionInputs,
    logits: Tensor,
    mask: Tensor,
    generator: torch.Generator,
    draw: CorrectionDraw,
) -> RegionInputs:
    """Return the inputs with one more click each, where (B, S, S) logits are wrong."""
    point_xy, label = sample_error_point(mask[:, None], logits[:, None], generator)
    count = len(mask)
    shown = torch.rand(count, generator=generator) < draw.earlier_shown
    kept = (torch.rand(count, generator=generator) < draw.answer_kept) | ~shown
    earlier = coarsen(logits.detach().float(), generator, draw.coarsest)
    return replace(
        inputs,
        answer=inputs.answer * kept[:, None, None],
        earlier=earlier * shown[:, None, None],
        points_yx=torch.cat([inputs.points_yx, point_xy[:, 0].flip(-1)], dim=1),
        point_labels=torch.cat([inputs.point_labels, label[:, 0]], dim=1),
    )


def coarsen(logits: Tensor, generator: torch.Generator, coarsest: int) -> Tensor:
    """Return (B, S, S) logits as they come back from a grid of fewer pixels."""
    factor = 2 ** int(torch.randint(coarsest.bit_length(), (1,), generator=generator))
    if factor == 1:
        return logits
    small = F.avg_pool2d(logits[:, None], factor)
    return F.interpolate(small, scale_factor=float(factor), mode="bilinear")[:, 0]
