"""Pixels and logits at any places of an image, averaged first where it shrinks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.types import Float32Array, UInt8Array


def resample(
    image: UInt8Array, y: Float32Array, x: Float32Array, scale: float
) -> UInt8Array:
    """Sample bilinearly from an image first averaged down to about the new scale.

    Parameters
    ----------
    image
        (H, W, 3) uint8.
    y, x
        (S, T) float32, pixels of the image; beyond its border it is mirrored.
    scale
        Pixels of the result for each of the image.

    Returns
    -------
    UInt8Array
        (S, T, 3).
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    factor = max(1, round(1 / scale))
    # What is thinner than that becomes one row or column of means.
    rows, columns = (min(factor, length) for length in image.shape[:2])
    if factor > 1:
        pixels = functional.avg_pool2d(pixels, (rows, columns), ceil_mode=True)
    height, width = pixels.shape[-2:]
    grid = _grid(y, x, rows * height, columns * width)
    sampled = _sample(pixels, grid, padding_mode="reflection")
    return to_uint8(sampled)


def sample_map(
    values: Tensor, y: Float32Array, x: Float32Array, frame_hw: tuple[float, float]
) -> Tensor:
    """Sample bilinearly from (C, h, w) maps that cover a frame of other pixels.

    Parameters
    ----------
    y, x
        (S, T) float32, pixel indices of the frame; beyond its border the values there
        go on.
    frame_hw
        Height and width of what the maps cover, in pixels of the frame.

    Returns
    -------
    Tensor
        (C, S, T) float32.
    """
    grid = _grid(y, x, *frame_hw)
    return _sample(values[None].float(), grid, padding_mode="border")[0]


def _grid(y: Float32Array, x: Float32Array, height: float, width: float) -> Tensor:
    # grid_sample wants -1 and 1 at the outer borders of the first and last pixel.
    grid = np.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], axis=-1)
    return torch.from_numpy(grid.astype(np.float32))[None]


def _sample(values: Tensor, grid: Tensor, *, padding_mode: str) -> Tensor:
    return functional.grid_sample(
        *(values, grid), mode="bilinear", padding_mode=padding_mode, align_corners=False
    )


def to_uint8(pixels: Tensor) -> UInt8Array:
    """Return (1, 3, H, W) float of 0-255 as (H, W, 3) uint8, rounded."""
    rounded = pixels[0].add(0.5).clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(rounded.permute(1, 2, 0).numpy())
