"""A session for what an image layer shows; made on the engine's thread."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam.opening.embedding_cache import (
    StoreHold,
    cached_store,
    hold_store,
    image_digest,
    trim_cache,
)
from napari_sam.opening.sources import LayerView
from napari_sam.opening.store_place import copy_tiles
from tilesam.errors import StoreWriteError, TilesamError

if TYPE_CHECKING:
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.session import Session
    from tilesam.store import EmbeddingStore


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CachePlace:
    """Somewhere in the cache of all embeddings.

    Parameters
    ----------
    folder, max_bytes
        Of the cache.
    image_name
        For people who look into the folder.
    """

    folder: Path
    max_bytes: int
    image_name: str


@dataclass(frozen=True, eq=False)
class OpenedView:
    """A session, and what keeps its store in the cache while it is used.

    Parameters
    ----------
    session
        Of what a layer shows.
    hold
        To be released when the session is left; None if the store is not in the cache.
    """

    session: Session
    hold: StoreHold | None = None


def open_view(
    view: LayerView,
    model: str,
    device: str | None,
    store: Path | CachePlace | None,
    loaded: SamModel | None,
    kept: EmbeddingStore | None,
    *,
    object_diameter: float | None = None,
) -> OpenedView:
    """Return a session for what a layer shows.

    Parameters
    ----------
    view
        What it shows.
    model, device
        See `tilesam.load_model`.
    store
        Folder for embeddings, or the cache; None keeps them in memory.
    loaded
        The model, if it is loaded already.
    kept
        Embeddings of the session before, which are not made again where they fit.
    object_diameter
        See `tilesam.Session.open`.

    Raises
    ------
    TilesamError
        If image, model or store cannot be opened.
    """
    from tilesam.model.checkpoints.loading import load_model

    network = loaded or load_model(model, device=device)
    options = {"object_diameter": object_diameter}
    if not isinstance(store, CachePlace):
        source = view.open(store)
        return OpenedView(_open(source, network, store, kept, options))
    source = view.open()
    hold = _hold(store, source)
    try:
        if hold.path.exists():
            source = view.open(hold.path)
        return OpenedView(_open(source, network, hold.path, kept, options), hold)
    except TilesamError:
        hold.release()
        raise


def _hold(place: CachePlace, source: ImageSource) -> StoreHold:
    """Keep the store of an image in the cache, and make room for it."""
    path = cached_store(place.folder, place.image_name, image_digest(source))
    hold = hold_store(path)
    try:
        trim_cache(place.folder, place.max_bytes, keep=(path,))
    except StoreWriteError as error:
        # Then there is less room than there should be, but a place for this image.
        logger.warning("%s", error)
    return hold


def _open(
    source: ImageSource,
    model: SamModel,
    store: Path | None,
    kept: EmbeddingStore | None,
    options: dict[str, Any],
) -> Session:
    from tilesam.opening import build_contents, open_embedding_store
    from tilesam.session import Session
    from tilesam.store import MemoryStore

    if not (kept and kept.contents.digest == build_contents(source, model).digest):
        kept = None
    if store is None:
        is_in_memory = isinstance(kept, MemoryStore)
        return Session(source, model, kept if is_in_memory else None, **options)
    folder = open_embedding_store(store, source, model)
    if kept is not None:
        copy_tiles(kept, folder)
    return Session(source, model, folder, **options)
