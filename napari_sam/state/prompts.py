"""All that was clicked and drawn around one object, as plain values that compare."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tilesam.prompts import build_prompts
from tilesam.types import FOREGROUND, MaskInput, Prompts

PointYX: TypeAlias = tuple[float, float]
BoxYXYX: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True)
class PromptSet:
    """Points and boxes in the order in which they were made.

    Parameters
    ----------
    points_yx
        In pixels of the image, pixel centres at integers.
    point_labels
        1 foreground, 0 background; one for each point.
    boxes_yxyx
        Corners in any order.
    """

    points_yx: tuple[PointYX, ...] = ()
    point_labels: tuple[int, ...] = ()
    boxes_yxyx: tuple[BoxYXYX, ...] = ()

    @classmethod
    def of(
        cls,
        points_yx: ArrayLike = (),
        point_labels: ArrayLike | None = None,
        boxes_yxyx: ArrayLike = (),
    ) -> PromptSet:
        """Return the set of arrays as layers have them; nothing is checked.

        Parameters
        ----------
        points_yx
            (P, 2).
        point_labels
            (P,); by default all foreground.
        boxes_yxyx
            (K, 4).
        """
        points = np.asarray(points_yx, np.float64).reshape(-1, 2).tolist()
        boxes = np.asarray(boxes_yxyx, np.float64).reshape(-1, 4).tolist()
        labels = (
            [FOREGROUND] * len(points)
            if point_labels is None
            else np.asarray(point_labels, np.int64).tolist()
        )
        return cls(
            tuple((y, x) for y, x in points),
            tuple(labels),
            tuple((y0, x0, y1, x1) for y0, x0, y1, x1 in boxes),
        )

    def __len__(self) -> int:
        return len(self.points_yx) + len(self.boxes_yxyx)

    def with_point(self, yx: PointYX, label: int = FOREGROUND) -> PromptSet:
        """Return the set with one more point."""
        return replace(
            self,
            points_yx=(*self.points_yx, yx),
            point_labels=(*self.point_labels, label),
        )

    def with_box(self, box_yxyx: BoxYXYX) -> PromptSet:
        """Return the set with one more box."""
        return replace(self, boxes_yxyx=(*self.boxes_yxyx, box_yxyx))

    def within(self, image_hw: tuple[int, int]) -> PromptSet:
        """Return the set without points that lie beside the image."""
        height, width = image_hw
        inside = [
            index
            for index, (y, x) in enumerate(self.points_yx)
            if -0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5
        ]
        return replace(
            self,
            points_yx=tuple(self.points_yx[index] for index in inside),
            point_labels=tuple(self.point_labels[index] for index in inside),
        )

    def extends(self, earlier: PromptSet) -> bool:
        """Return whether everything of an earlier set is still here, and more."""
        return self._counted() > earlier._counted()

    def to_engine(
        self, image_hw: tuple[int, int], mask_input: MaskInput | None = None
    ) -> Prompts:
        """Return the prompts as the engine takes them.

        Raises
        ------
        PromptError
            See `tilesam.prompts.build_prompts`.
        """
        return build_prompts(
            *(self.points_yx, self.point_labels, self.boxes_yxyx, mask_input),
            image_hw=image_hw,
        )

    def _counted(self) -> Counter[object]:
        points = zip(self.points_yx, self.point_labels, strict=True)
        return Counter([*points, *self.boxes_yxyx])
