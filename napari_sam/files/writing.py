"""Labels layers as files of other programs: what napari's *Save Layers* calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_sam.layers.found_layer import REGION
from napari_sam.layers.layer_pixel_size import pixel_size
from tilesam.annotation.exporting import objects_segmentation
from tilesam.errors import ImageError, OutputError
from tilesam.everything.table import ObjectTable
from tilesam.export.segmentations import require_output, write_segmentation

if TYPE_CHECKING:
    import pandas as pd

LABEL_COLUMN = "index"
"""Feature that says which label a row is of; without it row i is of label i."""

SCORES = ("predicted_iou", "stability_score")
KNOWN = ("level", "parent", *SCORES)
"""Columns that the table has itself, of which the layer's are taken."""


class LayerLabels:
    """Labels in any kind of array, also such as cannot be written to.

    Parameters
    ----------
    data
        Of a Labels layer: an array, or its levels.
    """

    def __init__(self, data: Any, *, multiscale: bool = False) -> None:
        self._array = data[0] if multiscale else data
        self.shape = tuple(int(length) for length in self._array.shape)
        self.dtype = np.dtype(self._array.dtype)

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a box."""
        labels = np.asarray(self._array[slices])
        return labels.astype(np.uint8) if labels.dtype == np.bool_ else labels


class RegionLabels:
    """Labels of a part of an image as those of the whole image.

    Parameters
    ----------
    labels
        Of the part.
    offset_yx
        Of its first pixel in the image.
    image_hw
        Height and width of the image.
    """

    def __init__(
        self,
        labels: LayerLabels,
        *,
        offset_yx: tuple[int, int],
        image_hw: tuple[int, int],
    ) -> None:
        self._labels = labels
        self._offset = (0,) * (len(labels.shape) - 2) + tuple(offset_yx)
        self.shape = (*labels.shape[:-2], *image_hw)
        self.dtype = labels.dtype

    def read(self, slices: tuple[slice, ...]) -> NDArray[Any]:
        """Return a box; background outside of the part."""
        box = np.zeros([part.stop - part.start for part in slices], self.dtype)
        asked = zip(slices, self._offset, self._labels.shape, strict=True)
        inside = [
            (max(part.start, start), min(part.stop, start + length), part.start, start)
            for part, start, length in asked
        ]
        if all(low < high for low, high, *_ in inside):
            there = tuple(slice(low - s, high - s) for low, high, _, s in inside)
            here = tuple(slice(low - b, high - b) for low, high, b, _ in inside)
            box[here] = self._labels.read(there)
        return box


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a Labels layer; the suffix says how.

    Parameters
    ----------
    path
        `.geojson`, `.json` (COCO), `.ome.zarr`, `.zarr` or `.csv`.
    data
        Of the layer; with several resolutions the finest is written. Of a stack it is
        the plane that the viewer shows.
    attributes
        Of the layer. Its features become columns; scale, translation and units go into
        an OME-Zarr.

    Returns
    -------
    list of str
        The path.

    Raises
    ------
    OutputError
        If the place cannot be written, or nobody knows which plane of a stack to take.
    AnnotationError
        If a label is negative or needs more than 32 bits.
    """
    whole = LayerLabels(data, multiscale=bool(attributes.get("multiscale", False)))
    region = attributes.get("metadata", {}).get(REGION)
    target = whole if region is None else RegionLabels(whole, **region)
    require_output(path)
    name = str(attributes.get("name", Path(path).stem))
    plane = _shown_plane(data, whole.shape, name)
    found = objects_segmentation(target, plane=plane, image_name=name)
    size = pixel_size(attributes)
    if size is not None and region is not None:
        starts = zip(size.origin_yx, region["offset_yx"], size.yx, strict=True)
        y, x = (origin - offset * pixel for origin, offset, pixel in starts)
        size = replace(size, origin_yx=(y, x))
    features = attributes.get("features")
    if features is not None and len(features):
        found = replace(found, table=with_features(found.table, features))
    return [str(write_segmentation(path, found, pixel_size=size))]


def with_features(table: ObjectTable, features: pd.DataFrame) -> ObjectTable:
    """Return a table with what the features of a layer say of its labels.

    Parameters
    ----------
    table
        Of the objects of the layer.
    features
        Their labels in the column `LABEL_COLUMN`; without it row i is label i.
    """
    values = {name: _plain(features[name]) for name in features}
    labels = values.pop(LABEL_COLUMN, np.arange(len(features)))
    rows = _rows_of(table.label, labels)
    found = {str(name): _taken(column, rows) for name, column in values.items()}
    scores: dict[str, Any] = {
        name: found[name].astype(getattr(table, name).dtype)
        for name in KNOWN
        if name in found
        and found[name].dtype.kind in "iuf"
        # What is not known is NaN, which only scores can be.
        and (name in SCORES or np.isfinite(found[name]).all())
    }
    own = table.columns().keys()
    more = {name: column for name, column in found.items() if name not in own}
    return replace(table, **scores, more={_plain_name(n): c for n, c in more.items()})


def _shown_plane(data: Any, shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    """Return which plane of a stack a viewer shows: a file holds the objects of one."""
    if len(shape) == 2:
        return ()
    if all(length == 1 for length in shape[:-2]):
        return (0,) * (len(shape) - 2)
    import napari

    from napari_sam.layers.shown_plane import plane_of

    viewer = napari.current_viewer()
    layers = [] if viewer is None else [x for x in viewer.layers if x.data is data]
    if not layers:
        raise OutputError(
            f"'{name}' is a stack of shape {shape}, and no viewer shows which plane of "
            "it is meant; expected one plane; save it from the viewer, or name it: "
            "tilesam.annotation.exporting.write_objects(..., plane=...)"
        )
    try:
        return plane_of(layers[0], viewer.dims)
    except ImageError as error:
        raise OutputError(f"cannot tell which plane to write: {error}") from error


def _rows_of(labels: Sequence[int] | NDArray[Any], named: Any) -> NDArray[np.int64]:
    """Return which row of the features each label has, -1 where it has none."""
    numbers = {int(label): row for row, label in enumerate(named)}
    rows = [numbers.get(int(label), -1) for label in labels]
    return np.array(rows, np.int64)


def _plain(column: pd.Series) -> NDArray[Any]:
    """Return a feature as numbers, truth or text."""
    values = column.to_numpy()
    if values.dtype.kind in "biuf":
        return values
    is_missing = column.isna().to_numpy()
    texts = ["" if m else str(v) for v, m in zip(values, is_missing, strict=True)]
    return np.array(texts, np.str_)


def _taken(column: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return a column in the order of the table; what is not there is NaN or ''."""
    is_known = rows >= 0
    if is_known.all():
        return column[rows]
    is_text = column.dtype.kind == "U"
    taken = np.full(
        len(rows), "" if is_text else np.nan, column.dtype if is_text else float
    )
    taken[is_known] = column[rows[is_known]]
    return taken


def _plain_name(name: str) -> str:
    # A zarr array of this name shall not become a folder of arrays.
    return name.replace("/", "_")
