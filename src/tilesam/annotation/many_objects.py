"""Many objects at once, as one step: what segmenting everything found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.annotation.edits import Edit, PixelChange
from tilesam.annotation.objects import utc_now
from tilesam.annotation.overlaps import OverlapQuestion, require_policy
from tilesam.annotation.row_changes import Counts, rows_after
from tilesam.annotation.rows import EVERYTHING, ObjectRow
from tilesam.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tilesam.annotation.objects import Clock, ObjectLabels
    from tilesam.annotation.overlaps import Policy
    from tilesam.annotation.rows import Extent
    from tilesam.types import BoolArray

MOST_PIXELS = 2**25
"""Of a label image that is accepted as one step, which has to fit into memory."""


def accept_all(
    objects: ObjectLabels,
    found: NDArray[Any],
    offset_yx: tuple[int, int] = (0, 0),
    *,
    scores: Mapping[int, tuple[float, float]] | None = None,
    policy: Policy | None = None,
    prompt_kind: str = EVERYTHING,
    model_name: str = "",
    clock: Clock = utc_now,
) -> Edit:
    """Plan to paint all objects of a label image.

    Parameters
    ----------
    objects
        Where they are painted, on its plane. They get the next labels, in their order.
    found
        (h, w) labels, 0 is background.
    offset_yx
        Of the first pixel in the plane.
    scores
        Predicted IoU and stability by label in `found`, where they are known.
    policy
        What becomes of pixels that other objects have; by default that of `objects`.
    prompt_kind, model_name
        For their rows.
    clock
        Returns the time, with its zone.

    Raises
    ------
    OverlapQuestion
        If they lie on other objects and the policy is to ask.
    AnnotationError
        If there is nothing to paint or too much, they lie outside of the labels, or
        there is no room for so many labels.
    """
    existing = _read(objects, found.shape, offset_yx)
    how = objects.policy if policy is None else require_policy(policy)
    paint = _pixels(found, existing, how)
    columns, rows = np.nonzero(paint.T)
    names, places = np.unique(found[rows, columns], return_inverse=True)
    first = objects.rows.next_label
    _require_room(objects, first + len(names) - 1)
    (y0, x0), plane = offset_yx, objects.plane
    indices = (*(np.full(len(rows), at) for at in plane), rows + y0, columns + x0)
    change = PixelChange(indices, existing[rows, columns], places + first)
    changed = rows_after(objects.rows, _losses(existing[rows, columns]))
    boxes = _boxes(rows + y0, columns + x0, places, len(names))
    areas = np.bincount(places, minlength=len(names)).tolist()
    shared: dict[str, Any] = {
        "prompt_kind": prompt_kind,
        "model_name": model_name,
        "created": clock().isoformat(timespec="seconds"),
    }
    known = scores or {}
    for number, name in enumerate(names.tolist()):
        extent = (*((at, at + 1) for at in plane), *boxes[number])
        row = ObjectRow(
            label=first + number, area=areas[number], extent=extent, **shared
        )
        changed[row.label] = (None, _scored(row, known.get(name)))
    what = "1 object" if len(names) == 1 else f"{len(names)} objects"
    return Edit((change,), changed, f"accept {what}")


def delete_all(
    objects: ObjectLabels, labels: Sequence[int], extents: Mapping[int, Extent]
) -> Edit:
    """Plan to remove several objects as one step.

    Parameters
    ----------
    objects
        Where they are.
    labels
        Of the objects, none of them twice.
    extents
        Boxes that hold those without a row, by label; see `ObjectLabels.delete`.

    Raises
    ------
    AnnotationError
        If there is none, or one of them is not there.
    """
    if not len(labels):
        raise AnnotationError(
            "there is nothing to delete; expected labels of objects; select some"
        )
    edits = [objects.delete(label, extent=extents.get(label)) for label in labels]
    changes = [change for edit in edits for change in edit.changes]
    # One change for all of them: what shows labels draws itself anew after each.
    parts = zip(*(change.indices for change in changes), strict=True)
    change = PixelChange(
        tuple(np.concatenate(axis) for axis in parts),
        np.concatenate([change.before for change in changes]),
        np.asarray(0),
    )
    rows = {label: pair for edit in edits for label, pair in edit.rows.items()}
    what = "1 object" if len(labels) == 1 else f"{len(labels)} objects"
    return Edit((change,), rows, f"delete {what}")


def _read(
    objects: ObjectLabels, hw: tuple[int, ...], offset_yx: tuple[int, int]
) -> NDArray[Any]:
    height, width = hw
    if height * width > MOST_PIXELS:
        raise AnnotationError(
            f"the objects lie in {height} x {width} pixels; expected at most "
            f"{MOST_PIXELS} pixels at once; choose a smaller region, or export them"
        )
    (y0, x0), limits = offset_yx, objects.target.shape[-2:]
    if min(offset_yx) < 0 or y0 + height > limits[0] or x0 + width > limits[1]:
        raise AnnotationError(
            f"the objects lie in {height} x {width} pixels from {offset_yx} on, and "
            f"the labels have {limits[0]} x {limits[1]}; choose labels of the image's "
            "size"
        )
    planes = (slice(at, at + 1) for at in objects.plane)
    part = (*planes, slice(y0, y0 + height), slice(x0, x0 + width))
    return objects.target.read(part).reshape(height, width)


def _pixels(found: NDArray[Any], existing: NDArray[Any], policy: Policy) -> BoolArray:
    is_found = found != 0
    is_others = is_found & (existing != 0)
    if policy == "ask" and is_others.any():
        labels = np.unique(existing[is_others]).tolist()
        raise OverlapQuestion(tuple(labels), int(np.count_nonzero(is_others)))
    paint: BoolArray = is_found & ~is_others if policy == "keep" else is_found
    if not paint.any():
        raise AnnotationError(
            "there is nothing to accept: no objects were found, or others have all of "
            'their pixels; move the thresholds, or accept with policy="overwrite"'
        )
    return paint


def _require_room(objects: ObjectLabels, highest: int) -> None:
    most = int(np.iinfo(objects.target.dtype).max)
    if highest > most:
        raise AnnotationError(
            f"the objects need labels up to {highest}, and {objects.target.dtype} has "
            f"room up to {most}; convert the labels to uint32"
        )


def _losses(before: NDArray[Any]) -> Counts:
    labels, counts = np.unique(before, return_counts=True)
    pairs = zip(labels.tolist(), counts.tolist(), strict=True)
    return {label: (-count, None) for label, count in pairs if label}


def _boxes(
    rows: NDArray[Any], columns: NDArray[Any], places: NDArray[Any], count: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the first and one past the last row, and column, of each object."""
    bounds = []
    for axis in (rows, columns):
        low = np.full(count, np.iinfo(np.int64).max)
        high = np.full(count, -1)
        np.minimum.at(low, places, axis)
        np.maximum.at(high, places, axis)
        bounds.append(list(zip(low.tolist(), (high + 1).tolist(), strict=True)))
    return list(zip(*bounds, strict=True))


def _scored(row: ObjectRow, scores: tuple[float, float] | None) -> ObjectRow:
    iou, stability = scores or (None, None)
    return replace(row, predicted_iou=_known(iou), stability_score=_known(stability))


def _known(score: float | None) -> float | None:
    return None if score is None or not np.isfinite(score) else float(score)
