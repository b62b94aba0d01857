"""What the rest of the engine asks of a store, wherever the embeddings are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tilesam.store.contents import StoreContents
    from tilesam.store.tile import StoredTile
    from tilesam.types import TileKey


class EmbeddingStore(Protocol):
    """One set of embeddings, found by the key of their tile.

    Several threads may read and write at once. A tile is there whole or not at all.
    `tilesam.testing.store_suite` says in tests what every store has to keep to.
    """

    @property
    def contents(self) -> StoreContents:
        """What the embeddings are of."""

    @property
    def is_writable(self) -> bool:
        """Whether `write` can be asked."""

    @property
    def nbytes(self) -> int:
        """Bytes that the set takes; counted anew at every call."""

    def __contains__(self, key: TileKey, /) -> bool:
        """Return whether a tile is there, as fast as that can be told.

        Damage is found by `read`; before it, a damaged tile may be said to be there.
        """

    def keys(self) -> set[TileKey]:
        """Return the tiles that are there."""

    def read(self, key: TileKey) -> StoredTile | None:
        """Return a tile, or None if it is not there or damaged; never another one.

        The embedding is the caller's own: changing it does not change the store.
        """

    def write(self, key: TileKey, tile: StoredTile) -> None:
        """Keep a tile, in place of the one that may be there.

        Raises
        ------
        TilingError
            If the image has no such tile.
        StoreError
            If the tile's embedding has another shape or type than those of the set.
        StoreWriteError
            If it cannot be written; all other tiles are as they were.
        """
