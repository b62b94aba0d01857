"""Objects that a person made as files of other programs."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tilesam.annotation.scanning import blocks_of
from tilesam.errors import AnnotationError
from tilesam.everything.segmentation import Segmentation
from tilesam.everything.table import MOST_LABELS, ObjectTable
from tilesam.export.segmentations import require_output, write_segmentation
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.masks.union import union_by_group

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.annotation.rows import ObjectRow, ObjectRows
    from tilesam.image import GeoReference, ImageSource
    from tilesam.image.pixel_size import PixelSize

PROVENANCE = ("prompt_kind", "model_name", "created")
"""What rows say besides scores, as columns of the table."""


class ReadableLabels(Protocol):
    """What is needed of labels to export them; every `LabelTarget` has it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis: planes, rows and columns."""
        ...

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a box; one slice with start and stop for each axis, all axes stay."""
        ...


def write_objects(
    path: str | PathLike[str],
    target: ReadableLabels,
    rows: ObjectRows | None = None,
    *,
    plane: Sequence[int] = (),
    image: str | PathLike[str] | None = None,
    source: ImageSource | None = None,
    image_name: str = "",
    model_name: str = "",
    pixel_size: PixelSize | None = None,
) -> Path:
    """Write the objects of labels, with what is known of them; the suffix says how.

    Parameters
    ----------
    path, image, source, pixel_size
        See `tilesam.export.segmentations.write_segmentation`. The source also says
        where on earth the image is.
    target, rows, plane
        See `objects_segmentation`.
    image_name, model_name
        For the files that record them.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    AnnotationError
        If the plane or a label does not fit.
    OutputError
        If the suffix is unknown or the place cannot be written; then what was there
        before still is.
    """
    require_output(path, image=image, image_hw=_hw(target))
    segmentation = objects_segmentation(
        target,
        rows,
        plane=plane,
        image_name=image_name,
        model_name=model_name,
        georeference=None if source is None else source.georeference,
    )
    return write_segmentation(
        path, segmentation, image=image, source=source, pixel_size=pixel_size
    )


def objects_segmentation(
    target: ReadableLabels,
    rows: ObjectRows | None = None,
    *,
    plane: Sequence[int] = (),
    image_name: str = "",
    model_name: str = "",
    georeference: GeoReference | None = None,
) -> Segmentation:
    """Return the objects of labels as masks and a table.

    Parameters
    ----------
    target
        Is read block by block; memory follows the outlines of its objects.
    rows
        What is known of them. Objects without a row have no scores.
    plane
        Position along the axes before rows and columns; one number for each of them.
    image_name, model_name
        For records. By default the models that the rows name.
    georeference
        Where on earth the image is.

    Returns
    -------
    Segmentation
        An object for each value of the plane, whose label it keeps. Areas are counted,
        not taken from the rows.

    Raises
    ------
    AnnotationError
        If the plane does not lie in the labels, or a label is negative or needs more
        than 32 bits.
    """
    masks, labels = _masks_of(target, _checked_plane(plane, target.shape))
    known = [None if rows is None else rows.get(int(label)) for label in labels]
    return Segmentation(
        _hw(target),
        build_table(masks, labels, known),
        masks,
        np.arange(len(masks)),
        image_name=image_name,
        model_name=model_name or _models_of(known),
        georeference=georeference,
    )


def build_table(
    masks: RunMasks, labels: NDArray[Any], rows: Sequence[ObjectRow | None]
) -> ObjectTable:
    """Return a table of masks that do not overlap; what nobody knows is NaN or ''."""
    count = len(masks)
    return ObjectTable(
        label=labels.astype(np.uint32),
        status=np.zeros(count, np.uint8),
        area=masks.areas,
        extents_yxyx=masks.extents_yxyx,
        centroid_yx=masks.centroids_yx,
        predicted_iou=_scores(rows, "predicted_iou"),
        stability_score=_scores(rows, "stability_score"),
        point_yx=np.array([_point_of(row) for row in rows]).reshape(count, 2),
        level=np.zeros(count, np.int8),
        parent=np.zeros(count, np.uint32),
        is_cut=np.zeros(count, np.bool_),
        more=_provenance(rows) if any(rows) else {},
    )


def _masks_of(
    target: ReadableLabels, plane: tuple[int, ...]
) -> tuple[RunMasks, NDArray[np.int64]]:
    """Return a mask for each label of a plane, and the (N,) labels, ascending."""
    parts = list(_block_masks(target, plane))
    if not parts:
        return RunMasks.empty(), np.zeros(0, np.int64)
    found = np.concatenate([names for _, names in parts])
    labels, group = np.unique(found, return_inverse=True)
    masks = concatenate([masks for masks, _ in parts])
    return union_by_group(masks, group, len(labels)), labels


def _block_masks(
    target: ReadableLabels, plane: tuple[int, ...]
) -> Iterator[tuple[RunMasks, NDArray[np.int64]]]:
    extent = (*((at, at + 1) for at in plane), *((0, side) for side in _hw(target)))
    for block in blocks_of(extent):
        labels = target.read(block)
        if not labels.any():
            continue
        origin_yx = (block[-2].start, block[-1].start)
        masks, names = RunMasks.from_labels(
            labels.reshape(labels.shape[-2:]), origin_yx
        )
        _require_fitting(names)
        yield masks, names.astype(np.int64)


def _require_fitting(labels: NDArray[Any]) -> None:
    for label in (int(labels.min()), int(labels.max())):
        if not 0 < label <= MOST_LABELS:
            raise AnnotationError(
                f"there is an object with the label {label}, and files have room for 1 "
                f"to {MOST_LABELS}; give it another label"
            )


def _checked_plane(plane: Sequence[int], shape: tuple[int, ...]) -> tuple[int, ...]:
    positions, lengths = tuple(index(at) for at in plane), shape[:-2]
    if len(positions) != len(lengths):
        raise AnnotationError(
            f"the labels have shape {shape}, and the plane is {positions}; expected "
            f"{len(lengths)} number(s), one for each axis before rows and columns: a "
            "file holds the objects of one plane"
        )
    if any(not 0 <= at < n for at, n in zip(positions, lengths, strict=True)):
        raise AnnotationError(
            f"the plane {positions} does not lie in labels of shape {shape}; expected "
            f"positions from 0 and below {lengths}"
        )
    return positions


def _hw(target: ReadableLabels) -> tuple[int, int]:
    height, width = target.shape[-2:]
    return int(height), int(width)


def _scores(rows: Sequence[ObjectRow | None], name: str) -> NDArray[np.float32]:
    scores = [getattr(row, name, None) for row in rows]
    known = [np.nan if score is None else score for score in scores]
    return np.array(known, np.float32)


def _point_of(row: ObjectRow | None) -> tuple[float, float]:
    """Return the first point that was said to be in the object."""
    if row is not None:
        for point, label in zip(row.points_yx, row.point_labels, strict=False):
            if label == 1:
                return point
    return np.nan, np.nan


def _provenance(rows: Sequence[ObjectRow | None]) -> dict[str, NDArray[Any]]:
    return {
        name: np.array([getattr(row, name, "") for row in rows], np.str_)
        for name in PROVENANCE
    }


def _models_of(rows: Sequence[ObjectRow | None]) -> str:
    names = {row.model_name for row in rows if row is not None}
    return ", ".join(sorted(names - {""}))
