"""Write a segmentation in the format that a name asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from tilesam.errors import OutputError
from tilesam.export.coco import write_coco
from tilesam.export.geojson import write_geojson
from tilesam.export.label_picture import draw_segmentation
from tilesam.export.label_tiff import write_segmentation_tiff
from tilesam.export.ome_image import LABELS, ome_image_at
from tilesam.export.ome_zarr import require_fitting_image, write_ome_zarr
from tilesam.export.table_csv import write_table_csv
from tilesam.writing import (
    require_writable_file,
    require_writable_folder,
    written_whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from tilesam.everything.segmentation import Segmentation
    from tilesam.image import ImageSource
    from tilesam.image.pixel_size import PixelSize

    FileWriter: TypeAlias = Callable[[Path, Segmentation], None]

ZARR_SUFFIXES = (".zarr",)
FILE_WRITERS: dict[str, FileWriter] = {
    ".geojson": write_geojson,
    ".json": write_coco,
    ".tif": write_segmentation_tiff,
    ".tiff": write_segmentation_tiff,
    ".csv": write_table_csv,
}
PICTURE_SUFFIX = ".png"
FORMATS = (
    ".ome.zarr (labels), .geojson (polygons), .json (masks as in SA-1B), "
    ".tif or .tiff (labels), .csv (table) and .png (picture)"
)


def write_segmentation(
    path: str | PathLike[str],
    segmentation: Segmentation,
    *,
    image: str | PathLike[str] | None = None,
    source: ImageSource | None = None,
    pixel_size: PixelSize | None = None,
) -> Path:
    """Write a segmentation; the suffix says how.

    Parameters
    ----------
    path
        Where. `.ome.zarr` or `.zarr`, or no suffix in the group `labels` of an OME-Zarr
        image: labels as OME-Zarr 0.5; `.geojson`: polygons; `.json`: run lengths as in
        SA-1B; `.tif`, `.tiff`: labels, as a GeoTIFF if it is known where on earth they
        are; `.csv`: the table; `.png`: a picture. What is there is replaced at the end,
        as a whole.
    segmentation
        Is written part by part: memory follows neither the image nor the number of
        objects.
    image
        Path of the image. It is never written over; and if it is an OME-Zarr, labels
        take its units and pixel sizes and refer to it.
    source
        Its pixels, which a picture shows.
    pixel_size
        Of the image, for an OME-Zarr if no other image says it.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    OutputError
        If the suffix is unknown or the place cannot be written; then what was there
        before still is.
    """
    target = require_output(path, image=image, image_hw=segmentation.image_hw)
    if _is_zarr(target):
        related = None if image is None else ome_image_at(Path(image))
        write_ome_zarr(target, segmentation, image=related, pixel_size=pixel_size)
        return target
    with written_whole(target) as partial:
        if target.suffix.lower() == PICTURE_SUFFIX:
            _draw(partial, segmentation, source)
        else:
            FILE_WRITERS[target.suffix.lower()](partial, segmentation)
    return target


def _draw(path: Path, segmentation: Segmentation, source: ImageSource | None) -> None:
    if source is None:
        raise OutputError(
            "a picture shows the image too, and none was given; expected its pixels; "
            "hand over source=session.source"
        )
    draw_segmentation(segmentation, source).save(path, format="PNG")


def require_output(
    path: str | PathLike[str],
    *,
    image: str | PathLike[str] | None = None,
    image_hw: tuple[int, int] | None = None,
) -> Path:
    """Make sure that a segmentation can be written to a place, before work begins.

    Parameters
    ----------
    path, image
        See `write_segmentation`.
    image_hw
        Height and width of the image, if they are known yet.

    Raises
    ------
    OutputError
        If it cannot, as far as that can be told.
    """
    target = Path(path)
    if image is not None and target.exists() and _is_same(target, Path(image)):
        raise OutputError(
            f"cannot write {target}: it is the image itself; expected another name; "
            "choose one"
        )
    if _is_zarr(target):
        require_fitting_image(target, image_hw)
        _require_replaceable(target)
        require_writable_folder(target.parent)
    elif target.suffix.lower() in (*FILE_WRITERS, PICTURE_SUFFIX):
        require_writable_file(target)
    else:
        raise OutputError(
            f"cannot write {target}: the suffix {target.suffix!r} says of no format "
            f"that is known; expected {FORMATS}; choose one of these"
        )
    return target


def _is_zarr(path: Path) -> bool:
    suffix = path.suffix.lower()
    if suffix in (*ZARR_SUFFIXES, *FILE_WRITERS, PICTURE_SUFFIX):
        return suffix in ZARR_SUFFIXES
    is_among_labels = path.parent.name == LABELS
    return is_among_labels and ome_image_at(path.absolute().parent.parent) is not None


def _is_same(path: Path, image: Path) -> bool:
    try:
        return path.samefile(image)
    except OSError:  # an address, or nothing that exists
        return False


def _require_replaceable(path: Path) -> None:
    """Make sure that only a label image or an empty folder would be replaced.

    Raises
    ------
    OutputError
        If something else has the name: a file, an image, or other data.
    """
    if not path.exists():
        return
    if not path.is_dir():
        raise OutputError(
            f"cannot write {path}: it is a file; expected the name of a folder; choose "
            "another one"
        )
    if any(path.iterdir()) and not _is_label_image(path):
        raise OutputError(
            f"cannot write {path}: it is a folder that holds no label image; expected "
            "one, which would be replaced, or a new name; choose another one"
        )


def _is_label_image(path: Path) -> bool:
    import zarr

    try:
        attributes = zarr.open_group(path, mode="r").attrs.asdict()
    except (OSError, KeyError, TypeError, ValueError):
        return False
    metadata = attributes.get("ome", attributes)
    return isinstance(metadata, dict) and "image-label" in metadata
