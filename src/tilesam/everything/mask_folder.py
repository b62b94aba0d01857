"""Masks in a folder: what a run that was stopped goes on with.

    slide.tif.unfinished/
        contents.json          what the masks are of, see `MaskStoreContents`
        level_0/3.6.masks      masks of tile (0, 3, 6), see `pack_masks`

A file takes its name when it is complete.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import StoreError, StoreWriteError
from tilesam.everything.mask_file import DamagedMasksError, open_masks, pack_masks
from tilesam.store.layout import PARTIAL_SUFFIX, files_in, level_folder, level_folders
from tilesam.store.publishing import publish
from tilesam.tiling import Grid
from tilesam.types import TileKey

if TYPE_CHECKING:
    from tilesam.everything.mask_file import OpenedMasks
    from tilesam.everything.mask_store import MaskStoreContents, MaskSummary
    from tilesam.everything.tile_masks import TileMasks

logger = logging.getLogger(__name__)

CONTENTS = "contents.json"
SUFFIX = ".masks"

_NAME = re.compile(r"(\d+)\.(\d+)" + re.escape(SUFFIX))


def stored_keys(folder: Path) -> set[TileKey]:
    """Return the tiles of which a folder has masks, whatever these are of."""
    return {
        TileKey(level, int(match[1]), int(match[2]))
        for level, inner in level_folders(folder)
        for path in listed(inner)
        if (match := _NAME.fullmatch(path.name))
    }


def listed(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if it does not exist."""
    # To ask first would not do: another run may remove it between the two.
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


class FolderMaskStore:
    """Masks in a folder; see `tilesam.everything.mask_store.MaskStore`.

    Build it with `tilesam.everything.mask_place.open_mask_folder`. It can be pickled;
    where it is unpickled, the folder has to be found under the same path.

    Parameters
    ----------
    folder
        An existing one; absolute.
    contents
        What the masks are of.
    """

    def __init__(self, folder: Path, contents: MaskStoreContents) -> None:
        self.folder = folder
        self.contents = contents
        image = contents.embeddings.image
        self._grid = Grid(image.hw, contents.embeddings.input_size)
        self._damaged: set[TileKey] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FolderMaskStore({str(self.folder)!r})"

    def __getstate__(self) -> tuple[Path, MaskStoreContents]:
        """Return what is needed to find the folder again."""
        return self.folder, self.contents

    def __setstate__(self, state: tuple[Path, MaskStoreContents]) -> None:
        """Find the folder again.

        Raises
        ------
        StoreError
            If it is not there: a worker that made its own would write in vain.
        """
        folder, contents = state
        if not (folder / CONTENTS).exists():
            raise StoreError(
                f"there is no folder of masks {folder} on this machine; expected one "
                "that all workers reach; put it on a file system that they share"
            )
        FolderMaskStore.__init__(self, folder, contents)

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there, but for damage that no one has met yet."""
        found = stored_keys(self.folder)
        with self._lock:
            return found - self._damaged

    def summary(self, key: TileKey) -> MaskSummary | None:
        """Return of which pixels a tile is and how much it holds; None if not there."""
        opened = self._open(key)
        return None if opened is None else opened.summary

    def read(self, key: TileKey) -> TileMasks | None:
        """Return the masks of a tile; None if they are not there."""
        opened = self._open(key)
        if opened is None:
            return None
        try:
            return opened.unpack()
        except DamagedMasksError as error:
            self._report_damage(key, error)
            return None

    def write(self, key: TileKey, masks: TileMasks, pixels_hash: str) -> None:
        """Keep the masks of a tile in place of those that are there.

        Raises
        ------
        TilingError
            If there is no such tile.
        StoreWriteError
            If they cannot be written; then what was there before still is.
        """
        self._grid.check(key)
        if not (self.folder / CONTENTS).exists():
            # Making it anew could mean to fill the disk under a drive that has gone.
            raise _is_gone(self.folder)
        content = pack_masks(key, masks, pixels_hash, self.contents.digest)
        try:
            # Without `parents`: a folder that is removed just now would come back as
            # one that does not say what its masks are of.
            publish(self._path(key), content, replacing=True, parents=False)
        except FileNotFoundError as error:
            raise _is_gone(self.folder) from error
        except OSError as error:
            raise StoreWriteError(
                f"cannot write masks of {key} into {self.folder}: "
                f"{error.strerror or error}; free some space and go on; what it holds "
                "already stays valid"
            ) from error
        with self._lock:
            self._damaged.discard(key)

    def remove(self) -> None:
        """Remove all masks, and the folder unless there is something else in it."""
        with contextlib.suppress(OSError):
            (self.folder / CONTENTS).unlink(missing_ok=True)
        for path in map(Path, files_in(self.folder)):
            if path.suffix in (SUFFIX, PARTIAL_SUFFIX):
                with contextlib.suppress(OSError):
                    path.unlink()
        folders = [folder for _, folder in level_folders(self.folder)]
        for folder in (*folders, self.folder):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _path(self, key: TileKey) -> Path:
        return level_folder(self.folder, key.level) / f"{key.iy}.{key.ix}{SUFFIX}"

    def _open(self, key: TileKey) -> OpenedMasks | None:
        try:
            content = self._path(key).read_bytes()
            return open_masks(content, key, self.contents.digest)
        except FileNotFoundError:
            return None
        except (DamagedMasksError, OSError) as error:
            self._report_damage(key, error)
            return None

    def _report_damage(self, key: TileKey, error: Exception) -> None:
        with self._lock:
            is_new = key not in self._damaged
            self._damaged.add(key)
        if is_new:
            logger.warning(
                "the masks of %s in %s are damaged and will be made again: %s",
                key, self.folder, error,
            )  # fmt: skip


def _is_gone(folder: Path) -> StoreWriteError:
    return StoreWriteError(
        f"{folder} has been moved or removed, maybe by another run that shared it and "
        "ended; begin again with a folder that stays (--keep-work where runs share it)"
    )
