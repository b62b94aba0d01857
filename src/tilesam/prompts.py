"""What a person asks about one object, checked and put into the engine's own form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import PromptError
from tilesam.types import BACKGROUND, FOREGROUND, MaskInput, Prompts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tilesam.types import FloatArray, IntArray


def build_prompts(
    points_yx: ArrayLike | None = None,
    point_labels: ArrayLike | None = None,
    boxes_yxyx: ArrayLike | None = None,
    mask_input: MaskInput | None = None,
    *,
    image_hw: tuple[int, int],
) -> Prompts:
    """Check all that was asked about one object; nothing is dropped without a word.

    Parameters
    ----------
    points_yx
        (P, 2), or a single (2,), in pixels of the image with the centre of the first
        pixel at (0, 0).
    point_labels
        (P,) of 1 foreground and 0 background; by default all foreground.
    boxes_yxyx
        (K, 4), or a single (4,). Swapped corners are put right, and what lies outside
        of the image is cut off.
    mask_input
        `MaskCandidate.mask_input` of an earlier answer, to refine it.
    image_hw
        Height and width of the image.

    Raises
    ------
    PromptError
        If there is nothing to go by (no prompt at all, or background points alone),
        or if something has a wrong shape, is not finite, lies outside of the image
        or has no area.
    """
    points = _checked_rows(points_yx, columns=2, what="points", form="(y, x)")
    boxes = _checked_rows(boxes_yxyx, columns=4, what="boxes", form="(y0, x0, y1, x1)")
    labels = _checked_labels(point_labels, len(points))
    _require_inside(points, image_hw)
    _require_mask_input(mask_input)
    if not (len(boxes) or mask_input is not None or FOREGROUND in labels):
        _raise_nothing_to_go_by(len(points))
    return Prompts(points, labels, _ordered_boxes(boxes, image_hw), mask_input)


def _raise_nothing_to_go_by(background_count: int) -> None:
    given = "no prompt was given"
    if background_count:
        given = f"only {background_count} background point(s) were given"
    raise PromptError(
        f"{given}; expected a foreground point, a box or a mask to refine; "
        "say where the object is"
    )


def _checked_rows(
    rows: ArrayLike | None, *, columns: int, what: str, form: str
) -> FloatArray:
    """Return (n, columns) finite float64; None and empty sequences have no rows."""
    if rows is None:
        return np.empty((0, columns))
    expected = f"expected {form} for each, shape (n, {columns})"
    try:
        array = _to_real(rows)
    except (TypeError, ValueError) as error:
        raise PromptError(
            f"the {what} are {_shortened(rows)}; {expected}; use numbers"
        ) from error
    if array.size == 0:
        return np.empty((0, columns))
    if array.shape == (columns,):
        array = array[np.newaxis]
    if array.ndim != 2 or array.shape[1] != columns:
        raise PromptError(
            f"the {what} have shape {array.shape}; {expected}; give one row for each"
        )
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise PromptError(
            f"number {row} of the {what} is {_spelled(array[row])}; "
            "expected finite numbers; leave it out"
        )
    return array


def _to_real(rows: ArrayLike) -> FloatArray:
    """Return a copy as float64; raises TypeError or ValueError for other things."""
    given = np.asarray(rows)
    if np.iscomplexobj(given):
        # NumPy only warns when it drops the imaginary parts.
        raise TypeError("complex numbers are no coordinates")
    return given.astype(np.float64)


def _checked_labels(labels: ArrayLike | None, point_count: int) -> IntArray:
    if labels is None:
        return np.full(point_count, FOREGROUND, np.int64)
    try:
        array: Any = np.asarray(labels)
    except ValueError as error:
        raise PromptError(
            f"the point labels are {_shortened(labels)}; expected a flat list; give "
            "one label for each point"
        ) from error
    if array.size == 0:
        array = np.empty(0, np.int64)
    if array.shape != (point_count,):
        raise PromptError(
            f"there are {point_count} point(s) and labels of shape {array.shape}; "
            "expected one label for each point; give as many labels as points"
        )
    if np.iscomplexobj(array) or not np.isin(array, (FOREGROUND, BACKGROUND)).all():
        raise PromptError(
            f"the point labels are {_shortened(labels)}; expected "
            f"{FOREGROUND} for foreground and {BACKGROUND} for background; use these"
        )
    checked: IntArray = array.astype(np.int64)
    return checked


def _require_inside(points_yx: FloatArray, image_hw: tuple[int, int]) -> None:
    low, high = _image_bounds(image_hw)
    is_outside = ((points_yx < low) | (points_yx > high)).any(axis=1)
    if is_outside.any():
        row = int(np.flatnonzero(is_outside)[0])
        raise PromptError(
            f"point {row} is at (y, x) = {_spelled(points_yx[row])}, outside of the "
            f"image of {image_hw[0]} x {image_hw[1]} pixels; expected {low} to "
            f"({high[0]}, {high[1]}); check that it is not (x, y)"
        )


def _ordered_boxes(boxes_yxyx: FloatArray, image_hw: tuple[int, int]) -> FloatArray:
    """Return boxes with the upper left corner first, cut at the image's edges."""
    corners = boxes_yxyx.reshape(-1, 2, 2)
    low, high = _image_bounds(image_hw)
    ordered = np.clip(np.sort(corners, axis=1), low, high)
    sides = ordered[:, 1] - ordered[:, 0]
    if (sides <= 0).any():
        row = int(np.flatnonzero((sides <= 0).any(axis=1))[0])
        raise PromptError(
            f"box {row} is (y0, x0, y1, x1) = {_spelled(boxes_yxyx[row])}, without "
            f"area in the image of {image_hw[0]} x {image_hw[1]} pixels; expected two "
            "different corners around the object; use a point for a single place"
        )
    return ordered.reshape(-1, 4)


def _require_mask_input(mask_input: MaskInput | None) -> None:
    if mask_input is None:
        return
    if not isinstance(mask_input, MaskInput):
        raise PromptError(
            f"mask_input is a {type(mask_input).__name__}; expected the mask_input of "
            "a candidate, as in mask_input=candidates[0].mask_input"
        )
    logits = mask_input.low_res_logits
    if logits.ndim != 2 or logits.size == 0 or not np.isfinite(logits).all():
        raise PromptError(
            f"mask_input has logits of shape {logits.shape}; expected finite numbers "
            "of shape (4g, 4g), as a candidate has them"
        )


def _image_bounds(
    image_hw: tuple[int, int],
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the outer edges of the first and of the last pixel."""
    return (-0.5, -0.5), (image_hw[0] - 0.5, image_hw[1] - 0.5)


def _spelled(row: FloatArray) -> str:
    return "(" + ", ".join(f"{value:g}" for value in row) + ")"


def _shortened(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
