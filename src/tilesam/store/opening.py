"""Opening a store on disk: a new one, one of ours, or none that may be touched."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from tilesam.errors import StoreError, StoreWriteError
from tilesam.store.documents import group_document
from tilesam.store.folder import (
    read_image,
    read_sets,
    require_image,
    require_set,
    store_attributes,
)
from tilesam.store.layout import METADATA, find_set
from tilesam.store.publishing import can_write, publish, remove_stale_partials
from tilesam.store.zarr_store import ZarrStore

if TYPE_CHECKING:
    from os import PathLike

    from tilesam.store.contents import StoreContents

logger = logging.getLogger(__name__)


def open_store(
    path: str | PathLike[str], contents: StoreContents, *, read_only: bool = False
) -> ZarrStore:
    """Open one set of embeddings in a store, which is made if it is missing.

    Parameters
    ----------
    path
        Folder of the store. One store holds the sets of one image: of several models
        and several ways to look at it.
    contents
        What the embeddings are of.
    read_only
        Make and change nothing.

    Returns
    -------
    ZarrStore
        Not writable if `read_only`, or if the folder cannot be written to, which is
        logged as a warning.

    Raises
    ------
    StoreError
        If the path is something else than a store or a place for one, or is damaged.
    StoreFormatError
        If the store is of another version.
    StoreMismatchError
        If the store is of another image.
    StoreWriteError
        If there is none and it cannot be made.
    """
    store = _to_folder(path)
    require_image(store, contents.image)
    folder = require_set(store, contents)
    if read_only:
        if read_image(store) is None:
            raise StoreError(
                f"there is no store {store} to read from; check the path, or open it "
                "for writing to have it made"
            )
        return ZarrStore(folder, contents, is_writable=False)
    if _is_locked(store, folder):
        logger.warning("%s cannot be written to: it will only be read", store)
        return ZarrStore(folder, contents, is_writable=False)
    _make(store, contents)
    folder = require_set(store, contents)
    remove_stale_partials(store)
    return ZarrStore(folder, contents, is_writable=True)


def recorded_contents(path: str | PathLike[str]) -> list[StoreContents]:
    """Return what the sets of embeddings in a store are of, by the names of their sets.

    Parameters
    ----------
    path
        Folder of the store; where there is none, there are no sets.

    Raises
    ------
    StoreError, StoreFormatError
        See `open_store`.
    """
    store = _to_folder(path)
    return [] if read_image(store) is None else read_sets(store)


def _is_locked(store: Path, folder: Path) -> bool:
    """Return whether there is a store to read that cannot be written to."""
    if read_image(store) is None:
        return False
    return not (can_write(store) and (not folder.is_dir() or can_write(folder)))


def _make(store: Path, contents: StoreContents) -> None:
    """Make the groups of a store and of a set as far as they are missing.

    Other processes may do the same at this moment, and of these one may have another
    image.
    """
    try:
        publish(store / METADATA, group_document(store_attributes(contents.image)))
        require_image(store, contents.image)
        folder = find_set(store, contents)
        publish(folder / METADATA, group_document(contents.to_plain()))
    except StoreError:
        raise
    except OSError as error:
        raise StoreWriteError(
            f"cannot make a store of embeddings at {store}: "
            f"{error.strerror or error}; choose a place that you may write to, on a "
            "disk with space left"
        ) from error


def _to_folder(path: str | PathLike[str]) -> Path:
    if "://" in str(path):
        raise StoreError(
            f"the store {path} is a URL; embeddings are kept in folders only; choose a "
            "folder, or copy the store into one"
        )
    return Path(path).absolute()
