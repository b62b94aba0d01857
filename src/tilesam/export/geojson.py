"""Objects as polygons that QuPath, QGIS and everything that knows GeoJSON read."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.export.batches import in_batches
from tilesam.export.columns import plain_rows
from tilesam.export.json_stream import json_text, write_json_list
from tilesam.export.outlines import outlines_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tilesam.everything.segmentation import Segmentation
    from tilesam.export.outlines import Outlines
    from tilesam.image.georeference import GeoReference, Transform
    from tilesam.types import IntArray

PROPERTIES = (
    *("label", "parent", "level", "area", "predicted_iou", "stability_score", "is_cut"),
)
"""Columns of the table that every feature has, besides what more there is."""

MEASUREMENTS = {
    "Label": "label",
    "Parent label": "parent",
    "Level": "level",
    "Area px^2": "area",
    "Predicted IoU": "predicted_iou",
    "Stability score": "stability_score",
}
"""The same for QuPath, which shows numbers under `measurements` alone."""

OBJECT_TYPE = "detection"
"""QuPath copes with a million of these, not with as many annotations."""

PIXEL_SHARE = 1e-4
"""Places on a map are rounded to less than this share of a pixel."""


def write_geojson(path: Path, segmentation: Segmentation) -> None:
    """Write the kept objects as a FeatureCollection of polygons with holes.

    Each has its whole mask, also where another object lies upon it. Coordinates are
    corners of pixels, (0, 0) the outer corner of the first one; with a georeference
    they are those of the map, and `crs` names its reference system.

    Parameters
    ----------
    path
        The file to make.
    segmentation
        Is written part by part.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    members: dict[str, Any] = {"type": "FeatureCollection"}
    if segmentation.georeference is not None:
        members["crs"] = crs_member(segmentation.georeference)
    write_json_list(path, members, "features", _features(segmentation))


def crs_member(georeference: GeoReference) -> dict[str, Any] | None:
    """Return the reference system as GeoJSON named it before it was WGS 84 always.

    None says that it is unknown; without the member readers take WGS 84.
    """
    if georeference.crs is None:
        return None
    authority, _, code = georeference.crs.partition(":")
    name = f"urn:ogc:def:crs:{authority}::{code}"
    return {"type": "name", "properties": {"name": name}}


def _features(segmentation: Segmentation) -> Iterator[str]:
    columns = segmentation.table.columns()
    names = (*PROPERTIES, *segmentation.table.more)
    georeference = segmentation.georeference
    transform = None if georeference is None else georeference.transform
    for rows, masks in in_batches(segmentation.masks, segmentation.kept):
        outlines = outlines_of(masks)
        rings = _ring_texts(outlines, transform)
        table = plain_rows({name: columns[name][rows] for name in names})
        for index, record in enumerate(table):
            geometry = _geometry_text(outlines, rings, index)
            properties = json_text(_properties(record))
            yield (
                f'{{"type":"Feature","id":{record["label"]},"geometry":{geometry},'
                f'"properties":{properties}}}'
            )


def _properties(record: dict[str, Any]) -> dict[str, Any]:
    record["parent"] = record["parent"] or None
    # QuPath takes only numbers here, and stumbles over null.
    measurements = {
        name: record[column]
        for name, column in MEASUREMENTS.items()
        if record[column] is not None
    }
    return {"objectType": OBJECT_TYPE, **record, "measurements": measurements}


def _geometry_text(outlines: Outlines, rings: list[str], index: int) -> str:
    """Return the polygons of a mask as JSON."""
    first, last = outlines.mask_offsets[index : index + 2]
    bounds = outlines.polygon_offsets[first : last + 1].tolist()
    polygons = [f"[{','.join(rings[a:b])}]" for a, b in pairwise(bounds)]
    if len(polygons) == 1:
        return f'{{"type":"Polygon","coordinates":{polygons[0]}}}'
    return f'{{"type":"MultiPolygon","coordinates":[{",".join(polygons)}]}}'


def _ring_texts(outlines: Outlines, transform: Transform | None) -> list[str]:
    """Return all rings as JSON, on the map if there is a transform.

    They are put together as text: a list for every point would keep Python's garbage
    collector busy for longer than everything else takes.
    """
    points: NDArray[Any] = outlines.points_xy
    offsets = outlines.ring_offsets
    if transform is not None:
        a, b, _, d, e, _ = transform
        if a * e - b * d < 0:
            # The map is a mirror image, as where y points up: left turns become right.
            points = _reversed_rings(points, offsets)
        points = _mapped(points, transform)
    x, y = (column.tolist() for column in points.T)
    texts = [f"[{x},{y}]" for x, y in zip(x, y, strict=True)]
    return [f"[{','.join(texts[a:b])}]" for a, b in pairwise(offsets.tolist())]


def _reversed_rings(points: IntArray, offsets: IntArray) -> IntArray:
    lengths = np.diff(offsets)
    # First and last point of a ring change places.
    mirrored = np.repeat(offsets[:-1] + offsets[1:] - 1, lengths)
    return points[mirrored - np.arange(len(points))]


def _mapped(points_xy: IntArray, transform: Transform) -> NDArray[np.float64]:
    a, b, c, d, e, f = transform
    column, row = points_xy.T.astype(np.float64)
    pixel = min(math.hypot(a, d), math.hypot(b, e))
    decimals = max(0, math.ceil(-math.log10(pixel * PIXEL_SHARE)))
    places = np.stack([a * column + b * row + c, d * column + e * row + f], axis=1)
    return np.round(places, decimals)
