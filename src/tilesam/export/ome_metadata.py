"""What the zarr.json of a label image says: levels, colours and properties.

OME-Zarr 0.5, https://ngff.openmicroscopy.org/0.5/
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from tilesam.export.colors import color_of
from tilesam.export.columns import plain_rows
from tilesam.export.ome_image import OME_VERSION
from tilesam.image.pixel_size import PIXEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tilesam.everything.segmentation import Segmentation
    from tilesam.export.ome_image import OmeImage
    from tilesam.image.pixel_size import PixelSize

MOST_LISTED = 10_000
"""Of more objects neither colours nor properties are listed: every reader would have to
parse megabytes of JSON before it shows anything. The table has them all."""

AXES = [{"name": name, "type": "space"} for name in ("y", "x")]


def label_metadata(
    segmentation: Segmentation,
    level_hws: Sequence[tuple[int, int]],
    *,
    name: str,
    image: OmeImage | None,
    source: str | None,
    pixel_size: PixelSize | None = None,
) -> dict[str, Any]:
    """Return what belongs under `ome`.

    Parameters
    ----------
    segmentation
        Of which this is the label image.
    level_hws
        Height and width of each level.
    name
        Of the label image.
    image
        Which units and pixel sizes to take over; without it they are pixels.
    source
        Path from the label image to its image, if that is an OME-Zarr.
    pixel_size
        Of the image, if that is none.
    """
    multiscale: dict[str, Any] = {
        "name": name,
        "axes": _axes(pixel_size) if image is None else image.axes,
        "datasets": [
            {"path": str(k), "coordinateTransformations": transforms}
            for k, transforms in enumerate(_transforms(level_hws, image, pixel_size))
        ],
        "type": "nearest",
        "metadata": {"description": "the pixel under the centre, no mean of labels"},
    }
    if image is not None and image.common_transforms:
        multiscale["coordinateTransformations"] = image.common_transforms
    return {
        "version": OME_VERSION,
        "multiscales": [multiscale],
        "image-label": _image_label(segmentation, source),
    }


def _transforms(
    level_hws: Sequence[tuple[int, int]],
    image: OmeImage | None,
    pixel_size: PixelSize | None,
) -> list[list[dict[str, Any]]]:
    if image is not None and tuple(level_hws) == image.level_hws:
        return [image.level_transforms(k) for k in range(len(level_hws))]
    # Our own levels halve.
    finest = (
        _size_transforms(pixel_size) if image is None else image.level_transforms(0)
    )
    pixel = next((t["scale"] for t in finest if t["type"] == "scale"), [1.0, 1.0])
    others = [transform for transform in finest if transform["type"] != "scale"]
    return [
        [{"type": "scale", "scale": [size * 2.0**k for size in pixel]}, *others]
        for k in range(len(level_hws))
    ]


def _axes(pixel_size: PixelSize | None) -> list[dict[str, str]]:
    if pixel_size is None or pixel_size.unit == PIXEL:
        return AXES
    return [{**axis, "unit": pixel_size.unit} for axis in AXES]


def _size_transforms(pixel_size: PixelSize | None) -> list[dict[str, Any]]:
    if pixel_size is None:
        return []
    transforms: list[dict[str, Any]] = [{"type": "scale", "scale": [*pixel_size.yx]}]
    if any(pixel_size.origin_yx):
        origin = [*pixel_size.origin_yx]
        transforms.append({"type": "translation", "translation": origin})
    return transforms


def _image_label(segmentation: Segmentation, source: str | None) -> dict[str, Any]:
    label: dict[str, Any] = {"version": OME_VERSION}
    if len(segmentation) <= MOST_LISTED:
        labels = segmentation.table.label[segmentation.kept].tolist()
        # Readers show a label that is not listed as nothing or as they like.
        label["colors"] = [
            {"label-value": 0, "rgba": [0, 0, 0, 0]},
            *({"label-value": value, "rgba": color_of(value)} for value in labels),
        ]
        if labels:
            label["properties"] = _properties(segmentation)
    if source is not None:
        label["source"] = {"image": source}
    return label


def _properties(segmentation: Segmentation) -> list[dict[str, Any]]:
    kept = segmentation.kept
    columns = {
        "label-value" if name == "label" else name: column[kept]
        for name, column in segmentation.table.columns().items()
    }
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in plain_rows(columns)
    ]


def path_to_image(labels: Path, image: OmeImage) -> str:
    """Return the path from a label image to its image, as OME-Zarr wants it."""
    relative = os.path.relpath(image.folder.resolve(), labels.absolute().resolve())
    return relative.replace(os.sep, "/") + "/"
