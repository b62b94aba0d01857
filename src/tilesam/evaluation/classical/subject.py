"""A method without a network, asked with the same points and boxes as a model."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.evaluation.answering import Answers
from tilesam.evaluation.classical.methods import (
    GROUND,
    METHODS,
    OBJECT,
    contrast,
    gradient,
)
from tilesam.types import FOREGROUND, PADDING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tilesam.types import BoolArray, FloatArray, IntArray, UInt8Array

LARGEST_SIDE = 256
"""Of what a method looks at, in pixels: larger parts are made smaller."""

AROUND = 0.25
"""How much is seen around a box, in its sides."""

INNER = 0.5
"""A box marks the ellipse in its middle, of this share of its sides."""

POINT_RADIUS = 1


@dataclass(frozen=True)
class ClassicalSubject:
    """One of `METHODS`, by its name."""

    method: str

    @property
    def name(self) -> str:
        """Of the method."""
        return self.method

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name of the method and version of what computes it."""
        return {
            "model": self.method,
            "weights_sha256": None,
            "input_size": LARGEST_SIDE,
            "scikit-image": version("scikit-image"),
        }

    def open(self, image: UInt8Array) -> ClassicalAnswers:
        """Look at an image."""
        return ClassicalAnswers(self.method, image / np.float64(255))


@dataclass(frozen=True, eq=False)
class ClassicalAnswers:
    """Answers of a method about one image.

    Parameters
    ----------
    method
        Key of `METHODS`.
    colors
        (H, W, 3) in [0, 1].
    """

    method: str
    colors: FloatArray

    def points(
        self, points_yx: FloatArray, labels: IntArray, feedback: Any = None
    ) -> Answers:
        """Answer points: the border of the image is ground, unless a point says else.

        `feedback` is not used: each answer is made of all points anew.
        """
        del feedback
        hw = self.colors.shape[:2]
        view = _View(self.colors, (0, 0, *hw))
        found = [
            self._ask(view, _mark_points(view, points, signs))
            for points, signs in zip(points_yx, labels, strict=True)
        ]
        return _joined(found)

    def boxes(self, boxes_yxyx: FloatArray) -> Answers:
        """Answer boxes: what is outside is ground, the middle is the object."""
        found = []
        for box in boxes_yxyx:
            view = _View(self.colors, _extent_around(box, self.colors.shape[:2]))
            found.append(self._ask(view, _mark_box(view, box)))
        return _joined(found)

    def _ask(
        self, view: _View, marks: NDArray[np.int64]
    ) -> tuple[BoolArray, FloatArray]:
        """Return masks of the image and their scores, the best first."""
        masks = METHODS[self.method](view.small, marks)
        edges = gradient(view.small, 1.0)
        scores = np.array([contrast(mask, edges) for mask in masks])
        order = np.argsort(-scores, kind="stable")
        return np.stack([view.enlarge(masks[i]) for i in order]), scores[order]


class _View:
    """A part of the image, made smaller if it is large.

    Parameters
    ----------
    colors
        (H, W, 3).
    extent
        (y0, x0, y1, x1) of the part.
    """

    def __init__(self, colors: FloatArray, extent: tuple[int, int, int, int]) -> None:
        from skimage.transform import resize

        y0, x0, y1, x1 = self.extent = extent
        self.image_hw = colors.shape[:2]
        part = colors[y0:y1, x0:x1]
        shrinking = max(max(part.shape[:2]) / LARGEST_SIDE, 1.0)
        self.hw = tuple(max(round(side / shrinking), 1) for side in part.shape[:2])
        self.small: FloatArray = (
            part
            if self.hw == part.shape[:2]
            else resize(  # type: ignore[no-untyped-call]
                part, self.hw, order=1, anti_aliasing=True
            )
        )

    def place(self, points_yx: FloatArray) -> FloatArray:
        """Return points of the image in pixels of the view."""
        y0, x0, y1, x1 = self.extent
        scale = np.array(self.hw) / np.array([y1 - y0, x1 - x0])
        placed: FloatArray = (points_yx - [y0, x0] + 0.5) * scale - 0.5
        return placed

    def enlarge(self, mask: BoolArray) -> BoolArray:
        """Return a mask of the view as one of the image."""
        y0, x0, y1, x1 = self.extent
        rows = (np.arange(y1 - y0) + 0.5) * self.hw[0] / (y1 - y0)
        columns = (np.arange(x1 - x0) + 0.5) * self.hw[1] / (x1 - x0)
        whole = np.zeros(self.image_hw, np.bool_)
        whole[y0:y1, x0:x1] = mask[np.ix_(rows.astype(int), columns.astype(int))]
        return whole


def _extent_around(
    box: FloatArray, image_hw: tuple[int, ...]
) -> tuple[int, int, int, int]:
    (y0, x0), (y1, x1) = box[:2], box[2:]
    more_y, more_x = AROUND * (y1 - y0) + 2, AROUND * (x1 - x0) + 2
    top, left = max(int(y0 - more_y), 0), max(int(x0 - more_x), 0)
    bottom = min(int(np.ceil(y1 + more_y)) + 1, image_hw[0])
    right = min(int(np.ceil(x1 + more_x)) + 1, image_hw[1])
    return top, left, bottom, right


def _mark_points(
    view: _View, points_yx: FloatArray, labels: IntArray
) -> NDArray[np.int64]:
    marks = np.zeros(view.hw, np.int64)
    marks[[0, -1]] = marks[:, [0, -1]] = GROUND
    given = labels != PADDING
    # Where marks meet the object goes first: it may not vanish.
    for sign in (0, FOREGROUND):
        mark = OBJECT if sign == FOREGROUND else GROUND
        for y, x in view.place(points_yx[given & (labels == sign)]).round().astype(int):
            rows = slice(max(y - POINT_RADIUS, 0), y + POINT_RADIUS + 1)
            columns = slice(max(x - POINT_RADIUS, 0), x + POINT_RADIUS + 1)
            marks[rows, columns] = mark
    return marks


def _mark_box(view: _View, box: FloatArray) -> NDArray[np.int64]:
    (y0, x0), (y1, x1) = view.place(box.reshape(2, 2))
    rows, columns = np.mgrid[: view.hw[0], : view.hw[1]]
    outside = (rows < y0 - 0.5) | (rows > y1 + 0.5)
    outside |= (columns < x0 - 0.5) | (columns > x1 + 0.5)
    radius_y = max(INNER * (y1 - y0 + 1) / 2, 1.0)
    radius_x = max(INNER * (x1 - x0 + 1) / 2, 1.0)
    off_y, off_x = rows - (y0 + y1) / 2, columns - (x0 + x1) / 2
    marks = np.where(outside, GROUND, 0)
    inner = (off_y / radius_y) ** 2 + (off_x / radius_x) ** 2 <= 1
    marks[inner] = OBJECT
    if not (marks == GROUND).any():
        # The box is the image: its corners are the last thing that is not the object.
        marks[[0, 0, -1, -1], [0, -1, 0, -1]] = GROUND
    return marks.astype(np.int64)


def _joined(found: list[tuple[BoolArray, FloatArray]]) -> Answers:
    masks, scores = zip(*found, strict=True)
    return Answers(np.stack(masks), np.stack(scores).astype(np.float32))
