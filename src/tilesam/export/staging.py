"""Write several files so that a reader never sees half of one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import TilesamError
from tilesam.writing import cannot_write, require_writable_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def staged_folder(folder: Path) -> Iterator[Path]:
    """Collect files in a temporary folder and move them into place at the end.

    Parameters
    ----------
    folder
        Where the files shall be; it is made if it is missing. Files of the same names
        are replaced, others are left alone.

    Yields
    ------
    Path
        An empty folder to write into. When the block ends well every file in it is
        moved; when it raises, nothing is.

    Raises
    ------
    OutputError
        If the folder or a file in it cannot be written.
    """
    require_writable_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside of the folder, so that moving is renaming within one file system.
        staging = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield staging
        _move_all(staging, folder)
    except TilesamError:
        raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _move_all(source: Path, target: Path) -> None:
    paths = sorted(source.iterdir())
    # The one thing that cannot be replaced is looked for before anything moves.
    for path in paths:
        if (target / path.name).is_dir():
            blocked = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            raise cannot_write(target / path.name, blocked)
    for path in paths:
        path.replace(target / path.name)
