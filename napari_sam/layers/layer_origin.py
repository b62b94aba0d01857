"""Where the pixels of an image layer are kept, as far as anybody knows."""

from __future__ import annotations

from napari.layers import Image

from tilesam.annotation.label_arrays import location_of_array
from tilesam.image.locations import Location, location_of

ORIGIN = "napari-sam-tiles origin"
"""Key of `layer.metadata`: a dict with the `path` of the image, the name of the
`reader` that read it, and the path of the `session` that the layer comes from."""


def origin_of(image: Image) -> dict[str, str]:
    """Return what a layer says of where it comes from; empty if it says nothing."""
    origin = image.metadata.get(ORIGIN, {})
    return origin if isinstance(origin, dict) else {}


def location_of_layer(image: Image) -> Location | None:
    """Return where the pixels of a layer are kept; None if they are only in memory."""
    known = origin_of(image).get("path") or image.source.path
    if known:
        return location_of(known)
    finest = image.data[0] if image.multiscale else image.data
    return location_of_array(finest)


def reader_of(image: Image) -> str | None:
    """Return the name of the plugin that read a layer's file; None if it is unknown."""
    return origin_of(image).get("reader") or image.source.reader_plugin
