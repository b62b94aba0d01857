"""Names in a store on disk.

    slide.sam.zarr/                      group: format, version, image
        tiny-3f0c6d1e5b7a9824/           group: one set, see `StoreContents`
            level_0/                     group
                embeddings/              float16 (ny, nx, D, h, w), one file per tile
                    zarr.json
                    c.3.5.0.0.0          tile (0, 3, 5)
                records/                 uint8 (ny, nx, 32), see `build_record`
                    zarr.json
                    c.3.5.0

All of it is plain zarr v3, so that anyone can read embeddings without this package. The
names of files matter here only to look whether a tile is there.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from tilesam.types import TileKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tilesam.store.contents import StoreContents

METADATA = "zarr.json"
EMBEDDINGS, RECORDS = "embeddings", "records"
PARTIAL_SUFFIX = ".partial"
"""Of files that are being written; zarr uses it too."""

SEPARATOR = "."
"""Between the indices in a chunk's name: the chunks of an array share one folder."""

_TRAILING_AXES = {EMBEDDINGS: 3, RECORDS: 1}
_LEVEL = re.compile(r"level_(-?\d+)")
_CHUNK = {
    name: re.compile(r"c\.(\d+)\.(\d+)" + r"\.0" * axes)
    for name, axes in _TRAILING_AXES.items()
}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_MODEL_NAME = 60


def set_name(contents: StoreContents) -> str:
    """Return the name of the folder of a set: the model's, for people, and the key."""
    readable = _UNSAFE.sub("-", contents.model_name)[:_LONGEST_MODEL_NAME]
    # Names that begin with dots or two underscores mean something else to zarr.
    return f"{readable.strip('._-') or 'model'}-{contents.digest}"


def find_set(store: Path, contents: StoreContents) -> Path:
    """Return the folder of a set, which may not exist yet.

    The same weights may have had another name when the set was made.
    """
    existing = sorted(store.glob(f"*-{contents.digest}/{METADATA}"))
    return existing[0].parent if existing else store / set_name(contents)


def level_folder(set_folder: Path, level: int) -> Path:
    """Return the folder of the two arrays of a level."""
    return set_folder / f"level_{level}"


def chunk_path(set_folder: Path, array: str, key: TileKey) -> str:
    """Return the file that holds a tile's part of an array."""
    zeros = f"{SEPARATOR}0" * _TRAILING_AXES[array]
    name = f"c{SEPARATOR}{key.iy}{SEPARATOR}{key.ix}{zeros}"
    # A string: this is asked far more often than anything else here.
    return f"{set_folder}{os.sep}level_{key.level}{os.sep}{array}{os.sep}{name}"


def level_folders(set_folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the levels that a set has begun, and their folders."""
    for folder in subfolders(set_folder):
        match = _LEVEL.fullmatch(folder.name)
        if match:
            yield int(match[1]), folder


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted; none if it does not exist."""
    # By trying: after any question another process may clear the folder.
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def stored_keys(level: int, folder: Path) -> set[TileKey]:
    """Return the tiles of a level that have both of their files."""
    places = [_places(folder / array, _CHUNK[array]) for array in _CHUNK]
    return {TileKey(level, iy, ix) for iy, ix in set.intersection(*places)}


def files_in(folder: Path) -> Iterator[str]:
    """Yield the paths of all files in a folder and the folders in it."""
    # os.walk need not ask the system about every single file.
    for inner, _, names in os.walk(folder):
        yield from (f"{inner}{os.sep}{name}" for name in names)


def _places(folder: Path, pattern: re.Pattern[str]) -> set[tuple[int, int]]:
    try:
        names = os.listdir(folder)  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):  # maybe cleared a moment ago
        return set()
    matches = (pattern.fullmatch(name) for name in names)
    return {(int(match[1]), int(match[2])) for match in matches if match}
