"""What a refined mask is worth."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.model.refining.cutting import cut_best

IOU_WEIGHT = 1.0


class RefinerLoss(NamedTuple):
    """The loss of one batch and what it says to people.

    Parameters
    ----------
    loss
        () float, to go backward from.
    iou
        (B,) float, of the masks that are shown, all of the object counted.
    iou_error
        () float, mean absolute error of the predicted IoU.
    shown
        (B, S, S) float, the logits as people see them, cut at zero.
    """

    loss: Tensor
    iou: Tensor
    iou_error: Tensor
    shown: Tensor


def refiner_loss(
    logits: Tensor,
    predicted_iou: Tensor,
    mask: Tensor,
    area_outside: Tensor,
    weight: Tensor,
    has_box: Tensor,
) -> RefinerLoss:
    """Return cross-entropy plus soft IoU of the mask, and squared error of the IoU.

    Parameters
    ----------
    logits
        (B, S, S) float32.
    predicted_iou
        (B,).
    mask
        (B, S, S) bool.
    area_outside
        (B,) pixels of the object beyond the region.
    weight
        (B,) how much each mask counts.
    has_box
        (B,) bool, whether a box asks for it, which decides on what people see.
    """
    target = mask.float()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    # In proportion to the object, or else the ground of loose regions rules.
    area = target.sum(dim=(1, 2))
    entropy = entropy.sum(dim=(1, 2)) / (4 * area).clamp(max=target[0].numel())
    losses = 2 * entropy + soft_iou_loss(logits, target)
    with torch.no_grad():
        shown = cut_best(logits, has_box)
        iou = hard_iou(shown, mask, area_outside)
    error = predicted_iou - iou
    mask_loss = (weight * losses).sum() / weight.sum().clamp(min=1e-6)
    loss = mask_loss + IOU_WEIGHT * error.square().mean()
    return RefinerLoss(loss, iou, error.detach().abs().mean(), shown)


def soft_iou_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return one minus the IoU of probabilities, (B,) for (B, S, S)."""
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(1, 2))
    union = (probability + target).sum(dim=(1, 2)) - overlap
    return 1 - (overlap + 1) / (union + 1)


def hard_iou(logits: Tensor, mask: Tensor, area_outside: Tensor) -> Tensor:
    """Return the (B,) IoU of masks cut at zero with whole objects."""
    predicted = logits > 0
    overlap = (predicted & mask).sum(dim=(1, 2))
    union = (predicted | mask).sum(dim=(1, 2)) + area_outside
    return overlap / union.clamp(min=1)
