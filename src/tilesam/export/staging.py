"""Write several files, or a folder, so that a reader never sees half of it."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import TilesamError
from tilesam.writing import cannot_write, require_writable_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
"""What the systems say of a name that a folder has, or a link to one."""

_MOST_REPLACED = 3


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


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a folder another name while it is filled, and its own at the end.

    Parameters
    ----------
    folder
        The folder to make, or to replace with all that is in it; missing folders above
        it are made.

    Yields
    ------
    Path
        A name beside it at which nothing is. When the block ends well what is there
        then takes the place of `folder`; when it raises, it is removed and `folder` is
        as it was.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    partial = _hidden_beside(folder, "part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _take_place(partial, folder)
    except TilesamError:
        raise
    except OSError as error:
        raise cannot_write(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _hidden_beside(folder: Path, what: str) -> Path:
    # By chance: the number of the process is that of all its threads, and of processes
    # in other containers.
    return folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.{what}")


def _take_place(partial: Path, folder: Path, replaced: int = 0) -> None:
    # By trying: after any question another process may put its own folder there, also
    # in place of the one that was just moved away.
    try:
        partial.rename(folder)
    except OSError as error:
        if error.errno not in _TAKEN or replaced == _MOST_REPLACED:
            raise
        with _moved_away(folder):
            _take_place(partial, folder, replaced + 1)


@contextmanager
def _moved_away(folder: Path) -> Iterator[None]:
    """Give a folder another name; it is removed at the end, or comes back."""
    former = _hidden_beside(folder, "former")
    with suppress(FileNotFoundError):  # another process was quicker
        folder.rename(former)
    try:
        yield
    except BaseException:
        _bring_back(former, folder)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _bring_back(former: Path, folder: Path) -> None:
    try:
        former.rename(folder)
    except OSError as error:
        # Where another process has put its own, that has replaced it. Otherwise it is
        # better found under its hidden name than lost.
        if error.errno in _TAKEN:
            shutil.rmtree(former, ignore_errors=True)


def _move_all(source: Path, target: Path) -> None:
    paths = sorted(source.iterdir())
    # The one thing that cannot be replaced is looked for before anything moves.
    for path in paths:
        if (target / path.name).is_dir():
            blocked = IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            raise cannot_write(target / path.name, blocked)
    for path in paths:
        path.replace(target / path.name)
