"""A session for what an image layer shows; made on the engine's thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam.sources import LayerView
from napari_sam.store_place import copy_tiles

if TYPE_CHECKING:
    from tilesam.model.runtime import SamModel
    from tilesam.session import Session
    from tilesam.store import EmbeddingStore


def open_view(
    view: LayerView,
    model: str,
    device: str | None,
    store: Path | None,
    loaded: SamModel | None,
    kept: EmbeddingStore | None,
) -> Session:
    """Return a session for what a layer shows.

    Parameters
    ----------
    view
        What it shows.
    model, device
        See `tilesam.load_model`.
    store
        Folder for embeddings; None keeps them in memory.
    loaded
        The model, if it is loaded already.
    kept
        Embeddings of the session before, which are not made again where they fit.

    Raises
    ------
    TilesamError
        If image, model or store cannot be opened.
    """
    from tilesam.model.checkpoints.loading import load_model
    from tilesam.opening import build_contents, open_embedding_store
    from tilesam.session import Session
    from tilesam.store import MemoryStore

    source = view.open(store)
    network = loaded or load_model(model, device=device)
    if not (kept and kept.contents.digest == build_contents(source, network).digest):
        kept = None
    if store is None:
        is_in_memory = isinstance(kept, MemoryStore)
        return Session(source, network, kept if is_in_memory else None)
    folder = open_embedding_store(store, source, network)
    if kept is not None:
        copy_tiles(kept, folder)
    return Session(source, network, folder)
