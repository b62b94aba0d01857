"""Small layers that several networks share."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Callable


ELEMENTS_WORTH_CONVOLVING = 20480
"""See `linear`."""


class LayerNorm2d(nn.Module):
    """Layer norm over the channels of each pixel of a (B, D, H, W) tensor."""

    def __init__(self, channels: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` normalised, same shape and memory format as channels-last."""
        # Channels last, this is PyTorch's fused kernel and the two permutations are
        # free: several times faster on CPU than mean and variance by hand.
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Map (..., C) to (..., C') as `torch.nn.functional.linear` does, faster on CPUs.

    PyTorch multiplies float32 matrices with MKL, which keeps its widest instructions
    for Intel's processors; a 1x1 convolution is the same product but goes to oneDNN,
    which uses what is there: half the time on an AMD EPYC, and no less exact.
    """
    if not _convolves_faster(x):
        return F.linear(x, weight, bias)
    pixels = x.reshape(1, -1, 1, x.shape[-1]).permute(0, 3, 1, 2)
    y = F.conv2d(pixels, weight[:, :, None, None], bias)
    return y.permute(0, 2, 3, 1).reshape(*x.shape[:-1], -1)


def _convolves_faster(x: Tensor) -> bool:
    return (
        x.device.type == "cpu"
        and x.dtype == torch.float32
        # Else PyTorch does not send the convolution to oneDNN.
        and x.numel() > ELEMENTS_WORTH_CONVOLVING
        and torch.get_num_threads() > 1
        and torch.backends.mkldnn.is_available()
    )


class Linear(nn.Linear):
    """A linear layer that multiplies with `linear`."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        return linear(x, self.weight, self.bias)


class MLPBlock(nn.Module):
    """Two linear layers with an activation between them."""

    def __init__(
        self, dim: int, hidden_dim: int, activation: Callable[[Tensor], Tensor] = F.gelu
    ) -> None:
        super().__init__()
        self.lin1 = Linear(dim, hidden_dim)
        self.lin2 = Linear(hidden_dim, dim)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`."""
        output: Tensor = self.lin2(self.activation(self.lin1(x)))
        return output


class MLP(nn.Module):
    """A chain of linear layers with ReLU between them, as the decoder's heads use."""

    def __init__(
        self, in_dim: int, hidden_dim: int, out_dim: int, num_layers: int
    ) -> None:
        super().__init__()
        dims = [in_dim, *[hidden_dim] * (num_layers - 1), out_dim]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(dims))

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in_dim) to (..., out_dim)."""
        *hidden, last = self.layers
        for layer in hidden:
            x = F.relu(layer(x))
        output: Tensor = last(x)
        return output


class DropPath(nn.Module):
    """Skip a residual branch for whole samples while training.

    Notes
    -----
    Huang et al. 2016, "Deep Networks with Stochastic Depth".
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with some samples zeroed and the others scaled up."""
        if not self.training or self.rate == 0.0:
            return x
        keep = 1.0 - self.rate
        shape = (x.shape[0],) + (1,) * (x.ndim - 1)
        return x * x.new_empty(shape).bernoulli_(keep).div_(keep)


def rising_rates(last: float, count: int) -> list[float]:
    """Return the drop path rates of `count` blocks, from 0 up to `last`."""
    return [last * block / max(count - 1, 1) for block in range(count)]
