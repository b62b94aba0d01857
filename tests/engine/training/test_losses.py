from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from tilesam.model.mask_decoder import MaskDecoderOutput
from tilesam.training.losses import (
    MULTIMASK_WEIGHT,
    dice_loss,
    focal_loss,
    mask_iou,
    mask_losses,
    round_loss,
    soften,
)
from tilesam.training.prompt_simulation import PromptState
from tilesam.training.recipes import LossWeights

DICE_ONLY = LossWeights(focal=0.0, dice=1.0, iou=0.0)
POINT = PromptState(points_xy=torch.zeros(1, 1, 1, 2), point_labels=torch.ones(1, 1, 1))
BOX = PromptState(boxes_xyxy=torch.zeros(1, 1, 1, 4))


def test_soft_targets_are_covered_shares() -> None:
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    mask[..., :4, :6] = True
    assert soften(mask, 2).squeeze().tolist() == [[1.0, 0.5], [0.0, 0.0]]


def test_focal_loss_of_an_undecided_pixel_by_hand() -> None:
    # p = 1/2: entropy ln 2, squared error 1/4, balance 1/4 on the object.
    value = focal_loss(torch.zeros(1, 1), torch.ones(1, 1))
    assert value.item() == pytest.approx(0.25 * 0.25 * math.log(2))
    background = focal_loss(torch.zeros(1, 1), torch.zeros(1, 1))
    assert background.item() == pytest.approx(0.75 * 0.25 * math.log(2))


def test_dice_loss_by_hand() -> None:
    # Two of four pixels certain, three meant, two shared: 1 - (2*2+1) / (2+3+1).
    logits = torch.tensor([[50.0, 50.0], [-50.0, -50.0]])
    target = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    assert dice_loss(logits, target).item() == pytest.approx(1 - 5 / 6)


def test_iou_counts_two_empty_masks_as_right() -> None:
    empty = torch.full((2, 2), -1.0)
    assert mask_iou(empty, torch.zeros(2, 2)) == 1.0
    assert mask_iou(-empty, torch.zeros(2, 2)) == 0.0
    half = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    assert mask_iou(half, torch.tensor([[1.0, 0.0], [0.0, 0.0]])) == 0.5


def answer(good_token: int) -> tuple[MaskDecoderOutput, Tensor]:
    """One object; `good_token` has it right, the others are empty."""
    masks = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    masks[..., :4, :4] = True
    logits = torch.full((1, 1, 4, 2, 2), -20.0)
    logits[:, :, good_token, 0, 0] = 20.0
    return MaskDecoderOutput(
        logits.requires_grad_(), torch.zeros(1, 1, 4, requires_grad=True)
    ), masks


def test_one_point_is_answered_by_the_best_of_three() -> None:
    output, masks = answer(good_token=2)
    result = round_loss(output, POINT, masks, DICE_ONLY)
    assert result.loss.item() == pytest.approx(0, abs=1e-4)
    assert result.iou.item() == 1.0
    output, masks = answer(good_token=0)
    result = round_loss(output, POINT, masks, DICE_ONLY)
    assert result.loss.item() == pytest.approx(0.5, abs=1e-4)  # 1 - (0+1)/(0+1+1)
    assert result.iou.item() == 0.0


def test_anything_else_is_answered_by_the_single_mask() -> None:
    output, masks = answer(good_token=0)
    result = round_loss(output, BOX, masks, DICE_ONLY)
    assert result.iou.item() == 1.0
    assert result.loss.item() == pytest.approx(MULTIMASK_WEIGHT * 0.5, abs=1e-4)
    output, masks = answer(good_token=2)
    assert round_loss(output, BOX, masks, DICE_ONLY).iou.item() == 0.0


def test_only_the_best_of_three_learns_from_a_point() -> None:
    output, masks = answer(good_token=2)
    output.low_res_logits.data *= 0.05  # away from saturation: gradients are visible
    round_loss(output, POINT, masks, DICE_ONLY).loss.backward()
    gradient = output.low_res_logits.grad
    assert gradient is not None
    learns = [bool(gradient[0, 0, token].abs().sum() > 0) for token in range(4)]
    assert learns == [False, False, True, False]


def test_the_iou_head_learns_from_all_four() -> None:
    output, masks = answer(good_token=1)
    weights = LossWeights(focal=0.0, dice=0.0, iou=1.0)
    round_loss(output, POINT, masks, weights).loss.backward()
    gradient = output.predicted_iou.grad
    assert gradient is not None
    # d/dx mean (x - iou)^2 at x = 0 with IoU (0, 1, 0, 0).
    assert gradient.flatten().tolist() == pytest.approx([0, -0.5, 0, 0])


def test_weights_scale_their_parts() -> None:
    logits, target = torch.randn(1, 1, 4, 4, 4), torch.rand(1, 1, 4, 4)
    parts = [
        mask_losses(logits, target, LossWeights(*weights, iou=0.0))
        for weights in ((20.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 3.0))
    ]
    whole = mask_losses(logits, target, LossWeights(20.0, 2.0, 3.0))
    torch.testing.assert_close(sum(parts), whole)


@pytest.mark.parametrize("prompts", [POINT, BOX])
def test_the_single_output_answers_everything(prompts: PromptState) -> None:
    output, masks = answer(good_token=0)
    result = round_loss(output, prompts, masks, DICE_ONLY, multimask_output=False)
    assert result.iou.item() == 1.0
    assert result.loss.item() == pytest.approx(0, abs=1e-4)
    output, masks = answer(good_token=2)
    result = round_loss(output, prompts, masks, DICE_ONLY, multimask_output=False)
    assert result.iou.item() == 0.0
    assert result.loss.item() == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("prompts", [POINT, BOX])
def test_nothing_but_the_single_output_learns(prompts: PromptState) -> None:
    output, masks = answer(good_token=0)
    output.low_res_logits.data *= 0.05
    weights = LossWeights(focal=1.0, dice=1.0, iou=1.0)
    round_loss(output, prompts, masks, weights, multimask_output=False).loss.backward()
    learns = output.low_res_logits.grad.flatten(3).abs().sum(-1) > 0
    assert learns.flatten().tolist() == [True, False, False, False]
    # d/dx (x - iou)^2 at x = 0 with an IoU of 1.
    assert output.predicted_iou.grad.flatten().tolist() == [-2, 0, 0, 0]


def as_ever(output: MaskDecoderOutput, masks: Tensor, weights: LossWeights) -> Tensor:
    """The loss of a point and that of a box, written out."""
    logits = output.low_res_logits
    target = soften(masks, logits.shape[-1])
    losses = mask_losses(logits, target, weights)
    iou = mask_iou(logits, target.unsqueeze(2))
    score = weights.iou * (output.predicted_iou - iou).square().mean()
    best = losses[..., 1:].min(dim=-1).values
    return torch.stack(
        [
            best.mean() + score,
            (losses[..., 0] + MULTIMASK_WEIGHT * best).mean() + score,
        ]
    )


def test_without_being_told_otherwise_it_is_the_loss_it_always_was() -> None:
    generator = torch.Generator().manual_seed(0)
    output = MaskDecoderOutput(
        torch.randn(2, 3, 4, 8, 8, generator=generator),
        torch.rand(2, 3, 4, generator=generator),
    )
    masks = torch.rand(2, 3, 32, 32, generator=generator) < 0.5
    weights = LossWeights(20.0, 2.0, 3.0, 1.0)
    found = [round_loss(output, p, masks, weights).loss for p in (POINT, BOX)]
    torch.testing.assert_close(
        torch.stack(found), as_ever(output, masks, weights), rtol=0, atol=0
    )
