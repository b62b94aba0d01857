"""Embeddings that live as long as the process does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NoReturn

from tilesam.store.tile import StoredTile, require_fitting
from tilesam.tiling.grid import Grid

if TYPE_CHECKING:
    from tilesam.store.contents import StoreContents
    from tilesam.types import TileKey


class MemoryStore:
    """A set of embeddings in memory; see `tilesam.store.protocol.EmbeddingStore`.

    Parameters
    ----------
    contents
        What the embeddings are of.
    max_bytes
        Tiles that were not asked for longest go when the embeddings would take more;
        one that is larger alone is not kept. By default all are kept.
    """

    is_writable = True

    def __init__(self, contents: StoreContents, max_bytes: int | None = None) -> None:
        self.contents = contents
        self.max_bytes = max_bytes
        self._grid = Grid(contents.image.hw, contents.input_size)
        self._tiles: OrderedDict[TileKey, StoredTile] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryStore({self.contents.model_name!r}, tiles={len(self._tiles)})"

    def __reduce__(self) -> NoReturn:
        """Refuse to travel: what a copy in another process learns would be lost."""
        raise TypeError(
            "a MemoryStore stays in its process; expected a store that several "
            "processes can share; use tilesam.store.open_store"
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the embeddings."""
        return len(self._tiles) * self.contents.tile_nbytes

    def __contains__(self, key: TileKey) -> bool:
        """Return whether a tile is there; does not count as asking for it."""
        with self._lock:
            return key in self._tiles

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there."""
        with self._lock:
            return set(self._tiles)

    def read(self, key: TileKey) -> StoredTile | None:
        """Return a copy of a tile, or None if it is not there."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is None:
                return None
            self._tiles.move_to_end(key)
        return _copied(tile)

    def write(self, key: TileKey, tile: StoredTile) -> None:
        """Keep a copy of a tile; see `EmbeddingStore.write`."""
        self._grid.check(key)
        require_fitting(tile, self.contents)
        kept = _copied(tile)
        with self._lock:
            self._tiles[key] = kept
            self._tiles.move_to_end(key)
            while self.max_bytes is not None and self.nbytes > self.max_bytes:
                self._tiles.popitem(last=False)


def _copied(tile: StoredTile) -> StoredTile:
    return StoredTile(tile.embedding.copy(order="C"), tile.pixels_hash)
