"""Small files that are on the disk, not only on their way there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from tilesam.errors import OutputError, SessionFileError
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from pathlib import Path


def write_durably(path: Path, content: bytes) -> None:
    """Make or replace a file; after a power failure it is there, or the old one is.

    Raises
    ------
    SessionFileError
        If it cannot be written; then the old one is as it was.
    """
    try:
        with written_whole(path) as partial, partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OutputError as error:
        raise SessionFileError(str(error)) from error
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names of a folder's files written, where the system offers that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
