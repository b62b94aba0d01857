"""SAM's image encoder: a plain vision transformer, windowed but for a few blocks.

Names of parameters are those of the released checkpoints. Images of another size than
the one trained for are encoded too: the tables of positions are then resampled.

Kirillov et al. 2023, "Segment Anything", appendix A; Li et al. 2022, "Exploring Plain
Vision Transformer Backbones for Object Detection".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.attention import (
    attend_with_relative_position,
    merge_windows,
    partition_windows,
)
from tilesam.model.configs import PATCH_SIZE, ViTConfig
from tilesam.model.layers import (
    DropPath,
    LayerNorm2d,
    Linear,
    MLPBlock,
    rising_rates,
)

MLP_RATIO = 4
NORM_EPS = 1e-6


class PatchEmbed(nn.Module):
    """One token per patch of 16 x 16 pixels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, dim, PATCH_SIZE, stride=PATCH_SIZE)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, H, W) to (B, H/16, W/16, D)."""
        tokens: Tensor = self.proj(images)
        return tokens.permute(0, 2, 3, 1)


class Attention(nn.Module):
    """Multi-head attention with relative position, in windows or over the whole map.

    Parameters
    ----------
    dim, num_heads
        Channels, and the number of heads that share them.
    window_size
        Side of the windows in cells; 0 means global.
    grid
        Side of the map that the position tables are for.
    """

    def __init__(
        self, dim: int, num_heads: int, *, window_size: int, grid: int
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.window_size = window_size
        self.qkv = Linear(dim, 3 * dim)
        self.proj = Linear(dim, dim)
        offsets = 2 * (window_size or grid) - 1
        self.rel_pos_h = nn.Parameter(torch.zeros(offsets, dim // num_heads))
        self.rel_pos_w = nn.Parameter(torch.zeros(offsets, dim // num_heads))

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B, H, W, D)."""
        if not self.window_size:
            return self.proj(self._attend(x))
        # The zeros that fill up the windows at the border take part in the attention:
        # so it was when the released weights were trained.
        windows = self._attend(partition_windows(x, self.window_size))
        return self.proj(merge_windows(windows, (x.shape[1], x.shape[2])))

    def _attend(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(3, 0, 4, 1, 2, 5).flatten(1, 2)  # each (B heads) H W d
        x = attend_with_relative_position(
            q, k, v, rel_pos_h=self.rel_pos_h, rel_pos_w=self.rel_pos_w
        )
        return x.unflatten(0, (-1, self.num_heads)).permute(0, 2, 3, 1, 4).flatten(3)


class Block(nn.Module):
    """Attention and an MLP, each behind a layer norm and around a skip connection."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        window_size: int,
        grid: int,
        drop_path_rate: float,
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.attn = Attention(dim, num_heads, window_size=window_size, grid=grid)
        self.norm2 = nn.LayerNorm(dim, eps=NORM_EPS)
        self.mlp = MLPBlock(dim, dim * MLP_RATIO)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: Tensor) -> Tensor:
        """Return a tensor of the shape of `x`, (B, H, W, D)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class ViT(nn.Module):
    """Images to embeddings with 90M (B), 308M (L) or 637M (H) parameters.

    Parameters
    ----------
    config
        Width, depth, heads and which blocks are global.
    """

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        dim, out, grid = config.embed_dim, config.out_channels, config.image_grid
        self.patch_embed = PatchEmbed(dim)
        self.pos_embed = nn.Parameter(torch.zeros(1, grid, grid, dim))
        self.blocks = nn.ModuleList(
            Block(
                dim,
                config.num_heads,
                window_size=0 if index in config.global_blocks else config.window_size,
                grid=grid,
                drop_path_rate=rate,
            )
            for index, rate in enumerate(
                rising_rates(config.drop_path_rate, config.depth)
            )
        )
        self.neck = nn.Sequential(
            nn.Conv2d(dim, out, 1, bias=False),
            LayerNorm2d(out),
            nn.Conv2d(out, out, 3, padding=1, bias=False),
            LayerNorm2d(out),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Encode normalised images.

        Parameters
        ----------
        images
            (B, 3, H, W) float; both sides multiples of 16.

        Returns
        -------
        Tensor
            (B, 256, H/16, W/16).
        """
        x = self.patch_embed(images)  # B h w D
        x = x + self._positions((x.shape[1], x.shape[2]))
        for block in self.blocks:
            x = block(x)
        return self.neck(x.permute(0, 3, 1, 2))

    def _positions(self, grid_hw: tuple[int, int]) -> Tensor:
        """Return the (1, h, w, D) absolute positions for a grid of any size."""
        table: Tensor = self.pos_embed
        if table.shape[1:3] == grid_hw:
            return table
        table = F.interpolate(
            table.permute(0, 3, 1, 2),
            size=grid_hw,
            mode="bilinear",
            align_corners=False,
        )
        return table.permute(0, 2, 3, 1)
