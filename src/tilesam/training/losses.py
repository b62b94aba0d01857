"""What a mask is worth: focal, dice and cross-entropy, minimum over three answers.

Targets are soft: the share of each low-resolution pixel that the object covers. That
keeps the place of a border below the resolution at which the loss is computed.

Kirillov et al. 2023, "Segment Anything", section 3 and appendix A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from tilesam.model.mask_decoder import MaskDecoderOutput
    from tilesam.training.prompt_simulation import PromptState
    from tilesam.training.recipes import LossWeights

FOCAL_GAMMA, FOCAL_ALPHA = 2.0, 0.25

MULTIMASK_WEIGHT = 0.25
"""Weight of the three ambiguous answers where the prompt is not ambiguous.

The paper leaves them untrained there; our widget shows two of them beside the single
mask even then, so they must make sense.
"""


class RoundLoss(NamedTuple):
    """The loss of one round and how good its best mask was.

    Parameters
    ----------
    loss
        () float, to go backward from.
    iou
        () float: mean over objects of the IoU of the mask that the loss chose.
    iou_error
        () float: mean absolute error of the predicted IoU.
    """

    loss: Tensor
    iou: Tensor
    iou_error: Tensor


def soften(masks: Tensor, low_res_side: int) -> Tensor:
    """Return the covered share of each low-resolution pixel.

    (B, N, S, S) bool to (B, N, s, s) float32, where `s` divides S.
    """
    return F.avg_pool2d(masks.float(), masks.shape[-1] // low_res_side)


def focal_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean focal loss of each (..., H, W) map, soft targets allowed.

    Notes
    -----
    Lin et al. 2017, "Focal Loss for Dense Object Detection".
    """
    probability = logits.sigmoid()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    error = (probability - target).abs()
    balance = FOCAL_ALPHA * target + (1 - FOCAL_ALPHA) * (1 - target)
    return (balance * error**FOCAL_GAMMA * entropy).mean(dim=(-2, -1))


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return one minus the dice coefficient of each (..., H, W) map.

    Notes
    -----
    Milletari et al. 2016, "V-Net"; one is added to both parts of the fraction.
    """
    probability = logits.sigmoid()
    overlap = (probability * target).sum(dim=(-2, -1))
    total = probability.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return 1 - (2 * overlap + 1) / (total + 1)


def balanced_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy of each (..., H, W) map, object and ground alike.

    The mean over the object's pixels and the mean over all others count one half
    each. Plain means are least for an empty mask as long as a network knows nothing,
    and an untrained one stays there.
    """
    object_part = target * F.softplus(-logits)
    ground_part = (1 - target) * F.softplus(logits)
    axes = (-2, -1)
    object_mean = object_part.sum(axes) / target.sum(axes).clamp(min=1e-6)
    ground_mean = ground_part.sum(axes) / (1 - target).sum(axes).clamp(min=1e-6)
    return (object_mean + ground_mean) / 2


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """Return the IoU of each map cut at 0 with its target cut at one half."""
    predicted, actual = logits > 0, target >= 0.5
    overlap = (predicted & actual).sum(dim=(-2, -1))
    union = (predicted | actual).sum(dim=(-2, -1))
    # Objects below half a pixel everywhere: an empty answer is right.
    return torch.where(union > 0, overlap / union.clamp(min=1), 1.0)


def mask_losses(logits: Tensor, target: Tensor, weights: LossWeights) -> Tensor:
    """Return the weighted loss of each mask: (B, N, C, H, W) to (B, N, C)."""
    target = target.unsqueeze(2).expand_as(logits)
    total = weights.dice * dice_loss(logits, target)
    if weights.focal:
        total = total + weights.focal * focal_loss(logits, target)
    if weights.cross_entropy:
        total = total + weights.cross_entropy * balanced_entropy(logits, target)
    return total


def round_loss(
    output: MaskDecoderOutput,
    prompts: PromptState,
    masks: Tensor,
    weights: LossWeights,
    *,
    multimask_output: bool = True,
) -> RoundLoss:
    """Return the loss of one round.

    A single point is answered by the best of the three masks, anything else by the
    single mask; see `MULTIMASK_WEIGHT` for the other three then. The IoU head learns
    from all four.

    Parameters
    ----------
    masks
        (B, N, S, S) bool, the objects meant.
    multimask_output
        False has the single mask answer everything, and teaches nothing else.
    """
    logits, predicted_iou = output
    if not multimask_output:
        logits, predicted_iou = logits[:, :, :1], predicted_iou[:, :, :1]
    target = soften(masks, logits.shape[-1])
    losses = mask_losses(logits, target, weights)
    with torch.no_grad():
        iou = mask_iou(logits, target.unsqueeze(2))
    mask_loss, chosen = _answer_loss(losses, is_ambiguous=prompts.is_single_point)
    error = predicted_iou - iou
    loss = mask_loss.mean() + weights.iou * error.square().mean()
    chosen_iou = iou.gather(-1, chosen.unsqueeze(-1)).mean()
    return RoundLoss(loss, chosen_iou, error.detach().abs().mean())


def _answer_loss(losses: Tensor, *, is_ambiguous: bool) -> tuple[Tensor, Tensor]:
    """Return the (B, N) loss of each object's answer, and which mask the answer is.

    Parameters
    ----------
    losses
        (B, N, 4) of all masks, or (B, N, 1) of the single one.
    is_ambiguous
        Whether one of three is asked for.
    """
    single = losses[..., 0]
    nothing = torch.zeros_like(single, dtype=torch.int64)
    if losses.shape[-1] == 1:
        return single, nothing
    best_loss, best = losses[..., 1:].min(dim=-1)
    if is_ambiguous:
        return best_loss, best + 1
    return single + MULTIMASK_WEIGHT * best_loss, nothing


def dense_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the loss of the (B, 3, H, W) dense maps: cross-entropy plus dice."""
    entropy = F.binary_cross_entropy_with_logits(logits, target)
    return 3 * entropy + dice_loss(logits, target).mean()
