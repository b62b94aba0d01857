"""Where embeddings of an image are kept, and taking them away again."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

from tilesam.errors import StoreWriteError
from tilesam.store import EmbeddingStore, ZarrStore

SUFFIX = ".sam.zarr"
LEAVING = ".napari-sam-leaving-"
"""How names of folders begin that are being removed."""

_UNSAFE = re.compile(r"[^\w .-]+")
_LONGEST = 80


def store_place(folder: Path, image_name: str) -> Path:
    """Return the folder of the store that somebody means by choosing a folder.

    Parameters
    ----------
    folder
        A store, a folder with the name of one, or any folder to have one in it.
    image_name
        Of the layer, for the name of a new store.
    """
    if folder.name.endswith(".zarr") or (folder / "zarr.json").exists():
        return folder
    return folder / f"{file_name_of(image_name)}{SUFFIX}"


def file_name_of(image_name: str) -> str:
    """Return a name for files, on any system, that reminds of the name of a layer."""
    name = _UNSAFE.sub("-", image_name)[:_LONGEST]
    return name.strip(" .-") or "image"


def copy_tiles(source: EmbeddingStore, target: EmbeddingStore) -> None:
    """Write what one store of the same contents has and another one lacks.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    if not target.is_writable:
        return
    for key in sorted(source.keys() - target.keys()):
        tile = source.read(key)
        if tile is not None:
            target.write(key, tile)


def clear_store(store: EmbeddingStore) -> None:
    """Remove all embeddings of one image and model; those of others stay.

    What is only in memory goes with the session that has it.

    Raises
    ------
    StoreWriteError
        If they cannot be removed.
    """
    if not isinstance(store, ZarrStore):
        return
    try:
        # Out of the way at once: of what is removed bit by bit others would find a
        # half, or write into it meanwhile.
        store.folder.rename(store.path / f"{LEAVING}{secrets.token_hex(4)}")
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreWriteError(
            f"{store.folder} cannot be removed: {error.strerror or error}; close other "
            "programs that use it, or remove it by hand"
        ) from error
    # This one, and what killed processes left.
    for leaving in store.path.glob(f"{LEAVING}*"):
        shutil.rmtree(leaving, ignore_errors=True)
