"""Pictures of single cases: the truth green, the answer orange, prompts on top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tilesam.evaluation.experiments.experiment import Shown
    from tilesam.evaluation.metrics import ObjectScore
    from tilesam.types import BoolArray

TRUTH, ANSWER, PROMPT = (20, 190, 60), (240, 150, 0), (255, 255, 255)
SIDE = 320
MARGIN = 0.5
"""Seen around an object, in its sides."""

POINT_RADIUS = 5


def pick_cases(
    rows: Sequence[ObjectScore], measure: str, count: int = 4
) -> dict[str, list[ObjectScore]]:
    """Return the best, the median and the worst cases, each from the best downwards.

    Parameters
    ----------
    rows
        Of all cases.
    measure
        Name of the score.
    count
        Of each kind; no case is of two kinds.
    """
    ranked = sorted(rows, key=lambda row: -row.scores[measure])
    count = max(min(count, len(ranked) // 3), 1)
    middle = max((len(ranked) - count) // 2, 0)
    kinds = {
        "best": ranked[:count],
        "median": ranked[middle : middle + count],
        "worst": ranked[max(len(ranked) - count, 0) :],
    }
    return kinds if len(ranked) >= 3 else {"all": ranked}


def draw_case(shown: Shown) -> Image.Image:
    """Return the image beside itself with both outlines, cut to the object.

    Returns
    -------
    Image
        RGB, two panels of at most 320 pixels a side.
    """
    y0, x0, y1, x1 = _extent(shown)
    part = np.ascontiguousarray(shown.image[y0:y1, x0:x1])
    factor = SIDE / max(part.shape[:2])
    hw = tuple(max(round(side * factor), 1) for side in part.shape[:2])
    rows = (np.arange(hw[0]) * part.shape[0] / hw[0]).astype(int)
    columns = (np.arange(hw[1]) * part.shape[1] / hw[1]).astype(int)
    cut = np.ix_(rows, columns)
    plain = part[cut]
    drawn = plain.copy()
    for labels, color in ((shown.truth, TRUTH), (shown.answer, ANSWER)):
        drawn[_outline(np.asarray(labels)[y0:y1, x0:x1][cut])] = color
    picture = Image.fromarray(np.concatenate([plain, drawn], axis=1))
    _draw_prompts(picture, shown, (y0, x0), (hw[0] / part.shape[0], hw[1]))
    return picture


def _draw_prompts(
    picture: Image.Image,
    shown: Shown,
    origin_yx: tuple[int, int],
    scale_and_shift: tuple[float, int],
) -> None:
    draw = ImageDraw.Draw(picture)
    (y0, x0), (scale, shift) = origin_yx, scale_and_shift
    for y, x in shown.points_yx:
        place = ((x - x0 + 0.5) * scale + shift, (y - y0 + 0.5) * scale)
        draw.circle(place, POINT_RADIUS, fill=PROMPT, outline=(0, 0, 0))
    for top, left, bottom, right in shown.boxes_yxyx:
        corners = (left - x0, top - y0, right - x0 + 1, bottom - y0 + 1)
        a, b, c, d = (value * scale for value in corners)
        draw.rectangle((a + shift, b, c + shift - 1, d - 1), outline=PROMPT)


def _extent(shown: Shown) -> tuple[int, int, int, int]:
    """Return what is shown: an object and some more, or the whole image."""
    height, width = shown.image.shape[:2]
    truth = np.asarray(shown.truth)
    if truth.dtype != np.bool_ or not (shown.points_yx or shown.boxes_yxyx):
        return 0, 0, height, width
    rows, columns = np.flatnonzero(truth.any(axis=1)), np.flatnonzero(truth.any(axis=0))
    side = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    more = int(MARGIN * side) + 8
    return (
        max(int(rows[0]) - more, 0),
        max(int(columns[0]) - more, 0),
        min(int(rows[-1]) + more + 1, height),
        min(int(columns[-1]) + more + 1, width),
    )


def _outline(labels: NDArray[np.generic]) -> BoolArray:
    """Return the pixels of objects next to something else."""
    padded = np.pad(labels, 1, mode="edge")
    inner = padded[1:-1, 1:-1]
    is_edge = np.zeros(labels.shape, np.bool_)
    for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
        other = padded[dy : dy + labels.shape[0], dx : dx + labels.shape[1]]
        is_edge |= inner != other
    found: BoolArray = is_edge & (labels != 0)
    return found
