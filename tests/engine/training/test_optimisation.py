from __future__ import annotations

import pytest
import torch

from tilesam.training.optimisation import (
    FINAL_SHARE,
    WeightAverage,
    build_optimizer,
    learning_rate,
)
from tilesam.training.recipes import Phase, Recipe

RECIPE = Recipe(
    "tiny",
    (Phase(100, 64, 1, 1, 0), Phase(10, 64, 1, 1, 0)),
    learning_rate=1.0,
    warmup_steps=10,
)


def test_the_rate_warms_up_and_falls_down_a_cosine() -> None:
    assert learning_rate(0, RECIPE) == pytest.approx(0.1)
    assert learning_rate(9, RECIPE) == pytest.approx(1.0)
    assert learning_rate(60, RECIPE) == pytest.approx((1 + FINAL_SHARE) / 2)
    assert learning_rate(110, RECIPE) == pytest.approx(FINAL_SHARE)


def test_only_matrices_decay() -> None:
    optimizer = build_optimizer([torch.nn.Linear(3, 2), torch.nn.LayerNorm(2)], RECIPE)
    matrices, vectors = optimizer.param_groups
    assert [p.ndim for p in matrices["params"]] == [2]
    assert [p.ndim for p in vectors["params"]] == [1, 1, 1]
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)


def test_the_average_forgets_the_first_weights_soon() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 100.0)
    average = WeightAverage(layer, decay=0.999)
    torch.nn.init.constant_(layer.weight, 1.0)
    average.update(layer)  # decay 2/11
    assert average.state["weight"].item() == pytest.approx(100 * 2 / 11 + 9 / 11)
    for _ in range(100):
        average.update(layer)
    assert average.state["weight"].item() == pytest.approx(1.0, abs=0.01)


def test_the_average_survives_a_checkpoint() -> None:
    layer = torch.nn.BatchNorm1d(2)
    first, second = (WeightAverage(layer, decay=0.9) for _ in range(2))
    layer(torch.randn(4, 2))
    first.update(layer)
    second.load_state_dict(first.state_dict())
    layer(torch.randn(4, 2))
    for average in (first, second):
        average.update(layer)
    assert second.updates == 2
    for name, value in first.state.items():
        torch.testing.assert_close(second.state[name], value)
