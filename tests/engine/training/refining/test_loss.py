from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tilesam.training.refining.loss import (
    IOU_WEIGHT,
    hard_iou,
    refiner_loss,
    soft_iou_loss,
)

SIZE = 8


def masks(*areas):
    """Return one mask of so many pixels for each number."""
    flat = torch.arange(SIZE * SIZE)
    return torch.stack([(flat < area).reshape(SIZE, SIZE) for area in areas])


def sure(mask):
    return mask * 40.0 - 20.0


def loss_of(logits, mask, *, iou=0.5, outside=0.0, weight=1.0):
    count = len(mask)
    return refiner_loss(
        logits,
        torch.full((count,), iou),
        mask,
        torch.full((count,), outside),
        torch.as_tensor(weight, dtype=torch.float32).expand(count),
        torch.ones(count, dtype=torch.bool),
    )


@given(st.integers(0, 64), st.integers(0, 64), st.integers(0, 30))
def test_iou_by_counting(meant, found, outside):
    iou = hard_iou(sure(masks(found)), masks(meant), torch.tensor([float(outside)]))
    # Both begin at the first pixel: the smaller one is in the larger.
    expected = min(meant, found) / max(max(meant, found) + outside, 1)
    assert iou.tolist() == pytest.approx([expected])


def test_a_logit_of_zero_is_ground():
    assert hard_iou(torch.zeros(1, SIZE, SIZE), masks(5), torch.zeros(1)) == 0


@given(st.integers(0, 64), st.integers(0, 64))
def test_soft_iou_of_sure_masks_is_that_of_the_masks(meant, found):
    loss = soft_iou_loss(sure(masks(found)), masks(meant).float())
    overlap, union = min(meant, found), max(meant, found)
    assert loss.tolist() == pytest.approx([1 - (overlap + 1) / (union + 1)], abs=1e-4)


def test_what_is_not_known_costs_what_it_should():
    # All probabilities are one half, of 64 pixels 8 are the object.
    mask = masks(8)
    found = loss_of(torch.zeros(1, SIZE, SIZE), mask, iou=0.3)
    entropy = 64 * math.log(2) / (4 * 8)
    soft = 1 - (4 + 1) / (32 + 8 - 4 + 1)
    assert float(found.loss) == pytest.approx(
        2 * entropy + soft + IOU_WEIGHT * (0.3 - 8 / 64) ** 2
    )
    # The most that can be hoped for is to show everything.
    assert found.iou.tolist() == [8 / 64]
    assert float(found.iou_error) == pytest.approx(0.3 - 8 / 64)


def test_the_perfect_mask_and_judgement_cost_nothing():
    found = loss_of(sure(masks(8, 64)), masks(8, 64), iou=1.0)
    assert float(found.loss) == pytest.approx(0, abs=1e-4)
    assert found.iou.tolist() == [1, 1]
    assert float(found.iou_error) == 0


@given(st.integers(1, 63))
def test_a_better_mask_costs_less(area):
    mask = masks(area)
    found = [loss_of(masks(n) * 4.0 - 2.0, mask) for n in range(65)]
    # The judgement of 0.5 is as wrong for some of them as for others.
    costs = [float(f.loss) - IOU_WEIGHT * (0.5 - float(f.iou)) ** 2 for f in found]
    assert min(range(65), key=costs.__getitem__) == area
    assert costs[: area + 1] == sorted(costs[: area + 1], reverse=True)
    assert costs[area:] == sorted(costs[area:])


def test_what_the_region_does_not_show_lowers_the_iou_that_is_learned():
    found = loss_of(sure(masks(8)), masks(8), iou=0.5, outside=8.0)
    assert found.iou.tolist() == [0.5]
    assert float(found.loss) == pytest.approx(0, abs=1e-4)


def test_masks_count_by_their_weight_and_judgements_all_alike():
    logits = torch.zeros(2, SIZE, SIZE, requires_grad=True)
    judged = torch.tensor([0.5, 0.5], requires_grad=True)
    nothing = torch.zeros(2)
    found = refiner_loss(
        *(logits, judged, masks(8, 8), nothing),
        *(torch.tensor([1.0, 0.0]), torch.tensor([True, False])),
    )
    found.loss.backward()
    assert logits.grad[0].any()
    assert not logits.grad[1].any()
    torch.testing.assert_close(judged.grad, (0.5 - found.iou) * IOU_WEIGHT)


def test_the_loss_is_the_mean_by_weight():
    logits = torch.randn(2, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    mask = masks(8, 20)
    found = [loss_of(logits[i : i + 1], mask[i : i + 1], iou=0.0) for i in (0, 1)]
    each = [float(one.loss) for one in found]
    ious = [float(one.iou) for one in found]
    each = [e - IOU_WEIGHT * i**2 for e, i in zip(each, ious, strict=True)]
    both = float(loss_of(logits, mask, iou=0.0, weight=torch.tensor([3.0, 1.0])).loss)
    judgement = IOU_WEIGHT * sum(i**2 for i in ious) / 2
    assert both - judgement == pytest.approx((3 * each[0] + each[1]) / 4, rel=1e-5)


def test_a_batch_of_masks_that_do_not_count_is_no_accident():
    found = loss_of(torch.zeros(2, SIZE, SIZE), masks(8, 8), weight=0.0)
    assert torch.isfinite(found.loss)


def test_the_iou_is_a_figure_and_not_learned_from():
    logits = torch.randn(1, SIZE, SIZE).requires_grad_()
    found = loss_of(logits, masks(8))
    assert not found.iou.requires_grad
    assert not found.iou_error.requires_grad
