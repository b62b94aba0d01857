"""Prompts to tokens: points, boxes and masks, as the decoder reads them.

Kirillov et al. 2023, "Segment Anything", section 3 and appendix A.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from tilesam.model.configs import EMBED_DIM, PATCH_SIZE
from tilesam.model.layers import LayerNorm2d

MASK_CHANNELS = 16
"""Hidden channels of the network that reads a mask prompt."""


FREQUENCY_RANGE = (0.1, 1.5)
"""Cycles per half image side, of a fresh position encoding; drawn log-uniformly."""


class RandomPositionEncoding(nn.Module):
    """Sines and cosines of random projections of a position in the unit square.

    Notes
    -----
    Tancik et al. 2020, "Fourier Features Let Networks Learn High Frequency Functions".
    The released weights have standard normal frequencies, which tell neighbours from
    all else but hardly near from far. A fresh encoding has slow waves as well, from
    which attention learns "left of" and "between" several times sooner.
    """

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        direction = 2 * math.pi * torch.rand(dim // 2)
        slowest, fastest = FREQUENCY_RANGE
        frequency = slowest * (fastest / slowest) ** torch.rand(dim // 2)
        waves_xy = frequency * torch.stack([direction.cos(), direction.sin()])
        self.register_buffer("positional_encoding_gaussian_matrix", waves_xy)

    def forward(self, unit_xy: Tensor) -> Tensor:
        """Encode (..., 2) positions in [0, 1] as (..., D)."""
        matrix = self.positional_encoding_gaussian_matrix
        phase = 2 * math.pi * ((2 * unit_xy.to(matrix.dtype) - 1) @ matrix)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)

    def encode_grid(self, grid_hw: tuple[int, int]) -> Tensor:
        """Return the encoding of the centres of an h x w grid as (D, h, w)."""
        device = self.positional_encoding_gaussian_matrix.device
        h, w = grid_hw
        y = (torch.arange(h, device=device) + 0.5) / h
        x = (torch.arange(w, device=device) + 0.5) / w
        grid_xy = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
        return self.forward(grid_xy).permute(2, 0, 1)


class PromptEncoder(nn.Module):
    """Points, boxes and masks to sparse and dense prompt embeddings.

    All coordinates are `(x, y)` pixel indices of the network's input; half a pixel
    is added here, so that index 0 means the centre of the first pixel.
    """

    def __init__(self, dim: int = EMBED_DIM) -> None:
        super().__init__()
        self.pe_layer = RandomPositionEncoding(dim)
        # 0 background, 1 foreground, 2 upper left and 3 lower right corner of a box.
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, dim) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, dim)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, MASK_CHANNELS // 4, 2, stride=2),
            LayerNorm2d(MASK_CHANNELS // 4),
            nn.GELU(),
            nn.Conv2d(MASK_CHANNELS // 4, MASK_CHANNELS, 2, stride=2),
            LayerNorm2d(MASK_CHANNELS),
            nn.GELU(),
            nn.Conv2d(MASK_CHANNELS, dim, 1),
        )
        self.no_mask_embed = nn.Embedding(1, dim)

    def encode_points(
        self, points_xy: Tensor, point_labels: Tensor, grid_hw: tuple[int, int]
    ) -> Tensor:
        """Encode (B, N, P, 2) points with (B, N, P) labels 1, 0 or -1 as tokens.

        A token of label -1 says nothing of a place: it only fills up.
        """
        tokens = self.pe_layer(self._to_unit(points_xy, grid_hw))
        labels = point_labels.unsqueeze(-1)
        background, foreground = self._kinds(0, 1)
        tokens = tokens + (labels == 0) * background + (labels == 1) * foreground
        return torch.where(labels == -1, self.not_a_point_embed.weight[0], tokens)

    def encode_boxes(self, boxes_xyxy: Tensor, grid_hw: tuple[int, int]) -> Tensor:
        """Encode (B, N, K, 4) boxes as (B, N, 2 K, D) tokens, two corners each."""
        corners = self._to_unit(boxes_xyxy.unflatten(-1, (2, 2)), grid_hw)
        return (self.pe_layer(corners) + self._kinds(2, 3)).flatten(2, 3)

    def encode_masks(self, mask_input: Tensor) -> Tensor:
        """Encode (B, N, 4h, 4w) logits as (B, N, D, h, w)."""
        flat = self.mask_downscaling(mask_input.flatten(0, 1).unsqueeze(1))
        return torch.unflatten(flat, 0, mask_input.shape[:2])

    def encode_sparse(
        self,
        points_xy: Tensor | None,
        point_labels: Tensor | None,
        boxes_xyxy: Tensor | None,
        grid_hw: tuple[int, int],
    ) -> Tensor | None:
        """Return (B, N, T, D) tokens of points and boxes, or None without either.

        Points without a box are followed by one padding token, as in training.
        """
        tokens: list[Tensor] = []
        if points_xy is not None and point_labels is not None:
            if boxes_xyxy is None:
                pad = point_labels.new_full((*point_labels.shape[:2], 1), -1)
                point_labels = torch.cat([point_labels, pad], dim=2)
                points_xy = torch.cat(
                    [points_xy, points_xy.new_zeros(*pad.shape, 2)], dim=2
                )
            tokens.append(self.encode_points(points_xy, point_labels, grid_hw))
        if boxes_xyxy is not None:
            tokens.append(self.encode_boxes(boxes_xyxy, grid_hw))
        return torch.cat(tokens, dim=2) if tokens else None

    def encode_dense(self, mask_input: Tensor | None) -> Tensor:
        """Return (B, N, D, h, w), or (1, 1, D, 1, 1) when there is no mask."""
        if mask_input is not None:
            return self.encode_masks(mask_input)
        return self.no_mask_embed.weight[0].reshape(1, 1, -1, 1, 1)

    def _kinds(self, *indices: int) -> Tensor:
        weights = (self.point_embeddings[index].weight for index in indices)
        return torch.cat([cast("Tensor", weight) for weight in weights])

    @staticmethod
    def _to_unit(xy: Tensor, grid_hw: tuple[int, int]) -> Tensor:
        h, w = grid_hw
        return (xy + 0.5) / xy.new_tensor([w * PATCH_SIZE, h * PATCH_SIZE])
