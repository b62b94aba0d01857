"""Points and boxes drawn as a mask prompt, for networks that were trained to see them.

That a position is near a point, or between two corners, a decoder has to learn from
position encodings, over very many images. Drawn into the mask prompt it is there from
the first step on, which is what lets a small network learn from few images. Further
rounds have the logits of the last answer in its place.

The idea of showing clicks as a map is that of Xu et al. 2016, "Deep Interactive Object
Selection"; here it enters through SAM's own mask prompt.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from tilesam.model.configs import PATCH_SIZE
from tilesam.model.reprojection import CELL

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

CELLS_PER_PATCH = PATCH_SIZE // CELL
"""Low-resolution logits along a side of one position of the image embedding."""

STRENGTH = 4.0
"""Largest absolute logit of a drawing."""

REACH_OF_FOREGROUND, REACH_OF_BACKGROUND = 1 / 4, 1 / 16
"""Share of the input's side at which the drawing of a point has faded."""


def draw_prompts(
    points_xy: Tensor | None,
    point_labels: Tensor | None,
    boxes_xyxy: Tensor | None,
    grid_hw: tuple[int, int],
) -> Tensor | None:
    """Return prompts as logits, or None if there are neither points nor boxes.

    Parameters
    ----------
    points_xy, point_labels
        (B, N, P, 2) pixel indices of the input and (B, N, P) labels, see `Sam.decode`.
    boxes_xyxy
        (B, N, K, 4).
    grid_hw
        h and w of the image embedding.

    Returns
    -------
    Tensor or None
        (B, N, 4h, 4w) float. Inside a box it is positive, by the distance from its
        edge in low-resolution pixels. Without a box it falls with the distance from
        the nearest foreground point. Close to background points it is negative.
    """
    some = boxes_xyxy if boxes_xyxy is not None else points_xy
    if some is None:
        return None
    h, w = (side * CELL for side in grid_hw)
    y = ((torch.arange(h, device=some.device) + 0.5) * CELL - 0.5)[:, None]
    x = (torch.arange(w, device=some.device) + 0.5) * CELL - 0.5
    if points_xy is None or point_labels is None:
        return _draw_boxes(some, y, x)
    side = CELL * max(h, w)
    point_x, point_y = points_xy[..., None, None, :].unbind(-1)  # (B, N, P, 1, 1)
    distance = torch.hypot(y - point_y, x - point_x) / side
    labels = point_labels[..., None, None]
    if boxes_xyxy is not None:
        canvas = _draw_boxes(boxes_xyxy, y, x)
    else:
        cones = _cone(distance / REACH_OF_FOREGROUND)
        canvas = torch.where(labels == 1, cones, -STRENGTH).amax(dim=2)
    holes = -_cone(distance / REACH_OF_BACKGROUND)
    return canvas.minimum(torch.where(labels == 0, holes, STRENGTH).amin(dim=2))


def _draw_boxes(boxes_xyxy: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Return (B, N, 4h, 4w): the depth inside the nearest of K boxes."""
    x0, y0, x1, y1 = boxes_xyxy[..., None, None, :].unbind(-1)  # (B, N, K, 1, 1)
    rows = torch.minimum(y - y0, y1 - y)
    columns = torch.minimum(x - x0, x1 - x)
    depth = torch.minimum(rows, columns) / CELL
    return depth.clamp(-STRENGTH, STRENGTH).amax(dim=2)


def _cone(share: Tensor) -> Tensor:
    return STRENGTH * (1 - 2 * share.clamp(max=1.0))


def encode_drawn_points(
    points_xy: Tensor,
    grid_hw: tuple[int, int],
    encode_masks: Callable[[Tensor], Tensor],
) -> Tensor:
    """Draw and encode N foreground points, each only as far as its drawing reaches.

    Parameters
    ----------
    points_xy
        (1, N, 1, 2) pixel indices of the input, each a prompt of its own.
    grid_hw
        h and w of the image embedding.
    encode_masks
        From (1, N, 4p, 4p) logits to (1, N, D, p, p); every cell of the result depends
        on its own 4 x 4 logits alone.

    Returns
    -------
    Tensor
        (1, N, D, h, w), what `encode_masks` makes of `draw_prompts`. Most of such a
        drawing is one value, so that this takes a third of the time.
    """
    reach = math.ceil(REACH_OF_FOREGROUND * max(grid_hw)) + 1
    patch_hw = tuple(min(2 * reach + 1, side) for side in grid_hw)
    centre_yx = ((points_xy[0, :, 0].flip(-1) + 0.5) / PATCH_SIZE).floor().long()
    last = torch.tensor([h - p for h, p in zip(grid_hw, patch_hw, strict=True)])
    first_yx = (centre_yx - reach).clamp(min=0).minimum(last.to(points_xy.device))
    y, x = (
        _low_res_centres(first_yx[:, axis, None], patch_hw[axis]) for axis in (0, 1)
    )
    point_x, point_y = points_xy[0, :, 0, :, None, None].unbind(1)  # (N, 1, 1)
    distance = torch.hypot(y[:, :, None] - point_y, x[:, None] - point_x)
    side = PATCH_SIZE * max(grid_hw)
    drawn = _cone(distance / side / REACH_OF_FOREGROUND)
    patches = encode_masks(drawn.unsqueeze(0))  # (1, N, D, p, p)
    elsewhere = encode_masks(points_xy.new_full((1, 1, CELL, CELL), -STRENGTH))
    encoded = elsewhere.expand(1, len(drawn), -1, *grid_hw).clone()
    for n, (y0, x0) in enumerate(first_yx.tolist()):
        encoded[0, n, :, y0 : y0 + patch_hw[0], x0 : x0 + patch_hw[1]] = patches[0, n]
    return encoded


def _low_res_centres(first: Tensor, count: int) -> Tensor:
    """Return (N, 4 count) where logits lie in the input, from (N, 1) first cells on."""
    steps = torch.arange(CELLS_PER_PATCH * count, device=first.device)
    return (first * CELLS_PER_PATCH + steps + 0.5) * CELL - 0.5
