"""The image encoder of the embedded model: residual convolutions, fused at stride 16.

Plain 3x3 convolutions reach several times the arithmetic rate of attention and
depthwise convolutions on a CPU, and learn from few images. Fine detail survives because
the stride-4 and stride-8 stages reach the embedding through their own strided
convolutions instead of through the depth of the network alone.

Each channel of each image is normalised over its pixels. Normalised over channels
instead, a fresh network's embedding is nearly the same everywhere, and training spends
its first thousand steps on getting away from there; over the batch, small batches of
unlike images would be seen differently than single ones later.

The idea of fusing stages is that of Lin et al. 2017, "Feature Pyramid Networks"; here
all levels meet at one stride, since the mask decoder reads a single embedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.layers import DropPath, LayerNorm2d

if TYPE_CHECKING:
    from tilesam.model.configs import PyramidConfig


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


def build_descent(in_dim: int, out_dim: int, steps: int) -> nn.Sequential:
    """Return `steps` strided convolutions that bring a stage down to stride 16."""
    layers: list[nn.Module] = []
    for step in range(steps):
        layers += [nn.GELU()] if step else []
        layers.append(nn.Conv2d(in_dim if step == 0 else out_dim, out_dim, 2, stride=2))
    return nn.Sequential(*layers)


class ConvPyramid(nn.Module):
    """Residual stages at strides 4, 8, 16 and 32, summed into one embedding.

    Parameters
    ----------
    config
        Widths and depths of the stages.
    """

    def __init__(self, config: PyramidConfig) -> None:
        super().__init__()
        dims, out = config.dims, config.out_channels
        rates = torch.linspace(0, config.drop_path_rate, sum(config.depths)).tolist()
        self.stem = nn.Conv2d(3, dims[0] // 2, 3, stride=2, padding=1)
        self.stages = nn.ModuleList()
        in_dim = dims[0] // 2
        for dim, depth in zip(dims, config.depths, strict=True):
            self.stages.append(
                build_stage(in_dim, dim, [rates.pop(0) for _ in range(depth)])
            )
            in_dim = dim
        self.lateral4 = build_descent(dims[0], out, 2)
        self.lateral8 = build_descent(dims[1], out, 1)
        self.lateral16 = nn.Conv2d(dims[2], out, 1)
        self.lateral32 = nn.Conv2d(dims[3], out, 1)
        self.context = nn.Linear(dims[3], out)
        self.fuse = nn.Sequential(build_norm(out), ResidualBlock(out, 0.0))
        self.norm = LayerNorm2d(out)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

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
        fused = self.lateral16(s16) + self.lateral8(s8) + self.lateral4(s4)
        fused = fused + F.interpolate(self.lateral32(s32), scale_factor=2.0)
        # What kind of image this is, seen from every pixel at once.
        fused = fused + self.context(s32.mean(dim=(2, 3)))[:, :, None, None]
        embedding: Tensor = self.norm(self.fuse(fused))
        return embedding
