"""What zarr's `zarr.json` files say.

zarr makes them in memory and `publish` puts them on the disk, because zarr by itself
writes over what another process has just made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tilesam.store.layout import EMBEDDINGS, METADATA, RECORDS, SEPARATOR
from tilesam.store.tile import RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_THERE = float("nan")
"""What zarr reads where no embedding is stored; zeros could be one."""


def group_document(attributes: dict[str, Any]) -> bytes:
    """Return the `zarr.json` of a group."""
    import zarr
    from zarr.storage import MemoryStore

    documents: dict[str, Any] = {}
    zarr.create_group(MemoryStore(documents), attributes=attributes, zarr_format=3)
    content: bytes = documents[METADATA].to_bytes()
    return content


def level_documents(
    grid_shape: tuple[int, int], embedding_shape: Sequence[int]
) -> dict[str, bytes]:
    """Return the `zarr.json` files of a level by their path in its folder.

    Parameters
    ----------
    grid_shape
        (ny, nx) positions of the level.
    embedding_shape
        (D, h, w).
    """
    documents: dict[str, Any] = {}
    _make_arrays(documents, grid_shape, embedding_shape)
    return {path: document.to_bytes() for path, document in documents.items()}


def level_metadata(
    grid_shape: tuple[int, int], embedding_shape: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Return what zarr understands of the arrays of a level by their names.

    Unlike the documents it is the same in whichever way they were written.
    """
    arrays = _make_arrays({}, grid_shape, embedding_shape)
    return {name: essential_metadata(array) for name, array in arrays.items()}


def essential_metadata(array: Any) -> dict[str, Any]:
    """Return what decides where and how the chunks of a zarr array are stored."""
    metadata: dict[str, Any] = array.metadata.to_dict()
    return {key: value for key, value in metadata.items() if key != "attributes"}


def _make_arrays(
    documents: dict[str, Any],
    grid_shape: tuple[int, int],
    embedding_shape: Sequence[int],
) -> dict[str, Any]:
    import zarr
    from zarr.codecs import Crc32cCodec
    from zarr.storage import MemoryStore

    group = zarr.create_group(MemoryStore(documents), zarr_format=3)

    def create(name: str, tile_shape: Sequence[int], dtype: str, fill: float) -> Any:
        # Measured by tests/benchmarks/bench_store.py: compression would save 7 to 16 %
        # and take two to three times as long to read; shards up to twice as long, and
        # they are written with all their tiles at once. So neither.
        return group.create_array(
            name,
            shape=(*grid_shape, *tile_shape),
            chunks=(1, 1, *tile_shape),
            dtype=dtype,
            fill_value=fill,
            filters=None,
            compressors=Crc32cCodec(),
            chunk_key_encoding={"name": "default", "separator": SEPARATOR},
        )

    return {
        EMBEDDINGS: create(EMBEDDINGS, embedding_shape, "float16", NOT_THERE),
        RECORDS: create(RECORDS, (RECORD_BYTES,), "uint8", 0),
    }
