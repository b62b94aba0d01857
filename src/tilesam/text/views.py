"""What the crop encoder sees of a mask: close up, and with what stands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from tilesam.text.network import MEASURES, VIEW_SIDE, VIEWS
from tilesam.types import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from tilesam.image import ImageSource
    from tilesam.masks.run_masks import RunMasks
    from tilesam.types import BoolArray, Float32Array, UInt8Array

SPANS = (1.5, 5.0)
"""Side of each view, as a multiple of the longest side of the mask."""

SMALLEST_SIDE = (8, 40)
"""Of each view, in pixels of the image."""


def look_at(
    source: ImageSource, masks: RunMasks, rows: Iterable[int] | None = None
) -> tuple[UInt8Array, Float32Array]:
    """Return the views and measures of masks.

    Parameters
    ----------
    source
        The image.
    masks
        In pixels of the image.
    rows
        Which of them; by default all.

    Returns
    -------
    views
        (N, VIEWS, 4, S, S) uint8: RGB and the mask's share of each pixel. Beyond the
        image everything is 0.
    measures
        (N, MEASURES) float32: size, filled share of the box, its proportions.
    """
    chosen = list(range(len(masks)) if rows is None else rows)
    views = np.zeros((len(chosen), VIEWS, 4, VIEW_SIDE, VIEW_SIDE), np.uint8)
    measures = np.zeros((len(chosen), MEASURES), np.float32)
    for place, row in enumerate(chosen):
        crop, (y0, x0) = masks.crop(row)
        measures[place] = measure(crop)
        for number in range(VIEWS):
            window = _square_around(crop.shape, (y0, x0), number)
            _paste_pixels(views[place, number], source, window)
            shown = _mask_in(crop, (y0 - window.y0, x0 - window.x0), window.height)
            views[place, number, 3] = shown
    return views, measures


def measure(crop: BoolArray) -> Float32Array:
    """Return (MEASURES,) numbers about a mask that is cut to its extent."""
    area, (height, width) = int(crop.sum()), crop.shape
    numbers = (
        np.log2(max(area, 1)) / 4 - 2,
        np.log2(max(height, width)) / 2 - 3,
        area / max(height * width, 1),
        min(height, width) / max(height, width, 1),
    )
    return np.array(numbers, np.float32)


def to_input(views: UInt8Array) -> Tensor:
    """Return views as the encoder takes them, float32 in [-1, 1]."""
    return torch.from_numpy(views).float() / 127.5 - 1


def _square_around(
    shape: tuple[int, ...], offset_yx: tuple[int, int], view: int
) -> Window:
    height, width = shape
    side = max(round(SPANS[view] * max(height, width)), SMALLEST_SIDE[view])
    y0 = offset_yx[0] + (height - side) // 2
    x0 = offset_yx[1] + (width - side) // 2
    return Window(y0, x0, side, side)


def _paste_pixels(view: UInt8Array, source: ImageSource, window: Window) -> None:
    """Write what the image has of a window into the first three channels."""
    height, width = source.hw
    top, left = max(window.y0, 0), max(window.x0, 0)
    bottom = min(window.y0 + window.height, height)
    right = min(window.x0 + window.width, width)
    scale = VIEW_SIDE / window.height
    rows = [round((y - window.y0) * scale) for y in (top, bottom)]
    columns = [round((x - window.x0) * scale) for x in (left, right)]
    out_hw = rows[1] - rows[0], columns[1] - columns[0]
    if min(out_hw) <= 0:
        return
    inside = Window(top, left, bottom - top, right - left)
    pixels = source.read_resampled(inside, out_hw)
    view[:3, slice(*rows), slice(*columns)] = pixels.transpose(2, 0, 1)


def _mask_in(crop: BoolArray, offset_yx: tuple[int, int], side: int) -> UInt8Array:
    """Return the share of each pixel of a view that a mask covers, 255 for all."""
    canvas = np.zeros((side, side), np.float32)
    y, x = offset_yx
    canvas[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
    shares = F.interpolate(
        torch.from_numpy(canvas)[None, None], size=VIEW_SIDE, mode="area"
    )
    array: UInt8Array = (shares[0, 0] * 255).round().to(torch.uint8).numpy()
    return array
