"""Read an image file into an array, as it is stored, with what it says of its axes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tilesam.errors import ImageError, ImageReadError

if TYPE_CHECKING:
    from os import PathLike

    from numpy.typing import NDArray

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".lsm")
CHANNEL_AXES = "SC"
"""TIFF axis codes for samples (RGB) and channels."""

STACK_AXES = "ZT"
"""TIFF axis codes for depth and time."""

PILLOW_MODES = {"P": "RGBA", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB"}
"""Modes whose numbers are no intensities, and what they are converted to."""


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

    Pixels stay where they are stored: an EXIF orientation is not applied, so that
    masks fit the file's own pixel grid. Uncompressed TIFFs are mapped into memory, not
    read.

    Raises
    ------
    ImageReadError
        If the file is missing, damaged or in an unknown format.
    ImageError
        If a TIFF is a stack with more axes than rows, columns and channels.
    """
    path = Path(path).expanduser()
    _require_file(path)
    read = _read_tiff if path.suffix.lower() in TIFF_SUFFIXES else _read_with_pillow
    return read(path)


def _require_file(path: Path) -> None:
    try:
        if path.is_file():
            return
        what = "is a folder" if path.is_dir() else "does not exist"
    except OSError as error:  # no such name can exist, or its folder is locked
        what = f"cannot be looked at ({error.strerror})"
    raise ImageReadError(
        f"{path} {what}; expected an image file; check the path and its spelling"
    )


def _read_tiff(path: Path) -> ReadImage:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            axes, shape = series.axes, series.shape
            _reject_stack(path, axes=axes, shape=shape)
            # Compressed strips have no offset of the whole and must be decoded.
            is_mappable = series.dataoffset is not None
            array = None if is_mappable else series.asarray()
        if array is None:
            array = tifffile.memmap(path, mode="r", series=0)
    except ImageError:
        raise
    except Exception as error:  # the decoders raise whatever they trip over
        raise _unreadable(path, error) from error
    found = [axis for axis, code in enumerate(axes) if code in CHANNEL_AXES]
    return ReadImage(array, found[0] if found and len(axes) == 3 else None)


def _reject_stack(path: Path, *, axes: str, shape: tuple[int, ...]) -> None:
    """Raise for what the file says is a stack; the shape alone is judged later."""
    has_channels = any(code in CHANNEL_AXES for code in axes)
    is_declared_stack = len(axes) == 3 and not has_channels and axes[0] in STACK_AXES
    if len(axes) > 3 or is_declared_stack:
        raise ImageError(
            f"{path} is a stack with axes {axes} and shape {shape}; expected one plane "
            "of rows and columns, with or without channels; save one plane on its own, "
            "or pass it as an array"
        )


def _read_with_pillow(path: Path) -> ReadImage:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Large images are what this package is for; Pillow still refuses bombs.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                array = _pillow_to_array(image)
    except Exception as error:  # the decoders raise whatever they trip over
        raise _unreadable(path, error) from error
    return ReadImage(array, 2 if array.ndim == 3 else None)


def _pillow_to_array(image: Any) -> NDArray[Any]:
    if image.mode in PILLOW_MODES:
        image = image.convert(PILLOW_MODES[image.mode])
    array = np.asarray(image)
    if image.mode in ("LA", "La"):
        array = array[..., 0]
    return array


def _unreadable(path: Path, error: Exception) -> ImageReadError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return ImageReadError(
        f"{path} cannot be read as an image ({reason}); expected a PNG, JPEG, TIFF or "
        "another format that Pillow reads; check that the file is complete"
    )
