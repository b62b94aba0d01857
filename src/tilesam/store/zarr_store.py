"""Embeddings on disk, in zarr arrays that survive a kill at any moment.

A file takes its name when it is complete. A tile is two files: its embedding, then the
record that vouches for it, so that a tile is there as a whole or not at all, and
whatever happens to either of them afterwards is noticed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from typing import TYPE_CHECKING

from tilesam.errors import StoreError, StoreWriteError
from tilesam.store.layout import (
    EMBEDDINGS,
    METADATA,
    RECORDS,
    chunk_path,
    files_in,
    level_folder,
    level_folders,
    stored_keys,
)
from tilesam.store.level import (
    DAMAGE,
    MISDESCRIBED,
    DamagedTileError,
    has_level,
    make_level,
    open_level,
)
from tilesam.store.tile import require_fitting
from tilesam.tiling.grid import Grid

if TYPE_CHECKING:
    from pathlib import Path

    from tilesam.store.contents import StoreContents
    from tilesam.store.level import LevelArrays
    from tilesam.store.tile import StoredTile
    from tilesam.types import TileKey

logger = logging.getLogger(__name__)

SECOND_LOOK_SECONDS = 0.02
"""Until a tile that seems damaged is read again: someone may just be replacing it."""


class ZarrStore:
    """A set of embeddings in a folder; see `tilesam.store.protocol.EmbeddingStore`.

    Build it with `tilesam.store.open_store`. It can be pickled; where it is unpickled,
    the folder has to be found under the same path.

    Parameters
    ----------
    folder
        Of the set, inside of the store; absolute.
    contents
        What the embeddings are of.
    is_writable
        Whether the set exists and may grow.
    """

    def __init__(
        self, folder: Path, contents: StoreContents, *, is_writable: bool
    ) -> None:
        self.folder = folder
        self.contents = contents
        self.is_writable = is_writable
        self._grid = Grid(contents.image.hw, contents.input_size)
        self._levels: dict[int, LevelArrays] = {}
        self._damaged: set[TileKey] = set()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"ZarrStore({str(self.folder)!r}, is_writable={self.is_writable})"

    def __getstate__(self) -> tuple[Path, StoreContents, bool]:
        """Return what is needed to find the set again."""
        return self.folder, self.contents, self.is_writable

    def __setstate__(self, state: tuple[Path, StoreContents, bool]) -> None:
        """Find the set again.

        Raises
        ------
        StoreError
            If it is not there: a worker that made its own would write in vain.
        """
        folder, contents, is_writable = state
        if not folder.parent.is_dir():
            raise StoreError(
                f"there is no store {folder.parent} on this machine; expected one that "
                "all workers reach; put it on a file system that they share"
            )
        ZarrStore.__init__(self, folder, contents, is_writable=is_writable)

    @property
    def path(self) -> Path:
        """Folder of the whole store, which may hold other sets."""
        return self.folder.parent

    @property
    def nbytes(self) -> int:
        """Bytes of all files of the set; they are counted anew at every call."""
        return sum(_size(path) for path in files_in(self.folder))

    def file_count(self) -> int:
        """Return the number of files of the set."""
        return sum(1 for _ in files_in(self.folder))

    def __contains__(self, key: TileKey) -> bool:
        """Return whether a tile is there: one look for the file that is written last.

        Damage is found by `read`, after which the tile is not there any more.
        """
        return key not in self._damaged and self._has_file(RECORDS, key)

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there, but for damage that no one has met yet."""
        found: set[TileKey] = set()
        for level, folder in level_folders(self.folder):
            found |= stored_keys(level, folder)
        with self._lock:
            return found - self._damaged

    def read(self, key: TileKey) -> StoredTile | None:
        """Return a tile, or None if it is not there.

        A damaged tile is not there either; it is told in the log, once. The next
        `write` replaces it.
        """
        if not self._has_file(RECORDS, key):
            return None
        try:
            tile = self._read_again_if_damaged(key)
        except DAMAGE as error:
            self._report_damage(key, error)
            return None
        with self._lock:
            self._damaged.discard(key)
        return tile

    def write(self, key: TileKey, tile: StoredTile) -> None:
        """Keep a tile; see `EmbeddingStore.write`."""
        self._grid.check(key)
        require_fitting(tile, self.contents)
        self._require_writable()
        try:
            self._level_for_writing(key.level).write(key, tile)
        except OSError as error:
            self._remove_orphan(key)
            raise self._cannot_write(key, error) from error
        with self._lock:
            self._damaged.discard(key)

    def _has_file(self, array: str, key: TileKey) -> bool:
        return os.path.exists(chunk_path(self.folder, array, key))  # noqa: PTH110

    def _read_again_if_damaged(self, key: TileKey) -> StoredTile:
        try:
            return self._read_files(key)
        except DAMAGE:
            time.sleep(SECOND_LOOK_SECONDS)
            return self._read_files(key)

    def _read_files(self, key: TileKey) -> StoredTile:
        # zarr takes a file that is missing for a tile of nothing.
        if not self._has_file(EMBEDDINGS, key):
            raise DamagedTileError("its embedding is missing")
        return self._level(key.level).read(key)

    def _level(self, level: int) -> LevelArrays:
        with self._lock:
            if level not in self._levels:
                self._levels[level] = open_level(
                    level_folder(self.folder, level),
                    self._grid.shape(level),
                    self.contents,
                    writable=self.is_writable,
                )
            return self._levels[level]

    def _level_for_writing(self, level: int) -> LevelArrays:
        folder, shape = level_folder(self.folder, level), self._grid.shape(level)
        if not has_level(folder):
            make_level(folder, shape, self.contents)
        try:
            return self._level(level)
        except MISDESCRIBED as error:
            # The descriptions follow from the contents, so they can be mended.
            logger.warning("the arrays in %s are described anew: %s", folder, error)
            make_level(folder, shape, self.contents, replacing=True)
            return self._level(level)

    def _report_damage(self, key: TileKey, error: Exception) -> None:
        with self._lock:
            is_new = key not in self._damaged
            self._damaged.add(key)
        if is_new:
            logger.warning(
                "%s in %s is damaged and will be embedded again: %s",
                key, self.folder, error,
            )  # fmt: skip

    def _require_writable(self) -> None:
        if not self.is_writable:
            raise StoreWriteError(
                f"{self.path} is open for reading only; expected a store that may be "
                "written to; open another one"
            )
        if not (self.folder / METADATA).exists():
            # Making it anew could mean to fill the disk under a drive that has gone.
            raise StoreWriteError(
                f"{self.folder} has been moved or removed; open the store again"
            )

    def _remove_orphan(self, key: TileKey) -> None:
        """Remove an embedding without a record, which is of use to no one."""
        if not self._has_file(RECORDS, key):
            with contextlib.suppress(OSError):
                os.unlink(chunk_path(self.folder, EMBEDDINGS, key))  # noqa: PTH108

    def _cannot_write(self, key: TileKey, error: OSError) -> StoreWriteError:
        return StoreWriteError(
            f"cannot write {key} into {self.folder}: {error.strerror or error}; a tile "
            f"takes {self.contents.tile_nbytes / 2**10:,.1f} KiB; free some space and "
            "go on, or choose another store; what it holds already stays valid"
        )


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except FileNotFoundError:  # it had its final name before we came to it
        return 0
