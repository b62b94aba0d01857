"""What the refiner answers, in pixels of the image and on the grid of a window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from tilesam.model.refining.frames import cell_centres, covered_hw
from tilesam.model.refining.region import to_region
from tilesam.model.refining.sampling import sample_map
from tilesam.model.reprojection import OUTSIDE_LOGIT
from tilesam.model.upsampling import crop_mask

if TYPE_CHECKING:
    from tilesam.model.upsampling import MaskCrop
    from tilesam.types import Float32Array, Window


@dataclass(frozen=True, eq=False)
class Refined:
    """The refiner's answer.

    Parameters
    ----------
    region
        A square of the image; may stick out of it.
    logits
        (S, S) float32; beyond the region there is no object.
    predicted_iou
        In [0, 1].
    """

    region: Window
    logits: Float32Array
    predicted_iou: float


def crop_refined(refined: Refined, image_hw: tuple[int, int]) -> MaskCrop:
    """Return the mask in pixels of the image, cut to its bounding box.

    Returns
    -------
    MaskCrop
        With its place in the image. What sticks out of the image is in no mask.
    """
    region, size = refined.region, len(refined.logits)
    hidden = max(-region.y0, 0), max(-region.x0, 0)
    crop = crop_mask(
        refined.logits,
        window_hw=(region.height, region.width),
        input_size=size,
        hidden_hw=hidden,
        visible_hw=(image_hw[0] - region.y0, image_hw[1] - region.x0),
    )
    if not crop.mask.size:
        return crop
    y, x = crop.offset_yx
    return replace(crop, offset_yx=(region.y0 + y, region.x0 + x))


def to_window(
    refined: Refined, window: Window, side: int, *, input_size: int
) -> Float32Array:
    """Return refined logits as low-resolution logits of a window.

    Parameters
    ----------
    side
        4g, of the result.

    Returns
    -------
    Float32Array
        (4g, 4g); what the region does not show is surely ground.
    """
    region, size = refined.region, len(refined.logits)
    y, x = np.meshgrid(*cell_centres(side, window, input_size), indexing="ij")
    at = to_region(np.stack([y, x], axis=-1), region, size)
    cell = covered_hw(window, input_size)[0] / side * size / region.height
    logits = torch.from_numpy(refined.logits)[None, None]
    factor = min(2 ** max(0, round(np.log2(cell))), size)
    if factor > 1:
        # Also where the factor does not divide the size: all of the region counts.
        logits = F.adaptive_avg_pool2d(logits, -(-size // factor))
    inside = ((at > -0.5) & (at < size - 0.5)).all(axis=-1)
    y_at, x_at = (at[..., i].astype(np.float32) for i in (0, 1))
    values = sample_map(logits[0], y_at, x_at, (size, size))[0].numpy()
    return np.where(inside, values, np.float32(OUTSIDE_LOGIT))
