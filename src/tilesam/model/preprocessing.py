"""From a window of the image to the network's square input, and back.

Two frames meet here. The *data frame* has `(y, x)` in pixels of the image, the centre
of the first pixel at `(0, 0)`. The *input frame* has `(x, y)` pixel indices of the
resized and padded window. Pixel centres are mapped exactly, as the resizing of the
pixels does it:

    x_input = (x_data - window.x0 + 0.5) * scale - 0.5

The released predictor multiplies indices by the scale instead, which moves prompts by
up to half an input pixel; at scale 1 the two agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from tilesam.types import FloatArray, UInt8Array, Window

PIXEL_MEAN = (123.675, 116.28, 103.53)
PIXEL_STD = (58.395, 57.12, 57.375)
"""Of 8-bit RGB, as the released weights expect it."""

PREPROCESSING_VERSION = 1
"""Counts the ways in which pixels became the input; embeddings of two do not mix."""


def resized_hw(window_hw: tuple[int, int], input_size: int) -> tuple[int, int]:
    """Return the size of a window whose longest side was resized to `input_size`."""
    scale = input_size / max(window_hw)
    height, width = (max(1, int(side * scale + 0.5)) for side in window_hw)
    return height, width


def window_to_input(window: UInt8Array, input_size: int) -> Tensor:
    """Resize a window, normalise it and pad it to a square.

    Parameters
    ----------
    window
        (h, w, 3) uint8 RGB.
    input_size
        Side S of the square in pixels.

    Returns
    -------
    Tensor
        (3, S, S) float32 on the CPU; zero right of and below the window.
    """
    # A copy where the array is read-only (memory maps): torch only wraps writable ones.
    pixels = torch.from_numpy(np.require(window, requirements=["C", "W"]))
    pixels = pixels.permute(2, 0, 1).unsqueeze(0)  # (1, 3, h, w)
    height, width = resized_hw(window.shape[:2], input_size)
    if (height, width) != pixels.shape[-2:]:
        pixels = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)
    normalized = normalize_pixels(pixels.to(torch.float32))[0]
    return F.pad(normalized, (0, input_size - width, 0, input_size - height))


def normalize_pixels(images: Tensor) -> Tensor:
    """Return (..., 3, H, W) RGB of 0-255, float, as the network wants to see it."""
    mean = images.new_tensor(PIXEL_MEAN).reshape(3, 1, 1)
    std = images.new_tensor(PIXEL_STD).reshape(3, 1, 1)
    return (images - mean) / std


def points_yx_to_input_xy(
    points_yx: FloatArray, window: Window, input_size: int
) -> FloatArray:
    """Map points of the data frame into the input frame.

    Parameters
    ----------
    points_yx
        (..., 2) in the data frame.
    window
        The window that is resized to be the input.
    input_size
        Side of the input in pixels.

    Returns
    -------
    FloatArray
        (..., 2), `(x, y)` pixel indices of the input.
    """
    window_hw = np.array([window.height, window.width], np.float64)
    scale = np.array(resized_hw((window.height, window.width), input_size)) / window_hw
    input_yx = (points_yx - [window.y0, window.x0] + 0.5) * scale - 0.5
    return input_yx[..., ::-1].copy()


def boxes_yxyx_to_input_xyxy(
    boxes_yxyx: FloatArray, window: Window, input_size: int
) -> FloatArray:
    """Map (..., 4) boxes of the data frame into the input frame, as `(x, y, x, y)`."""
    corners = boxes_yxyx.reshape(*boxes_yxyx.shape[:-1], 2, 2)
    mapped = points_yx_to_input_xy(corners, window, input_size)
    return mapped.reshape(boxes_yxyx.shape)


def logits_to_window(
    low_res_logits: Tensor, window_hw: tuple[int, int], input_size: int
) -> Tensor:
    """Upsample the decoder's logits to the pixels of a window.

    Parameters
    ----------
    low_res_logits
        (..., 4g, 4g) float.
    window_hw
        Height and width of the window in image pixels.
    input_size
        Side S of the network's input in pixels.

    Returns
    -------
    Tensor
        (..., H, W): bilinear to S x S, padding cut off, bilinear to the window.
    """
    height, width = resized_hw(window_hw, input_size)
    flat = low_res_logits.reshape(-1, 1, *low_res_logits.shape[-2:])
    upsampled = F.interpolate(flat, (input_size, input_size), mode="bilinear")
    kept = upsampled[..., :height, :width]
    if (height, width) != window_hw:
        kept = F.interpolate(kept, window_hw, mode="bilinear")
    return kept.reshape(*low_res_logits.shape[:-2], *window_hw)
