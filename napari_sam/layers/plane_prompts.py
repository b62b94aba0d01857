"""The prompts in a pair of prompt layers, plane by plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from napari.layers import Points, Shapes

from napari_sam.layers.coordinates import (
    Plane,
    box_to_shape,
    is_on_plane,
    points_from_engine,
    points_to_engine,
    shape_to_box,
)
from napari_sam.layers.polarity import FEATURE
from tilesam.types import BACKGROUND, FOREGROUND, BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class PlanePrompts:
    """All points and boxes on one plane, as `Session.prompt` takes them.

    Parameters
    ----------
    points_yx
        (P, 2) in pixels of level 0.
    point_labels
        (P,) `FOREGROUND` or `BACKGROUND`.
    boxes_yxyx
        (K, 4).
    """

    points_yx: FloatArray
    point_labels: IntArray
    boxes_yxyx: FloatArray

    def __len__(self) -> int:
        return len(self.points_yx) + len(self.boxes_yxyx)


def read_prompts(points: Points, boxes: Shapes, plane: Plane) -> PlanePrompts:
    """Return the prompts that lie on a plane.

    A shape of another kind than a rectangle counts as the box around it; one over
    several planes, which only a program can draw, is on none.
    """
    points_yx, planes = points_to_engine(points.data)
    here = is_on_plane(planes, plane)
    found = [shape_to_box(vertices) for vertices in boxes.data]
    on_plane = [box for box, box_plane in found if box_plane == plane]
    return PlanePrompts(
        points_yx[here],
        np.where(is_negative(points), BACKGROUND, FOREGROUND)[here].astype(np.int64),
        np.array(on_plane, np.float64).reshape(-1, 4),
    )


def write_prompts(
    points: Points, boxes: Shapes, prompts: PlanePrompts, plane: Plane
) -> None:
    """Replace the prompts on a plane, for example by those of a saved session."""
    clear_prompts(points, boxes, plane)
    if len(prompts.points_yx):
        count = len(points.data)
        points.add(points_from_engine(prompts.points_yx, plane))
        features = points.features.copy()
        names = np.where(prompts.point_labels == FOREGROUND, "positive", "negative")
        features.loc[count:, FEATURE] = names
        points.features = features
        points.selected_data = set()
    if len(prompts.boxes_yxyx):
        boxes.add_rectangles([box_to_shape(b, plane) for b in prompts.boxes_yxyx])


def clear_prompts(points: Points, boxes: Shapes, plane: Plane | None = None) -> None:
    """Remove the prompts on a plane, or all."""
    _, planes = points_to_engine(points.data)
    gone = np.ones(len(planes), bool) if plane is None else is_on_plane(planes, plane)
    points.remove([int(index) for index in np.flatnonzero(gone)])
    boxes.remove(
        [
            index
            for index, vertices in enumerate(boxes.data)
            if plane is None or shape_to_box(vertices)[1] == plane
        ]
    )


def is_negative(points: Points) -> BoolArray:
    """Return (N,) which points are negative; what has no polarity is positive."""
    polarity = points.features[FEATURE].to_numpy(dtype=object)
    negative: BoolArray = polarity == "negative"
    return negative
