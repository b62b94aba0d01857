"""The image encoder of the embedded model: a convolutional feature pyramid.

Plain 3x3 convolutions reach several times the arithmetic rate of attention and
depthwise convolutions on a CPU, and learn from few images. What a thing is is known at
stride 32, where its border runs at stride 4; a path back up brings the one to the
other, and what comes out is folded into the channels of the one embedding, at stride
16, that the mask decoder reads.

Each channel of each image is normalised over its pixels. Normalised over channels
instead, a fresh network's embedding is nearly the same everywhere, and training spends
its first thousand steps on getting away from there; over the batch, small batches of
unlike images would be seen differently than single ones later.

The path back up is that of Lin et al. 2017, "Feature Pyramid Networks".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.layers import DropPath, LayerNorm2d, rising_rates

if TYPE_CHECKING:
    from tilesam.model.configs import PyramidConfig


FOLD_SIDE = 4
"""Pixels at stride 4 along the side of a cell of the embedding."""

BRANCH_GAIN = 0.5
"""Weight of a fresh residual branch beside its skip connection."""


def build_norm(dim: int) -> nn.GroupNorm:
    """Return a normalisation of each channel of each image over its pixels."""
    return nn.GroupNorm(dim, dim)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions, normalised first, around a skip connection."""

    def __init__(self, dim: int, drop_path_rate: float) -> None:
        super().__init__()
        self.norm = build_norm(dim)
        self.conv1 = nn.Conv2d(dim, dim, 3, padding=1)
        self.conv2 = nn.Conv2d(dim, dim, 3, padding=1)
        self.scale = nn.Parameter(torch.full((dim, 1, 1), BRANCH_GAIN))
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B, D, H, W)."""
        branch = self.conv2(F.gelu(self.conv1(self.norm(x))))
        output: Tensor = x + self.drop_path(branch * self.scale)
        return output


def build_stage(in_dim: int, dim: int, rates: list[float]) -> nn.Sequential:
    """Return a halving of the resolution followed by one block per drop rate."""
    return nn.Sequential(
        nn.Conv2d(in_dim, dim, 3, stride=2, padding=1),
        *(ResidualBlock(dim, rate) for rate in rates),
        build_norm(dim),
    )


class Ascent(nn.Module):
    """Bring what a coarser level knows to a finer one."""

    def __init__(self, coarse_dim: int, dim: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(coarse_dim, dim, 1)
        self.block = ResidualBlock(dim, 0.0)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        """Return (B, D, H, W) from `fine` of this shape and `coarse` of half of it."""
        from_above = F.interpolate(self.project(coarse), scale_factor=2.0)
        merged: Tensor = self.block(fine + from_above)
        return merged


def build_fold(dim: int, out_dim: int, factor: int) -> nn.Sequential:
    """Return a map of squares of `factor` pixels to single ones of more channels."""
    return nn.Sequential(
        build_norm(dim), nn.Conv2d(dim, out_dim, factor, stride=factor)
    )


def start_as_folding(layer: nn.Conv2d) -> None:
    """Let a fresh fold put each pixel of a square into channels of its own.

    The channels are in the order in which the mask decoder's fresh upscaling layers
    take them apart again: by quadrant of the cell, then by quadrant of the quadrant.
    Levels coarser than the quadrants say the same to all that they cover. Small random
    weights stay on everything else.
    """
    squares = FOLD_SIDE * FOLD_SIDE
    out_dim, dim, factor, _ = layer.weight.shape
    projection = torch.randn(out_dim // squares, dim) / dim**0.5
    blocks = layer.weight.detach().mul_(0.2).unflatten(0, (squares, -1))
    for index in range(squares):
        quadrant, inner = divmod(index, 4)
        row = 2 * (quadrant // 2) + inner // 2
        column = 2 * (quadrant % 2) + inner % 2
        y, x = row * factor // FOLD_SIDE, column * factor // FOLD_SIDE
        blocks[index, :, :, y, x] += projection


class ConvPyramid(nn.Module):
    """Residual stages at strides 4 to 32, a path back up, all folded to stride 16.

    Parameters
    ----------
    config
        Widths and depths of the stages.
    """

    def __init__(self, config: PyramidConfig) -> None:
        super().__init__()
        dims, out = config.dims, config.out_channels
        rates = rising_rates(config.drop_path_rate, sum(config.depths))
        self.stem = nn.Conv2d(3, dims[0] // 2, 3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        in_dim = dims[0] // 2
        for dim, depth in zip(dims, config.depths, strict=True):
            self.stages.append(
                build_stage(in_dim, dim, [rates.pop(0) for _ in range(depth)])
            )
            in_dim = dim
        d4, d8, d16, d32 = dims
        self.context = nn.Linear(d32, d16)
        self.to_s16 = Ascent(d32, d16)
        self.to_s8 = Ascent(d16, d8)
        self.to_s4 = Ascent(d8, d4)
        self.fold16 = build_fold(d16, out, 1)
        self.fold8 = build_fold(d8, out, 2)
        self.fold4 = build_fold(d4, out, 4)
        self.norm = LayerNorm2d(out)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        for fold in (self.fold16, self.fold8, self.fold4):
            start_as_folding(cast("nn.Conv2d", fold[1]))

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images.

        Parameters
        ----------
        images
            (B, 3, S, S) float; S a multiple of 32.

        Returns
        -------
        Tensor
            (B, 256, S/16, S/16).
        """
        x = F.gelu(self.stem(images.contiguous(memory_format=torch.channels_last)))
        s4 = self.stages[0](x)  # (B, D4, S/4, S/4)
        s8 = self.stages[1](s4)
        s16 = self.stages[2](s8)
        s32 = self.stages[3](s16)  # (B, D32, S/32, S/32)
        # What kind of image this is, seen from every pixel at once.
        s16 = s16 + self.context(s32.mean(dim=(2, 3)))[:, :, None, None]
        s16 = self.to_s16(s16, s32)
        s8 = self.to_s8(s8, s16)
        s4 = self.to_s4(s4, s8)
        embedding: Tensor = self.norm(
            self.fold16(s16) + self.fold8(s8) + self.fold4(s4)
        )
        return embedding
