"""Batches of regions whose right answers are known."""

from __future__ import annotations

import torch

from tilesam.training.refining.records import RegionBatch

SIZE = 32


def batch() -> RegionBatch:
    """Return two regions: an object asked for by a point, and one by a box."""
    mask = torch.zeros(2, SIZE, SIZE, dtype=torch.bool)
    mask[0, 4:12, 4:20] = True
    mask[1, 10:30, 8:18] = True
    pixels = (40 + 180 * mask)[:, None].expand(2, 3, SIZE, SIZE)
    nothing = torch.nan
    return RegionBatch(
        pixels=pixels.to(torch.uint8),
        inside=torch.ones(2, SIZE, SIZE, dtype=torch.bool),
        mask=mask,
        area_outside=torch.tensor([0.0, 50.0]),
        answer=torch.stack([mask[0] * 6.0 - 3.0, torch.zeros(SIZE, SIZE)]),
        point_yx=torch.tensor([[7.0, 9.0], [nothing, nothing]]),
        box_yxyx=torch.tensor([[nothing] * 4, [10.0, 8.0, 29.0, 17.0]]),
        weight=torch.tensor([1.0, 0.5]),
    )
