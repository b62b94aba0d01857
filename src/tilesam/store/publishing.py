"""Files that several processes may make at once, and that are never seen half made."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
import uuid
from typing import TYPE_CHECKING

from tilesam.store.layout import PARTIAL_SUFFIX, files_in

if TYPE_CHECKING:
    from pathlib import Path

STALE_SECONDS = 3600
"""After this a file that is still being written is what a killed process left."""

_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)


def publish(
    path: Path, content: bytes, *, replacing: bool = False, parents: bool = True
) -> None:
    """Make a file unless it exists; of several processes the first one wins.

    Parameters
    ----------
    path
        The file; missing folders are made, see `parents`.
    content
        On the disk, not only on its way there, before the file has its name: all
        tiles depend on files made here, while of a tile that a power failure cut short
        the checksums tell.
    replacing
        Take the place of a file that exists.
    parents
        Make all missing folders, not only the one that the file is in: without, what
        somebody removes meanwhile does not come back.

    Raises
    ------
    OSError
        If it cannot be written; then nothing is left of it.
    """
    if path.exists() and not replacing:
        return
    path.parent.mkdir(parents=parents, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{uuid.uuid4().hex}{PARTIAL_SUFFIX}")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if replacing:
            partial.replace(path)
        else:
            _take_name(partial, path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _take_name(partial: Path, path: Path) -> None:
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        return
    except OSError:
        # Some file systems know no links. There the last one wins, and as all write
        # the same, nobody can tell.
        partial.replace(path)


def can_write(folder: Path) -> bool:
    """Return whether files can be made in a folder, by trying.

    Permissions alone do not tell: there are read-only file systems and network shares,
    and whoever is root is not bound by them.
    """
    try:
        # Without a name where the system can do that: nothing to be left by a kill.
        with tempfile.TemporaryFile(dir=folder, suffix=PARTIAL_SUFFIX):
            return True
    except OSError as error:
        # Other failures, a full disk for one, are told when something is written.
        return error.errno not in _DENIED


def remove_stale_partials(store: Path) -> None:
    """Remove what killed processes left half written, but not what is being written."""
    latest = time.time() - STALE_SECONDS
    for path in files_in(store):
        if path.endswith(PARTIAL_SUFFIX):
            with contextlib.suppress(OSError):
                if os.stat(path).st_mtime < latest:  # noqa: PTH116
                    os.unlink(path)  # noqa: PTH108
