"""Open an image file of any kind by its path or address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.image.locations import (
    PICTURE_SUFFIXES,
    TIFF_SUFFIXES,
    is_address,
    is_tiff,
    is_zarr,
    open_address,
    require_file,
    suffix_of,
)
from tilesam.image.pictures import read_picture
from tilesam.image.stored import StoredImage
from tilesam.image.tiff_files import open_tiff
from tilesam.image.zarr_files import open_zarr

if TYPE_CHECKING:
    from typing import IO

    from tilesam.image.locations import Location


def open_file(location: Location) -> StoredImage:
    """Open an image file; of pictures that Pillow reads the pixels are read at once.

    Raises
    ------
    ImageReadError
        If it is missing, damaged, in an unknown format, or needs a package that is not
        installed.
    ImageError
        If it holds no image, or several.
    """
    if isinstance(location, str) and is_address(location):
        return _open_address(location)
    path = Path(location)
    if is_zarr(path):
        return open_zarr(path)
    require_file(path)
    if is_tiff(path):
        return open_tiff(path, str(path))
    return _open_picture(path, str(path))


def _open_address(address: str) -> StoredImage:
    """Tell by the suffix what an address is: its content would have to be fetched."""
    suffix = suffix_of(address)
    if suffix in TIFF_SUFFIXES:
        return open_tiff(open_address(address), address)
    if suffix in PICTURE_SUFFIXES:
        with open_address(address) as file:
            return _open_picture(file, address)
    return open_zarr(address)


def _open_picture(file: Path | IO[bytes], name: str) -> StoredImage:
    array = read_picture(file, name)
    names = ("y", "x") if array.ndim == 2 else ("y", "x", "c")
    alpha = 3 if array.shape[2:] == (4,) else None
    return StoredImage((array,), name, axis_names=names, alpha=alpha, says_alpha=True)
