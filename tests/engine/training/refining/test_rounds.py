from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.engine.model.refining.scripted import POSITIVE, tiny_network
from tests.engine.training.refining.regions_by_hand import batch
from tilesam.model.refining.network import RefinerOutput
from tilesam.training.refining.corrections import CorrectionDraw, first_inputs
from tilesam.training.refining.loss import refiner_loss
from tilesam.training.refining.rounds import go_backward


def network():
    return tiny_network().train()


def learn(net, rounds, *, seed=0, regions=None, bfloat16=False):
    return go_backward(
        *(net, batch() if regions is None else regions),
        rounds=rounds,
        generator=torch.Generator().manual_seed(seed),
        draw=CorrectionDraw(),
        bfloat16=bfloat16,
    )


def gradients(net):
    return {name: value.grad.clone() for name, value in net.named_parameters()}


def test_one_round_is_the_loss_of_the_first_prompts():
    net, other = network(), network()
    figures = learn(net, 1)
    regions = batch()
    output = other(first_inputs(regions).channels())
    expected = refiner_loss(
        output.logits,
        output.predicted_iou,
        regions.mask,
        regions.area_outside,
        regions.weight,
        ~regions.box_yxyx.isnan().any(dim=1),
    )
    expected.loss.backward()
    assert figures["loss"] == pytest.approx(float(expected.loss.detach()), rel=1e-5)
    point, box = expected.iou.tolist()
    assert figures["iou_point"] == pytest.approx(point)
    assert figures["iou_box"] == pytest.approx(box)
    assert figures["iou_error"] == pytest.approx(float(expected.iou_error))
    for name, gradient in gradients(other).items():
        torch.testing.assert_close(gradients(net)[name], gradient, rtol=1e-3, atol=1e-5)


def test_every_round_shows_one_more_click(monkeypatch):
    net = network()
    counts = []
    forward = net.forward

    def counting(channels):
        counts.append(int((channels[:, POSITIVE] + channels[:, POSITIVE + 1]).sum()))
        return forward(channels)

    monkeypatch.setattr(net, "forward", counting)
    learn(net, 3)
    assert len(counts) == 3
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]


class Stubborn(nn.Module):
    """Says the same whatever it is asked."""

    def __init__(self):
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(0.3))

    def forward(self, channels):
        logits = self.logit.expand(len(channels), *channels.shape[-2:])
        return RefinerOutput(logits, torch.full((len(channels),), 0.5))


def test_rounds_count_alike_and_are_a_mean():
    regions = batch()._replace(weight=torch.ones(2))
    nets = [Stubborn() for _ in range(2)]
    once, thrice = (
        learn(net, rounds, regions=regions)
        for net, rounds in zip(nets, (1, 3), strict=True)
    )
    assert thrice == pytest.approx(once)
    torch.testing.assert_close(nets[0].logit.grad, nets[1].logit.grad)


def test_what_hardly_counts_counts_once_a_click_says_what_is_meant():
    doubtful = batch()._replace(weight=torch.zeros(2))
    nets = [Stubborn() for _ in range(2)]
    for net, rounds in zip(nets, (1, 2), strict=True):
        learn(net, rounds, regions=doubtful)
    assert nets[0].logit.grad == 0
    assert nets[1].logit.grad != 0


def test_equal_seeds_make_equal_gradients_and_other_clicks_others():
    nets = [network() for _ in range(3)]
    for net, seed in zip(nets, (0, 0, 1), strict=True):
        learn(net, 2, seed=seed)
    first, second, other = (gradients(net) for net in nets)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_figures_are_those_of_prompts_that_were_asked():
    only_boxes = batch()._replace(point_yx=torch.full((2, 2), torch.nan))
    only_boxes.box_yxyx[0] = only_boxes.box_yxyx[1]
    assert set(learn(network(), 1, regions=only_boxes)) == {
        "loss",
        "iou_error",
        "iou_box",
    }


def test_half_precision_learns_in_full():
    net = network()
    figures = learn(net, 2, bfloat16=True)
    exact = learn(network(), 2)
    assert figures["loss"] == pytest.approx(exact["loss"], rel=0.1)
    assert {value.dtype for value in gradients(net).values()} == {torch.float32}
