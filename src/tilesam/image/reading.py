"""Read an image file into an array, as it is stored, with what it says of its axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilesam.image.locations import is_tiff, require_file
from tilesam.image.pictures import read_picture
from tilesam.image.tiff_files import read_tiff

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ReadImage:
    """The pixels of a file.

    Parameters
    ----------
    array
        As stored; a memory map where the file allows it.
    channel_axis
        Which axis the file declares as channels, or None if it declares none.
    """

    array: NDArray[Any]
    channel_axis: int | None


def read_image_file(path: str | PathLike[str]) -> ReadImage:
    """Read the first image of a PNG, JPEG, TIFF or other file that Pillow knows.

    The whole of it, where `tilesam.image.open_image` reads windows. Pixels stay where
    they are stored: an EXIF orientation is not applied, so that masks fit the file's
    own pixel grid. Uncompressed TIFFs are mapped into memory, not read.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged or in an unknown format.
    ImageError
        If a TIFF is a stack with more axes than rows, columns and channels.
    """
    path = Path(path).expanduser()
    require_file(path)
    if is_tiff(path):
        return ReadImage(*read_tiff(path))
    array = read_picture(path, path)
    return ReadImage(array, 2 if array.ndim == 3 else None)
