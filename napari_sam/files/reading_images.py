"""Slides and other large images as layers that read what is looked at, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from napari_sam.layers.layer_origin import ORIGIN
from tilesam.image.axes import UNKNOWN, resolve_layout
from tilesam.image.files import open_file
from tilesam.image.levels import usable_levels
from tilesam.image.locations import is_address, location_of
from tilesam.image.pixel_size import PIXEL
from tilesam.image.stored import StoredImage

LayerData = tuple[Any, dict[str, Any], str]
"""What napari makes a layer of: data, keyword arguments, layer type."""

KEPT = "napari-sam-tiles"
"""Name in a layer's metadata of what keeps its file open."""

PLUGIN = "napari-sam-tiles"

COLOR_COUNTS = (3, 4)


def get_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return what reads the file of a slide; None of several paths.

    Folders are left to others: napari would ask which reader to take for every folder.
    An OME-Zarr is opened by the menu, see `napari_sam.files.opening_images`.
    """
    return read_image if isinstance(path, str | PathLike) else None


def read_image(path: str | PathLike[str] | Sequence[str]) -> list[LayerData]:
    """Return an image as a layer that is read lazily, at all resolutions.

    Parameters
    ----------
    path
        Anything that `tilesam.image.open_image` opens. Time and depth become sliders,
        channels layers of their own.

    Returns
    -------
    list of LayerData
        One image layer, in the units of the file if it says how large its pixels are.

    Raises
    ------
    ImageError
        If there is no image in it, or several.
    ImageReadError
        If it cannot be read.
    """
    first = path if isinstance(path, str | PathLike) else path[0]
    place = location_of(first)
    stored = open_file(place)
    levels = _usable(stored)
    channel_axis = _channel_axis(stored, levels[0])
    is_rgb = channel_axis is not None and _is_rgb(levels[0], channel_axis)
    options: dict[str, Any] = {
        "name": _name_of(stored.name),
        "metadata": {KEPT: stored, ORIGIN: {"path": str(place), "reader": PLUGIN}},
        **_place(stored, len(levels[0].shape), channel_axis),
    }
    if is_rgb:
        options["rgb"] = True
    elif channel_axis is not None:
        options["channel_axis"] = channel_axis
        levels = [_lazy(level) for level in levels]
    if len(levels) > 1:
        return [(levels, {**options, "multiscale": True}, "image")]
    return [(levels[0], options, "image")]


def _usable(stored: StoredImage) -> list[Any]:
    """Return the resolutions that show the same, the finest first."""
    names = stored.axis_names
    if names is None or UNKNOWN in names or len(stored.arrays) == 1:
        return [stored.arrays[0]]
    layout = resolve_layout(stored.arrays[0].shape, names=names)
    numbered = usable_levels(stored.arrays, layout, skips_misfits=True)
    return [array for _, array in numbered]


def _channel_axis(stored: StoredImage, array: Any) -> int | None:
    names = stored.axis_names
    if names is not None and UNKNOWN not in names:
        return names.index("c") if "c" in names else None
    # Nobody says it; colours are what bytes by threes or fours mostly are.
    shape = array.shape
    is_color = len(shape) > 2 and shape[-1] in COLOR_COUNTS and array.dtype == np.uint8
    return len(shape) - 1 if is_color else None


def _is_rgb(array: Any, channel_axis: int) -> bool:
    is_last = channel_axis == len(array.shape) - 1
    return is_last and array.shape[-1] in COLOR_COUNTS


def _place(
    stored: StoredImage, dimensions: int, channel_axis: int | None
) -> dict[str, Any]:
    """Return scale, translation and units of a layer; nothing where there are none."""
    size, names = stored.pixel_size, stored.axis_names
    if size is None or names is None:
        return {}
    scale, origin = [1.0] * dimensions, [0.0] * dimensions
    units = [PIXEL] * dimensions
    for name, pixel, start in zip("yx", size.yx, size.origin_yx, strict=True):
        axis = names.index(name)
        scale[axis], origin[axis], units[axis] = pixel, start, _known_unit(size.unit)
    kept = [axis for axis in range(dimensions) if axis != channel_axis]
    return {
        "scale": [scale[axis] for axis in kept],
        "translate": [origin[axis] for axis in kept],
        "units": [units[axis] for axis in kept],
    }


def _known_unit(unit: str) -> str:
    """Return a unit if napari knows it, which takes what pint does."""
    import pint

    try:
        pint.application_registry.Unit(unit)
    except (pint.PintError, AttributeError, ValueError):
        return PIXEL
    return unit


def _lazy(array: Any) -> Any:
    """Return an array that napari can split into channels without reading it."""
    import dask.array

    chunks = getattr(array, "chunks", None)
    # Without a name dask would read the whole array to make one of its content.
    return dask.array.from_array(array, chunks=chunks or "auto", name=False)


def _name_of(location: str) -> str:
    name = location.rstrip("/").split("/")[-1] if is_address(location) else ""
    name = name or Path(location).name
    for suffix in (".zarr", ".tiff", ".tif", ".ome"):
        name = name.removesuffix(suffix)
    return name
