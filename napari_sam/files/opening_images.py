"""The menu entry *Open large image...*: any image that the engine reads, lazily.

It is no reader, because napari would ask every user which reader to take for every
TIFF.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from napari import Viewer

from napari_sam.files.reading_images import read_image
from napari_sam.views.questions import ask_file_to_open
from tilesam.image.locations import PICTURE_SUFFIXES, TIFF_SUFFIXES, is_address

ZARR_RECORDS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")
"""Files of which one lies in every folder of a zarr, to choose the folder by."""

KINDS = (
    f"Large images ({' '.join(f'*{suffix}' for suffix in TIFF_SUFFIXES)} "
    f"{' '.join(ZARR_RECORDS)});;"
    f"Pictures ({' '.join(f'*{suffix}' for suffix in PICTURE_SUFFIXES)});;"
    "All files (*)"
)


def open_large_image(viewer: Viewer) -> None:
    """Ask for an image and add it to a viewer; nothing if nobody chooses one.

    An OME-Zarr is a folder: choose the file `zarr.json` or `.zattrs` in it.
    """
    from qtpy.QtWidgets import QApplication

    window = QApplication.activeWindow()
    chosen = ask_file_to_open(window, "Open large image", "", KINDS)
    if chosen:
        add_image(viewer, chosen)


def add_image(viewer: Viewer, path: str | PathLike[str]) -> None:
    """Add an image to a viewer without reading more than is seen.

    Parameters
    ----------
    viewer
        Where.
    path
        See `read_image`; or one of the files that a zarr consists of.

    Raises
    ------
    ImageError, ImageReadError
        See `read_image`.
    """
    place = Path(path)
    is_record = not is_address(str(path)) and place.name in ZARR_RECORDS
    for data, options, _ in read_image(place.parent if is_record else path):
        viewer.add_image(data, **options)
