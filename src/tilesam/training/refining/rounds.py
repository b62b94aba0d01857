"""What one batch of regions teaches: the first prompts, then clicks on the errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tilesam.training.refining.corrections import corrected_inputs, first_inputs
from tilesam.training.refining.loss import RefinerLoss, refiner_loss

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.model.refining.inputs import RegionInputs
    from tilesam.model.refining.network import Refiner
    from tilesam.training.refining.corrections import CorrectionDraw
    from tilesam.training.refining.records import RegionBatch
    from tilesam.training.step import Figures


def go_backward(
    network: Refiner,
    batch: RegionBatch,
    *,
    rounds: int,
    generator: torch.Generator,
    draw: CorrectionDraw,
    bfloat16: bool = False,
) -> Figures:
    """Add the gradients of one batch to the parameters.

    Parameters
    ----------
    rounds
        How often the same objects are asked for, each time with one more click.
    generator
        Determines the clicks.
    bfloat16
        Compute under autocast; losses and gradients of parameters stay float32.

    Returns
    -------
    Figures
        `loss`, and of the first round `iou_box`, `iou_point` and `iou_error`.
    """
    inputs = first_inputs(batch)
    figures: Figures = {}
    total = 0.0
    for number in range(rounds):
        # A click on the error says what is meant, whatever the first mask was.
        weight = batch.weight if number == 0 else torch.ones_like(batch.weight)
        asked = batch._replace(weight=weight)
        part = _round(network, asked, inputs, bfloat16=bfloat16)
        (part.loss / rounds).backward()
        total += float(part.loss.detach()) / rounds
        if number == 0:
            figures = _first_figures(batch, part)
        if number + 1 < rounds:
            inputs = corrected_inputs(inputs, part.shown, batch.mask, generator, draw)
    return {"loss": total, **figures}


def _round(
    network: Refiner, batch: RegionBatch, inputs: RegionInputs, *, bfloat16: bool
) -> RefinerLoss:
    channels = inputs.channels().to(memory_format=torch.channels_last)
    device = channels.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16):
        output = network(channels)
    return refiner_loss(
        *(output.logits.float(), output.predicted_iou, batch.mask),
        *(batch.area_outside, batch.weight, _has_box(batch)),
    )


def _first_figures(batch: RegionBatch, part: RefinerLoss) -> Figures:
    is_box = _has_box(batch)
    figures = {"iou_error": float(part.iou_error)}
    for name, chosen in (("iou_box", is_box), ("iou_point", ~is_box)):
        if chosen.any():
            figures[name] = float(part.iou[chosen].mean())
    return figures


def _has_box(batch: RegionBatch) -> Tensor:
    return ~batch.box_yxyx.isnan().any(dim=1)
