"""A folder in which embeddings of all images are kept, as long as there is room.

A store that somebody uses has a file beside it that is locked until they are done, or
their program has ended in whatever way. When a store was used last is the time of its
folder, which is set anew when it is taken and when it is given back.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import filelock

from napari_sam.opening.store_place import LEAVING, SUFFIX, file_name_of
from tilesam.errors import StoreError, StoreWriteError
from tilesam.store.contents import image_to_plain
from tilesam.store.folder import read_image
from tilesam.store.layout import files_in
from tilesam.types import Window

if TYPE_CHECKING:
    from tilesam.image import ImageSource

_GATE = ".napari-sam.lock"
_IN_USE = ".in-use"
_SECONDS = 10.0
"""For which others hold the gate at most: they only look and rename."""

SAMPLES, SAMPLE_SIDE = 3, 16
"""Pixels of 3 x 3 squares tell images of the same name and size apart."""


class _Kept(NamedTuple):
    """A store in the cache."""

    used: float
    nbytes: int
    path: Path


def image_digest(source: ImageSource) -> str:
    """Return what tells an image from others of its name; reads nine small squares.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    """
    digest = hashlib.sha256(json.dumps(image_to_plain(source.identity)).encode())
    for window in _samples(source.hw):
        digest.update(source.read_window(window).tobytes())
    return digest.hexdigest()


def cached_store(folder: Path, image_name: str, digest: str) -> Path:
    """Return where in a cache the embeddings of an image lie; nothing is made.

    Parameters
    ----------
    folder
        Of the cache.
    image_name
        For people who look into the folder.
    digest
        See `image_digest`.
    """
    return folder / f"{file_name_of(image_name)}-{digest[:16]}{SUFFIX}"


class StoreHold:
    """Keeps a store in the cache while it is used; made by `hold_store`.

    Parameters
    ----------
    path
        Of the store.
    lock
        Acquired, and released by `release`.
    """

    def __init__(self, path: Path, lock: filelock.BaseFileLock) -> None:
        self.path = path
        self._lock = lock

    def release(self) -> None:
        """Let the store be removed when room is needed; again is no harm."""
        if self._lock.is_locked:
            _touch(self.path)
            self._lock.release()
            with suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)


def hold_store(path: Path) -> StoreHold:
    """Keep `trim_cache` of any program from removing a store, which may not exist yet.

    Raises
    ------
    StoreWriteError
        If the folder of the cache cannot be made or written to.
    """
    own = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_IN_USE}")
    lock = filelock.FileLock(own, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _gate(path.parent):
            lock.acquire(timeout=0)
            _touch(path)
    except OSError as error:  # filelock's Timeout is one
        raise StoreWriteError(
            f"embeddings cannot be kept in {path.parent}: {error.strerror or error}; "
            "choose another folder of the cache in napari's Preferences"
        ) from error
    return StoreHold(path, lock)


def trim_cache(
    folder: Path, max_bytes: int, keep: Collection[Path] = ()
) -> tuple[Path, ...]:
    """Remove whole stores, that of the longest disuse first, until the rest has room.

    Parameters
    ----------
    folder
        Of the cache. What is no store of embeddings in it is not touched.
    max_bytes
        Which all stores together may take. It is exceeded where those in use do so.
    keep
        Stores that stay, besides those that are held.

    Returns
    -------
    tuple of Path
        What was removed.

    Raises
    ------
    StoreWriteError
        If the folder cannot be written to.
    """
    if not folder.is_dir():
        return ()
    removed = []
    try:
        # Counted before others have to wait: there may be very many files.
        stores = sorted(_stores(folder))
        with _gate(folder):
            for store in _too_many(stores, max_bytes, set(keep)):
                # Out of the way at once, so that nobody takes what is half gone.
                with suppress(OSError):  # on Windows: a file that somebody reads
                    store.rename(folder / f"{LEAVING}{secrets.token_hex(8)}")
                    removed.append(store)
    except OSError as error:
        raise StoreWriteError(
            f"the cache {folder} cannot be trimmed: {error.strerror or error}; choose "
            "another folder in napari's Preferences"
        ) from error
    for leaving in folder.glob(f"{LEAVING}*"):
        shutil.rmtree(leaving, ignore_errors=True)
    return tuple(removed)


def _samples(hw: tuple[int, int]) -> Iterator[Window]:
    """Yield squares spread evenly over an image, smaller ones where it is small."""
    height, width = (min(SAMPLE_SIDE, side) for side in hw)
    for row in range(SAMPLES):
        for column in range(SAMPLES):
            y0 = (hw[0] - height) * row // (SAMPLES - 1)
            x0 = (hw[1] - width) * column // (SAMPLES - 1)
            yield Window(y0, x0, height, width)


def _too_many(
    stores: Sequence[_Kept], max_bytes: int, keep: set[Path]
) -> Iterator[Path]:
    nbytes = sum(store.nbytes for store in stores)
    for store in stores:
        if nbytes <= max_bytes:
            return
        if store.path not in keep and not _is_held(store.path):
            nbytes -= store.nbytes
            yield store.path


def _stores(folder: Path) -> Iterator[_Kept]:
    for path in folder.glob(f"*{SUFFIX}"):
        if path.is_symlink() or not _is_store(path):
            continue
        nbytes = sum(_size(file) for file in files_in(path))
        yield _Kept(path.stat().st_mtime, nbytes, path)


def _is_store(path: Path) -> bool:
    try:
        return read_image(path) is not None
    except StoreError:
        return False


def _is_held(store: Path) -> bool:
    """Return whether anybody uses a store; removes what a killed program left."""
    prefix = f"{store.name}."
    for file in store.parent.iterdir():
        is_sign = file.name.startswith(prefix) and file.name.endswith(_IN_USE)
        if is_sign and not _is_free(file):
            return True
    return False


def _is_free(file: Path) -> bool:
    lock = filelock.FileLock(file, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except OSError:
        return False
    lock.release()
    with suppress(OSError):
        file.unlink(missing_ok=True)
    return True


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """Let one program at a time take stores into use or out of the cache."""
    with filelock.FileLock(folder / _GATE, timeout=_SECONDS):
        yield


def _touch(store: Path) -> None:
    with suppress(OSError):
        now = time.time()
        os.utime(store, (now, now))


def _size(file: str) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - one call for each of many files
    except OSError:
        return 0
