"""What a person asks by text, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilesam.errors import TextError
from tilesam.prompts import build_prompts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from tilesam.types import FloatArray, IntArray

MOST_LETTERS = 200
"""Of a phrase; what is longer is no name of a thing."""


@dataclass(frozen=True, eq=False)
class TextQuery:
    """A phrase, and what may correct it.

    Parameters
    ----------
    phrase
        What is looked for, without spaces around it.
    negative_phrases
        What is not meant.
    points_yx, point_labels
        (P, 2) float64 and (P,) int64: places on what is meant, 1, or on what is not, 0.
    exemplar_boxes_yxyx
        (K, 4) float64, each around one thing that is meant.
    redecode
        Whether the decoder is asked again for the best masks, told what is meant.
    """

    phrase: str
    negative_phrases: tuple[str, ...]
    points_yx: FloatArray
    point_labels: IntArray
    exemplar_boxes_yxyx: FloatArray
    redecode: bool = False


def build_query(
    phrase: str,
    *,
    negative_phrases: Iterable[str] = (),
    points_yx: ArrayLike | None = None,
    point_labels: ArrayLike | None = None,
    exemplar_boxes: ArrayLike | None = None,
    redecode: bool = False,
    image_hw: tuple[int, int],
) -> TextQuery:
    """Check all that is asked.

    Parameters
    ----------
    phrase
        In plain words.
    negative_phrases
        Each as `phrase`; a single one may come alone.
    points_yx, point_labels
        (P, 2), and (P,) of 1 and 0; by default all 1.
    exemplar_boxes
        (K, 4) of (y0, x0, y1, x1).
    redecode
        See `TextQuery`.
    image_hw
        Height and width of the image.

    Raises
    ------
    TextError
        If a phrase is empty or too long.
    PromptError
        If a point or a box is malformed or outside of the image.
    """
    if isinstance(negative_phrases, str):
        negative_phrases = [negative_phrases]
    negative = tuple(check_phrase(one, "negative phrase") for one in negative_phrases)
    # The whole image is a box too: corrections may be points on the background alone.
    everywhere = build_prompts(boxes_yxyx=[0, 0, *image_hw], image_hw=image_hw)
    boxes = everywhere.boxes_yxyx[:0]
    if exemplar_boxes is not None:
        given = build_prompts(boxes_yxyx=exemplar_boxes, image_hw=image_hw)
        boxes = given.boxes_yxyx
    points = build_prompts(
        points_yx, point_labels, everywhere.boxes_yxyx, image_hw=image_hw
    )
    return TextQuery(
        *(check_phrase(phrase, "phrase"), negative),
        points_yx=points.points_yx,
        point_labels=points.point_labels,
        exemplar_boxes_yxyx=boxes,
        redecode=redecode,
    )


def check_phrase(phrase: str, what: str) -> str:
    """Return a phrase without the spaces around it.

    Parameters
    ----------
    phrase
        As given.
    what
        Its name, for messages.

    Raises
    ------
    TextError
        If it is no text, empty or too long.
    """
    if not isinstance(phrase, str):
        raise TextError(
            f"the {what} is a {type(phrase).__name__}; expected text, for example "
            "'dark round nuclei'"
        )
    words = " ".join(phrase.split())
    if not words:
        raise TextError(
            f"the {what} is empty; expected what to look for in plain words, for "
            "example 'nuclei'"
        )
    if len(words) > MOST_LETTERS:
        raise TextError(
            f"the {what} has {len(words)} letters; expected at most {MOST_LETTERS}; "
            "name the thing in a few words, for example 'nuclei'"
        )
    return words
