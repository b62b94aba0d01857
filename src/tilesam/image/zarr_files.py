"""OME-Zarr 0.4 and 0.5, and plain zarr arrays, in folders and behind addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.errors import ImageError
from tilesam.image.axes import UNKNOWN
from tilesam.image.locations import Location, is_address, needs_protocol, unreadable
from tilesam.image.pixel_size import PIXEL, PixelSize
from tilesam.image.stored import StoredImage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarr import Array, Group

EXPECTED = "an OME-Zarr image or a zarr array"

DEFAULT_AXES = ("t", "c", "z", "y", "x")
"""Of OME-Zarr before 0.3, which did not name them."""


def open_zarr(location: Location) -> StoredImage:
    """Open an OME-Zarr image, or a zarr array, without reading its pixels.

    Raises
    ------
    ImageReadError
        If it is missing or damaged, or what its protocol needs is not installed.
    ImageError
        If it holds no image, or several.
    """
    import zarr

    name = str(location)
    try:
        node = zarr.open(name, mode="r")
        if isinstance(node, zarr.Array):
            return StoredImage((node,), name, axis_names=_names_of_array(node))
        return _image_of_group(node, name)
    except ImageError:
        raise
    except ImportError as error:
        raise needs_protocol(name, error) from error
    except Exception as error:  # stores raise whatever they trip over
        expected = EXPECTED
        if is_address(name):
            expected += ", or a name that ends like a TIFF or PNG"
        raise unreadable(name, error, expected=expected) from error


def _image_of_group(group: Group, name: str) -> StoredImage:
    metadata = _ome_metadata(group)
    if "bioformats2raw.layout" in metadata and "multiscales" not in metadata:
        # A converted file; as with other files its first image is used.
        return _image_of_group(group["0"], f"{name}/0")  # type: ignore[arg-type]
    if not metadata.get("multiscales"):
        raise _no_image(group, metadata, name)
    multiscale = metadata["multiscales"][0]
    arrays: tuple[Any, ...] = tuple(
        group[dataset["path"]] for dataset in multiscale["datasets"]
    )
    return StoredImage(
        arrays,
        name,
        axis_names=_names_of_axes(multiscale.get("axes"), len(arrays[0].shape)),
        pixel_size=_pixel_size(multiscale),
    )


def _pixel_size(multiscale: Mapping[str, Any]) -> PixelSize | None:
    """Return what the transforms of the finest level say, those of all levels after."""
    try:
        axes = [axis for axis in multiscale["axes"] if not isinstance(axis, str)]
        y, x = ([axis["name"].lower() for axis in axes].index(name) for name in "yx")
        own = multiscale["datasets"][0].get("coordinateTransformations", ())
        common = multiscale.get("coordinateTransformations", ())
        size, origin = (1.0, 1.0), (0.0, 0.0)
        for step in (*own, *common):
            if step["type"] == "scale":
                by = float(step["scale"][y]), float(step["scale"][x])
                size = size[0] * by[0], size[1] * by[1]
                origin = origin[0] * by[0], origin[1] * by[1]
            elif step["type"] == "translation":
                to = step["translation"]
                origin = origin[0] + float(to[y]), origin[1] + float(to[x])
    except (KeyError, IndexError, TypeError, ValueError):
        # Before 0.4 there were none; others may have them in a file of its own.
        return None
    units = {axes[y].get("unit", PIXEL), axes[x].get("unit", PIXEL)}
    return PixelSize(size, units.pop(), origin) if len(units) == 1 else None


def _ome_metadata(group: Group) -> Mapping[str, Any]:
    """Return what 0.5 has under "ome" and 0.4 had among the attributes."""
    attributes = group.attrs.asdict()
    nested = attributes.get("ome", attributes)
    return nested if isinstance(nested, dict) else {}


def _no_image(group: Group, metadata: Mapping[str, Any], name: str) -> ImageError:
    if "plate" in metadata:
        wells = metadata["plate"].get("wells", [])
        paths = [f"{well['path']}/0" for well in wells]
    else:
        paths = sorted(key for key, _ in group.members())
    few = ", ".join(paths[:5]) + (", ..." if len(paths) > 5 else "")
    return ImageError(
        f"{name} is a zarr group without an image of its own; expected {EXPECTED}; "
        f"pass one of those within it, by its path below this one: {few or 'none'}"
    )


def _names_of_array(array: Array[Any]) -> tuple[str, ...] | None:
    names = getattr(array.metadata, "dimension_names", None)
    if not names:
        return None
    return tuple(UNKNOWN if name is None else str(name).lower() for name in names)


def _names_of_axes(axes: Any, count: int) -> tuple[str, ...]:
    """Return the names of OME-Zarr axes, with "c" for the one of type channel."""
    if not axes:
        return DEFAULT_AXES[-count:]
    named = [{"name": axis} if isinstance(axis, str) else axis for axis in axes]
    return tuple(
        "c" if axis.get("type") == "channel" else str(axis["name"]).lower()
        for axis in named
    )
