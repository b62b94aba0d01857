from __future__ import annotations

import pytest
import torch

from tests.engine.model.refining.scripted import TINY, tiny_network
from tilesam.model.refining.inputs import CHANNELS
from tilesam.model.refining.network import Refiner, RefinerConfig, ResidualBlock


def channels(count=2, size=32, seed=0):
    noise = torch.Generator().manual_seed(seed)
    return torch.randn(count, CHANNELS, size, size, generator=noise)


@pytest.mark.parametrize("size", [16, 32, 80])
@pytest.mark.parametrize("count", [1, 3])
def test_a_region_of_any_multiple_of_16_has_a_logit_for_each_pixel(size, count):
    output = tiny_network()(channels(count, size))
    assert output.logits.shape == (count, size, size)
    assert output.predicted_iou.shape == (count,)
    assert ((output.predicted_iou >= 0) & (output.predicted_iou <= 1)).all()


def test_the_sizes_are_those_of_the_configuration():
    config = RefinerConfig(size=48, dims=(4, 6, 8, 10), depths=(1, 0, 2, 1))
    network = Refiner(config).eval()
    assert network.config == config
    features, x = [], channels(1, 48)
    for stage in network.stages:
        x = stage(x)
        features.append(tuple(x.shape[1:]))
    assert features == [(4, 24, 24), (6, 12, 12), (8, 6, 6), (10, 3, 3)]
    assert network(channels(1, 48)).logits.shape == (1, 48, 48)


def test_a_block_begins_as_the_identity():
    x = torch.rand(2, 4, 8, 8)
    torch.testing.assert_close(ResidualBlock(4).eval()(x), x)


def test_every_channel_is_looked_at():
    network = tiny_network()
    shown = channels(1)
    before = network(shown)
    for index in range(CHANNELS):
        changed = shown.clone()
        changed[:, index] += 1
        assert not torch.equal(network(changed).logits, before.logits)


def test_every_pixel_is_looked_at():
    network = tiny_network()
    shown = channels(1).requires_grad_()
    network(shown).logits.sum().backward()
    assert shown.grad.abs().sum(dim=1).min() > 0


def test_judging_a_mask_does_not_pull_at_it():
    network = tiny_network()
    network(channels()).predicted_iou.sum().backward()
    assert network.to_logits.weight.grad is None
    assert network.to_iou[0].weight.grad is not None
    assert network.stages[0][0][0].weight.grad.any()


def test_regions_of_a_batch_do_not_know_of_each_other():
    network = tiny_network()
    shown = channels(3)
    together = network(shown)
    for i in range(3):
        alone = network(shown[i : i + 1])
        torch.testing.assert_close(
            alone.logits[0], together.logits[i], atol=1e-4, rtol=1e-4
        )
        torch.testing.assert_close(
            alone.predicted_iou[0], together.predicted_iou[i], atol=1e-4, rtol=1e-4
        )


def test_equal_weights_give_equal_answers_and_others_others():
    shown = channels()
    first = tiny_network(1)(shown).logits
    assert torch.equal(tiny_network(1)(shown).logits, first)
    assert not torch.equal(tiny_network(2)(shown).logits, first)
    assert tiny_network().config == TINY
