"""Files that are there whole or not at all, and places where files can be."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tilesam.errors import OutputError, TilesamError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a file another name while it is written, and its own at the end.

    Parameters
    ----------
    path
        The file to make or to replace; missing folders are made.

    Yields
    ------
    Path
        An empty file beside it to write into. When the block ends well it takes the
        place of `path`; when it raises, it is removed and `path` is as it was.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    # Threads of one process write the same file too, and processes in containers have
    # equal numbers: only chance keeps all of them apart, and from what a kill left.
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        mode = partial.stat().st_mode
        yield partial
        # Some writers replace the file by one that its owner alone may read.
        partial.chmod(mode)
        partial.replace(path)
    except TilesamError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def require_writable_folder(folder: Path) -> None:
    """Make sure that a folder can be written into, or be made, before work begins.

    Nothing is made or changed. A disk may still fill up later.

    Raises
    ------
    OutputError
        If something else has its name, or it, or the folder that it would be made in,
        is not writable.
    """
    place = folder.absolute()
    # Others may make or remove the folder between any two questions. One that is made
    # is no hindrance, and one that is gone can be made again.
    while not os.path.lexists(place):
        place = place.parent
    if is_no_folder(place):
        raise OutputError(
            f"cannot write into {folder}: {place} is a file; expected a folder; "
            "choose another one"
        )
    if not os.access(place, os.W_OK | os.X_OK) and os.path.lexists(place):
        raise OutputError(
            f"cannot write into {folder}: {place} is not writable; choose a folder "
            "that you may write to"
        )


def require_writable_file(path: Path) -> None:
    """Make sure that a file can be written, before work begins.

    Raises
    ------
    OutputError
        If it is a folder, or its own folder fails `require_writable_folder`.
    """
    if path.is_dir():
        raise OutputError(
            f"cannot write {path}: it is a folder; expected the name of a file; "
            "choose another one"
        )
    require_writable_folder(path.parent)


def is_no_folder(path: Path) -> bool:
    """Return whether something else than a folder has a name; False if nothing has.

    It is a single question to the system. Between "is it there" and "is it a folder"
    another process could make or remove the folder, which then would seem a file.
    """
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return os.path.islink(path)  # noqa: PTH114 - to nowhere; this one never raises


def cannot_write(path: Path, error: OSError | ValueError) -> OutputError:
    """Return what to tell people when writing a file or into a folder failed."""
    reason = getattr(error, "strerror", None) or str(error)
    return OutputError(
        f"cannot write {path}: {reason}; choose a place that you may write to, on a "
        "disk with space left"
    )
