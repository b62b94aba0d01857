"""TinyViT as MobileSAM uses it: a convolutional stage, then windowed attention.

Names of parameters are those of the released `mobile_sam.pt`. Unlike the released code,
any image whose sides are multiples of 64 is encoded.

Wu et al. 2022, "TinyViT: Fast Pretraining Distillation for Small Vision Transformers";
Zhang et al. 2023, "Faster Segment Anything".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.attention import merge_windows, partition_windows
from tilesam.model.layers import DropPath, LayerNorm2d, Linear, rising_rates

if TYPE_CHECKING:
    from tilesam.model.configs import TinyViTConfig

EXPANSION = 4
"""Ratio of hidden to outer channels in the convolutional stage."""


class ConvNorm(nn.Module):
    """A convolution without bias and its batch norm, folded together in eval mode."""

    def __init__(
        self,
        in_dim: int,
        out_dim: int,
        kernel_size: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
    ) -> None:
        super().__init__()
        self.c = nn.Conv2d(
            in_dim,
            out_dim,
            kernel_size,
            stride=stride,
            padding=kernel_size // 2,
            groups=groups,
            bias=False,
        )
        self.bn = nn.BatchNorm2d(out_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D', H / stride, W / stride)."""
        mean, variance = self.bn.running_mean, self.bn.running_var
        if self.training or mean is None or variance is None:
            return self.bn(self.c(x))
        # Scaling the few weights instead of the many pixels saves a pass over them.
        scale = self.bn.weight * torch.rsqrt(variance + self.bn.eps)
        weight = self.c.weight * scale[:, None, None, None]
        bias = self.bn.bias - mean * scale
        return F.conv2d(
            x, weight, bias, self.c.stride, self.c.padding, groups=self.c.groups
        )


class PatchEmbed(nn.Module):
    """Two strided convolutions, from pixels to stride 4."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.seq = nn.Sequential(
            ConvNorm(3, dim // 2, 3, stride=2),
            nn.GELU(),
            ConvNorm(dim // 2, dim, 3, stride=2),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, S, S) to (B, D, S/4, S/4)."""
        return self.seq(images)


class MBConv(nn.Module):
    """An inverted residual: widen, convolve each channel, narrow."""

    def __init__(self, dim: int, drop_path_rate: float) -> None:
        super().__init__()
        hidden = dim * EXPANSION
        self.conv1 = ConvNorm(dim, hidden)
        self.conv2 = ConvNorm(hidden, hidden, 3, groups=hidden)
        self.conv3 = ConvNorm(hidden, dim)
        self.drop_path = DropPath(drop_path_rate)
        # The block starts as the identity, which makes early training stable.
        nn.init.zeros_(self.conv3.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B, D, H, W)."""
        branch = self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))
        return F.gelu(x + self.drop_path(branch))


class PatchMerging(nn.Module):
    """From one stage's width and stride to those of the next."""

    def __init__(self, in_dim: int, out_dim: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_dim, out_dim)
        self.conv2 = ConvNorm(out_dim, out_dim, 3, stride=stride, groups=out_dim)
        self.conv3 = ConvNorm(out_dim, out_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, H, W) to (B, D', H / stride, W / stride)."""
        return self.conv3(F.gelu(self.conv2(F.gelu(self.conv1(x)))))


class BiasedAttention(nn.Module):
    """Attention among the cells of a window, with a learned bias per offset.

    The bias depends on how far apart two cells are in each direction, not on the sign:
    `attention_biases` is (heads, size * size), `attention_bias_idxs` says which of
    them belongs to a pair of cells.
    """

    attention_bias_idxs: Tensor

    def __init__(self, dim: int, num_heads: int, window_size: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norm = nn.LayerNorm(dim)
        self.qkv = Linear(dim, 3 * dim)
        self.proj = Linear(dim, dim)
        self.attention_biases = nn.Parameter(torch.zeros(num_heads, window_size**2))
        self.register_buffer(
            "attention_bias_idxs", pair_offsets(window_size), persistent=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B * windows, cells, D)."""
        # Each head has its own q, k and v side by side in the released weights.
        qkv = self.qkv(self.norm(x)).unflatten(-1, (self.num_heads, -1))
        q, k, v = qkv.transpose(1, 2).chunk(3, dim=-1)  # B heads cells D/heads
        bias = self.attention_biases[:, self.attention_bias_idxs].to(q.dtype)
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        return self.proj(x.transpose(1, 2).flatten(2))


def pair_offsets(window_size: int) -> Tensor:
    """Return, for each pair of cells, the number of its offset `(|dy|, |dx|)`.

    Returns
    -------
    Tensor
        (cells, cells) int64 in [0, cells); `|dy| * window_size + |dx|`, which is also
        the order in which the released weights number the offsets.
    """
    side = torch.arange(window_size)
    distance = (side[:, None] - side[None, :]).abs()  # size size
    dy, dx = distance[:, None, :, None], distance[None, :, None, :]
    return (dy * window_size + dx).reshape(window_size**2, window_size**2)


class Mlp(nn.Module):
    """Layer norm and two linear layers, under the names of the released weights."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fc1 = Linear(dim, hidden_dim)
        self.fc2 = Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (..., D)."""
        return self.fc2(F.gelu(self.fc1(self.norm(x))))


class TinyViTBlock(nn.Module):
    """Windowed attention, a depthwise convolution across window borders, an MLP."""

    def __init__(
        self,
        dim: int,
        *,
        num_heads: int,
        window_size: int,
        mlp_ratio: float,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.attn = BiasedAttention(dim, num_heads, window_size)
        self.mlp = Mlp(dim, int(dim * mlp_ratio))
        self.local_conv = ConvNorm(dim, dim, 3, groups=dim)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B, D, H, W), channels last."""
        x = x.permute(0, 2, 3, 1)  # B H W D
        x = x + self.drop_path(self._attend(x))
        x = self.local_conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        x = x + self.drop_path(self.mlp(x))
        return x.permute(0, 3, 1, 2)

    def _attend(self, x: Tensor) -> Tensor:
        # Padding takes part in the attention as zeros before the norm: so it was when
        # the released weights were trained.
        windows = partition_windows(x, self.window_size)
        attended = self.attn(windows.flatten(1, 2)).view_as(windows)
        return merge_windows(attended, (x.shape[1], x.shape[2]))


class Stage(nn.Module):
    """Blocks of one width, and the way to the next width if there is one."""

    def __init__(self, blocks: list[nn.Module], downsample: nn.Module | None) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, D, H, W) to the shape of the next stage."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


def build_stage(config: TinyViTConfig, index: int) -> Stage:
    """Return stage `index` with its share of the stochastic depth."""
    dim, last = config.embed_dims[index], len(config.depths) - 1
    rates = drop_path_rates(config, index)
    if index == 0:
        blocks: list[nn.Module] = [MBConv(dim, rate) for rate in rates]
    else:
        blocks = [
            TinyViTBlock(
                dim,
                num_heads=config.num_heads[index],
                window_size=config.window_sizes[index],
                mlp_ratio=config.mlp_ratio,
                drop_path_rate=rate,
            )
            for rate in rates
        ]
    if index == last:
        return Stage(blocks, None)
    # The last stage keeps the stride of the one before: SAM wants 1/16, not 1/32.
    stride = 1 if index == last - 1 else 2
    return Stage(blocks, PatchMerging(dim, config.embed_dims[index + 1], stride))


def drop_path_rates(config: TinyViTConfig, index: int) -> list[float]:
    """Return the rates of the blocks of a stage; they rise from block to block."""
    first, depth = sum(config.depths[:index]), config.depths[index]
    rates = rising_rates(config.drop_path_rate, sum(config.depths))
    return rates[first : first + depth]


class TinyViT(nn.Module):
    """Images to embeddings with some 6M parameters.

    Parameters
    ----------
    config
        Widths, depths and windows of the four stages.
    """

    def __init__(self, config: TinyViTConfig) -> None:
        super().__init__()
        out = config.out_channels
        self.patch_embed = PatchEmbed(config.embed_dims[0])
        self.layers = nn.ModuleList(
            build_stage(config, index) for index in range(len(config.depths))
        )
        self.neck = nn.Sequential(
            nn.Conv2d(config.embed_dims[-1], out, 1, bias=False),
            LayerNorm2d(out),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            LayerNorm2d(out),
        )
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images.

        Parameters
        ----------
        images
            (B, 3, H, W) float; both sides multiples of 64.

        Returns
        -------
        Tensor
            (B, 256, H/16, W/16).
        """
        # Convolutions and attention then share one layout, and none of them copies.
        x = self.patch_embed(images.contiguous(memory_format=torch.channels_last))
        for stage in self.layers:
            x = stage(x)
        return self.neck(x)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
