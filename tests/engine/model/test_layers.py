"""The matrix product through a convolution against the plain one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tilesam.model import layers
from tilesam.model.layers import Linear, linear


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"], autouse=True)
def threads(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(layers, "ELEMENTS_WORTH_CONVOLVING", 0)
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("shape", [(6,), (3, 6), (2, 3, 6), (2, 1, 3, 1, 6), (0, 6)])
@pytest.mark.parametrize("has_bias", [True, False])
def test_linear_is_that_of_torch(shape: tuple[int, ...], has_bias: bool) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(shape), torch.randn(5, 6)
    bias = torch.randn(5) if has_bias else None
    expected = F.linear(x, weight, bias)
    torch.testing.assert_close(linear(x, weight, bias), expected)


def test_views_are_not_mistaken_for_what_they_show() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(6, 200, 4).transpose(0, 2), torch.randn(6, 5).T
    torch.testing.assert_close(linear(x, weight), F.linear(x, weight))


def test_gradients_are_those_of_torch() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(6, 5)
    ours = Linear(6, 5)
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(7, 6)
    inputs = []
    for layer in (plain, ours):
        inputs.append(x.clone().requires_grad_())
        layer(inputs[-1]).square().sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad)
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)


def test_large_products_stay_as_exact() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(300, 256), torch.randn(64, 256)
    exact = x.double() @ weight.T.double()
    error = (linear(x, weight).double() - exact).abs().max()
    assert error < 1e-4  # of sums of 256 products of order one


def test_other_precisions_are_left_to_torch() -> None:
    x = torch.randn(3, 6, dtype=torch.float64)
    assert not layers._convolves_faster(x)
    assert linear(x, x).dtype == torch.float64
