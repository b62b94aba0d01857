"""What the refiner is asked about a mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilesam.types import Float32Array, FloatArray, IntArray, Window


@dataclass(frozen=True, eq=False)
class Question:
    """One mask to refine, and what was asked. Places are in the data frame.

    Parameters
    ----------
    points_yx, point_labels
        (P, 2) and (P,) of 1, 0 and -1 for no point.
    boxes_yxyx
        (K, 4).
    window
        What the logits are of.
    answer
        (4g, 4g) logits of the decoder; not looked at where there is an earlier mask.
    earlier
        (4g, 4g) logits of the mask that the prompts correct, if they do.
    """

    points_yx: FloatArray
    point_labels: IntArray
    boxes_yxyx: FloatArray
    window: Window
    answer: Float32Array
    earlier: Float32Array | None = None


def questions_about(
    shown: Float32Array,
    window: Window,
    *,
    points_yx: FloatArray,
    point_labels: IntArray,
    boxes_yxyx: FloatArray,
    earlier: Float32Array | None,
) -> list[Question | None]:
    """Return what is asked about each of the masks that are shown of one object.

    Parameters
    ----------
    shown
        (C, 4g, 4g) logits of a window, the answer first, then the alternatives.
    points_yx, point_labels, boxes_yxyx, earlier
        See `Question`.

    Returns
    -------
    list
        C of them, None for masks that stay as they are: where a box says what is
        meant, the alternatives would all become the same.
    """
    asked: list[Question | None] = [
        Question(
            *(points_yx, point_labels, boxes_yxyx, window, logits),
            # An alternative is something else than what was corrected.
            earlier=earlier if number == 0 else None,
        )
        for number, logits in enumerate(shown)
    ]
    if len(boxes_yxyx):
        asked[1:] = [None] * (len(asked) - 1)
    return asked
