"""Embeddings that are computed once and kept: in memory, or on disk as zarr arrays."""

from __future__ import annotations

from tilesam.store.contents import StoreContents
from tilesam.store.memory import MemoryStore
from tilesam.store.opening import open_store, recorded_contents
from tilesam.store.protocol import EmbeddingStore
from tilesam.store.tile import StoredTile, hash_pixels
from tilesam.store.zarr_store import ZarrStore

__all__ = [
    "EmbeddingStore",
    "MemoryStore",
    "StoreContents",
    "StoredTile",
    "ZarrStore",
    "hash_pixels",
    "open_store",
    "recorded_contents",
]
