"""What one batch teaches: rounds of prompts and dense targets, back to the encoder."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tilesam.training.losses import dense_loss, round_loss
from tilesam.training.prompt_simulation import FirstPrompt, simulate_rounds
from tilesam.training.recipes import Prompting

if TYPE_CHECKING:
    from tilesam.model.sam import Sam
    from tilesam.training.batches import Batch
    from tilesam.training.dense import DenseHead
    from tilesam.training.recipes import Phase

FIRST_PROMPTS: tuple[FirstPrompt, ...] = ("point", "box")
"""Half of the objects begin with the one, half with the other."""

Figures = dict[str, float]

Progress = Callable[[int, int, Figures], None]
"""Called with the finished steps, all steps and the newest figures."""


def go_backward(
    network: Sam,
    dense_head: DenseHead,
    batch: Batch,
    phase: Phase,
    *,
    seed: int,
    bfloat16: bool = False,
    prompting: Prompting | None = None,
) -> Figures:
    """Add the gradients of one batch to the parameters.

    The rounds go backward one by one, as far as the embedding, so that memory holds
    one of them at a time; the encoder then gets the sum of what they want of it.

    Parameters
    ----------
    seed
        Determines the simulated prompts.
    bfloat16
        Compute under autocast; losses and gradients of parameters stay float32.
    prompting
        What answers, and what further rounds are given; None is the usual.

    Returns
    -------
    Figures
        `loss`, `iou_point`, `iou_box` (of the first round) and `iou_error` where the
        phase has prompts, `dense_loss` where it has dense targets.
    """
    prompting = prompting or Prompting()
    device = batch.images.device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=bfloat16):
        embedding = network.encode(batch.images)
        leaf = embedding.detach().requires_grad_()
        figures = _prompt_rounds(network, leaf, batch, phase, prompting, seed)
        loss = embedding.new_zeros(())
        if phase.dense_weight:
            maps = dense_head(network.mask_decoder, embedding)
            loss = dense_loss(maps.float(), batch.dense)
            figures["dense_loss"] = float(loss.detach())
    gradient = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
    ((embedding * gradient).sum() + phase.dense_weight * loss).backward()
    return figures


def _prompt_rounds(
    network: Sam,
    embedding: Tensor,
    batch: Batch,
    phase: Phase,
    prompting: Prompting,
    seed: int,
) -> Figures:
    """Go backward through all rounds of all objects, to the embedding's gradient."""
    figures: Figures = {}
    if not phase.prompts_per_image:
        return figures
    losses, errors = [], []
    rounds = 1 + phase.error_points + phase.repeats
    halves = batch.masks.tensor_split(len(FIRST_PROMPTS), dim=1)
    for number, (first, masks) in enumerate(zip(FIRST_PROMPTS, halves, strict=True)):
        answers = simulate_rounds(
            network,
            embedding,
            masks,
            first=first,
            error_points=phase.error_points,
            repeats=phase.repeats,
            generator=torch.Generator().manual_seed(2 * seed + number),
            multimask_output=prompting.multimask_output,
            mask_feedback=prompting.mask_feedback,
        )
        for answer in answers:
            part = round_loss(
                *(answer.output, answer.prompts, masks, phase.losses),
                multimask_output=prompting.multimask_output,
            )
            (part.loss / (rounds * len(halves))).backward()
            losses.append(float(part.loss.detach()))
            errors.append(float(part.iou_error))
            figures.setdefault(f"iou_{first}", float(part.iou))
    return figures | {"loss": fmean(losses), "iou_error": fmean(errors)}


def average(figures: list[Figures]) -> Figures:
    """Return the mean of each figure over the steps that have it."""
    names = {name: None for step in figures for name in step}
    return {
        name: fmean(step[name] for step in figures if name in step) for name in names
    }
