"""Write several files so that a reader never sees half of one."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import OutputError

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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Inside of the folder, so that moving is renaming within one file system.
        staging = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    except OSError as error:
        raise _not_writable(folder, error) from error
    try:
        yield staging
        for path in sorted(staging.iterdir()):
            path.replace(folder / path.name)
    except OSError as error:
        raise _not_writable(folder, error) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _not_writable(folder: Path, error: OSError) -> OutputError:
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot write into {folder}: {reason}; "
        "choose a folder that you may write to, on a disk with space left"
    )
