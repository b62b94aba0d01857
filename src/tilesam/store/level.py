"""The two zarr arrays of a level: embeddings, and the records that vouch for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tilesam.store.documents import (
    essential_metadata,
    level_documents,
    level_metadata,
)
from tilesam.store.layout import EMBEDDINGS, METADATA, RECORDS
from tilesam.store.publishing import publish
from tilesam.store.tile import HASH_BYTES, StoredTile, build_record

if TYPE_CHECKING:
    from pathlib import Path

    from tilesam.store.contents import StoreContents
    from tilesam.types import TileKey

MISDESCRIBED = (ValueError, TypeError, LookupError, AttributeError)
"""What zarr raises for a `zarr.json` that is not what it should be."""

DAMAGE = (*MISDESCRIBED, RuntimeError, OSError)
"""What zarr and its codecs raise for files that are not what they should be."""


class DamagedTileError(ValueError):
    """A file of a tile is missing, or the two do not belong together."""


@dataclass(frozen=True)
class LevelArrays:
    """The arrays of one level; several threads may use them at once.

    Parameters
    ----------
    embeddings
        zarr array (ny, nx, D, h, w) float16.
    records
        zarr array (ny, nx, 32) uint8.
    contents
        What the embeddings are of.
    """

    embeddings: Any
    records: Any
    contents: StoreContents

    def read(self, key: TileKey) -> StoredTile:
        """Return a tile whose files both exist.

        Raises
        ------
        DamagedTileError
            If the embedding is not the one that the record vouches for.
        ValueError, OSError and others
            See `DAMAGE`.
        """
        record = np.asarray(self.records[key.iy, key.ix])
        embedding = np.asarray(self.embeddings[key.iy, key.ix])
        tile = StoredTile(
            np.ascontiguousarray(embedding, np.float16),
            record[:HASH_BYTES].tobytes().hex(),
        )
        if not np.array_equal(record, build_record(key, tile, self.contents)):
            raise DamagedTileError("its embedding is not the one that was written last")
        return tile

    def write(self, key: TileKey, tile: StoredTile) -> None:
        """Write a tile: the embedding, then the record that makes it count.

        Raises
        ------
        OSError
            If a file cannot be written; it is then as it was.
        """
        # Networks lay out their output in ways that would be put in order twice.
        tile = replace(tile, embedding=np.ascontiguousarray(tile.embedding))
        self.embeddings[key.iy, key.ix] = tile.embedding
        self.records[key.iy, key.ix] = build_record(key, tile, self.contents)


def open_level(
    folder: Path,
    grid_shape: tuple[int, int],
    contents: StoreContents,
    *,
    writable: bool,
) -> LevelArrays:
    """Return the arrays of a level that exists.

    Parameters
    ----------
    folder
        Of the level.
    grid_shape
        (ny, nx) positions of the level.
    contents
        What the embeddings are of.
    writable
        Whether tiles will be written.

    Raises
    ------
    ValueError, OSError and others
        If they are not what this package makes, see `MISDESCRIBED` and `DAMAGE`.
    """
    import zarr

    mode: Literal["r", "r+"] = "r+" if writable else "r"
    expected = level_metadata(grid_shape, contents.embedding_shape)

    def opened(name: str) -> Any:
        array = zarr.open_array(folder / name, mode=mode, zarr_format=3)
        if essential_metadata(array) != expected[name]:
            raise ValueError(f"{folder / name} is not an array of this package")
        # An embedding of nothing but what zarr fills in is one all the same. Contiguous
        # tiles whatever the user told zarr for their own arrays.
        return array.with_config({"write_empty_chunks": True, "order": "C"})

    return LevelArrays(opened(EMBEDDINGS), opened(RECORDS), contents)


def has_level(folder: Path) -> bool:
    """Return whether the arrays of a level have been made; the records come last."""
    return (folder / RECORDS / METADATA).exists()


def make_level(
    folder: Path,
    grid_shape: tuple[int, int],
    contents: StoreContents,
    *,
    replacing: bool = False,
) -> None:
    """Make the arrays of a level as far as they do not exist.

    Parameters
    ----------
    folder, grid_shape, contents
        See `open_level`.
    replacing
        Make the arrays' descriptions anew, which leaves the tiles alone.

    Raises
    ------
    OSError
        If they cannot be written.
    """
    documents = level_documents(grid_shape, contents.embedding_shape)
    for path in sorted(documents, key=lambda path: (path.count("/"), path)):
        publish(folder / path, documents[path], replacing=replacing)
