"""Points and boxes drawn as a mask prompt, for networks that were trained to see them.

That a position is near a point, or between two corners, a decoder has to learn from
position encodings, over very many images. Drawn into the mask prompt it is there from
the first step on, which is what lets a small network learn from few images. Further
rounds have the logits of the last answer in its place.

The idea of showing clicks as a map is that of Xu et al. 2016, "Deep Interactive Object
Selection"; here it enters through SAM's own mask prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tilesam.model.reprojection import CELL

if TYPE_CHECKING:
    from torch import Tensor

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
