"""Where an image is kept: files, folders and addresses."""

from __future__ import annotations

import re
from os import PathLike, fspath
from pathlib import Path
from typing import IO, TypeAlias
from urllib.parse import unquote, urlsplit

from tilesam.errors import ImageReadError

Location: TypeAlias = Path | str
"""A path, or as text the address of something elsewhere."""

TIFF_SUFFIXES = (
    *(".tif", ".tiff", ".btf", ".tf8", ".lsm", ".svs", ".ndpi", ".scn", ".bif"),
    *(".qptiff", ".gtiff"),
)
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ZARR_RECORDS = ("zarr.json", ".zgroup", ".zarray")

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]+://")


def location_of(image: str | PathLike[str]) -> Location:
    """Return an address as it is, and a path made absolute.

    What is opened again elsewhere must not depend on the working directory.
    """
    text = fspath(image)
    if is_address(text):
        return text
    try:
        return Path(text).expanduser().absolute()
    except (OSError, RuntimeError):  # no such user
        return Path(text)


def is_address(text: object) -> bool:
    """Return whether this text is of the form protocol://..."""
    return isinstance(text, str) and _ADDRESS.match(text) is not None


def name_of(location: Location) -> str:
    """Return the last part of a path or an address, for people and for records."""
    if not is_address(location):
        return Path(location).absolute().name
    # What follows the path may be a password: it has no place in a record.
    address = urlsplit(str(location))
    name = unquote(address.path).rstrip("/").rpartition("/")[2]
    return name or address.hostname or str(location)


def suffix_of(address: str) -> str:
    """Return the suffix of the last part of an address, in lower case."""
    path = re.split(r"[?#]", address)[0].rstrip("/")
    return Path(path).suffix.lower()


def require_file(path: Path) -> None:
    """Make sure that there is a file.

    Raises
    ------
    ImageReadError
        If there is none.
    """
    try:
        if path.is_file():
            return
        what = "is a folder" if path.is_dir() else "does not exist"
    except OSError as error:  # no such name can exist, or its folder is locked
        what = f"cannot be looked at ({error.strerror})"
    raise ImageReadError(
        f"{path} {what}; expected an image file or the folder of an OME-Zarr; check "
        "the path and its spelling"
    )


def is_tiff(path: Path) -> bool:
    """Return whether a file begins like a TIFF, whatever its name.

    Raises
    ------
    ImageReadError
        If it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(4) in TIFF_SIGNATURES
    except OSError as error:
        raise unreadable(path, error) from error


def is_zarr(path: Path) -> bool:
    """Return whether a path is the folder of a zarr array or group."""
    try:
        return any((path / record).is_file() for record in ZARR_RECORDS)
    except OSError:
        return False


def open_address(address: str) -> IO[bytes]:
    """Return a file elsewhere, opened for reading wherever in it.

    Raises
    ------
    ImageReadError
        If it is not there, or what its protocol needs is not installed.
    """
    try:
        import fsspec  # type: ignore[import-untyped]

        file: IO[bytes] = fsspec.open(address, "rb").open()
    except ImportError as error:
        raise needs_protocol(address, error) from error
    except Exception as error:  # file systems raise whatever they trip over
        raise unreadable(address, error) from error
    return file


def needs_protocol(address: str, error: ImportError) -> ImageReadError:
    """Return what to tell people when an address needs a package they lack."""
    protocol = address.split("://", maxsplit=1)[0]
    is_ours = protocol in ("http", "https", "s3")
    package = "napari-sam-tiles[remote]" if is_ours else f"fsspec[{protocol}]"
    return ImageReadError(
        f"{address} cannot be read, because a package for {protocol} is missing "
        f'({_one_line(error)}); install it with pip install "{package}"'
    )


def unreadable(
    name: object,
    error: Exception,
    *,
    expected: str = "a PNG, JPEG, TIFF or another format that Pillow reads",
) -> ImageReadError:
    """Return what to tell people when an image cannot be read."""
    return ImageReadError(
        f"{name} cannot be read as an image ({_one_line(error)}); expected {expected}; "
        "check that the file is complete"
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
