"""Fetching weights: checked, resumable, never half there, one process at a time."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import filelock
import httpx

from tilesam.errors import CheckpointError, DownloadError
from tilesam.model.checkpoints.explanations import explain, without_network
from tilesam.model.checkpoints.locations import (
    OFFLINE_VARIABLE,
    cache_folder,
    find_local,
    is_offline,
)
from tilesam.model.checkpoints.partial import discard
from tilesam.model.checkpoints.receipts import check_file, examine, write_receipt
from tilesam.model.checkpoints.transfer import (
    TIMEOUT,
    Request,
    TransferError,
    transfer,
)
from tilesam.writing import require_writable_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tilesam.model.checkpoints.registry import ModelEntry
    from tilesam.model.checkpoints.transfer import Progress

logger = logging.getLogger(__name__)

_ROOM_FOR_SURPRISE = 1.5
"""How much larger than estimated a file of unpublished size may be."""


def fetch(
    entry: ModelEntry,
    *,
    into: Path | None = None,
    progress: Progress | None = None,
    timeout: httpx.Timeout = TIMEOUT,
) -> Path:
    """Return the weights of a model as a checked file, downloading them if need be.

    Parameters
    ----------
    entry
        Which model; of an embedded one the packaged file is returned.
    into
        Folder to download to; None is the cache.
    progress
        Called with the bytes that are there and the total, None while unknown.
    timeout
        Seconds of silence after which the server is given up.

    Returns
    -------
    Path
        A complete file with the published digest.

    Raises
    ------
    DownloadError
        If it cannot be had; an interrupted download goes on at the next call.
    """
    if entry.url is None:
        return embedded_file(entry)
    target = (into or cache_folder()) / entry.file_name
    try:
        if _is_good(target, entry):
            return target
        _refuse_offline(entry)
        require_writable_folder(target.parent)
        with _only_here(target):
            # Another process may have fetched it while this one waited.
            if not _is_good(target, entry):
                _download(entry, target, timeout=timeout, progress=progress)
    except DownloadError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, TransferError, OSError) as error:
        raise DownloadError(explain(entry, error)) from error
    return target


def embedded_file(entry: ModelEntry) -> Path:
    """Return the packaged weights of an embedded model.

    Raises
    ------
    CheckpointError
        If this installation lacks them.
    """
    path = find_local(entry)
    if path is None:
        raise CheckpointError(
            f"the weights of {entry.name} are missing from this installation; expected "
            f"{entry.file_name} inside the package; install napari-sam-tiles again"
        )
    return path


def _is_good(path: Path, entry: ModelEntry) -> bool:
    """Return whether a file is there and is the published one; remember it if so."""
    if not path.is_file():
        return False
    try:
        check_file(path, entry, is_ours=True)
    except CheckpointError as error:
        logger.warning("%s; fetching it anew", error)
        return False
    return True


def _refuse_offline(entry: ModelEntry) -> None:
    if is_offline():
        raise DownloadError(
            f"{entry.name} is not on this machine and {OFFLINE_VARIABLE} forbids "
            f"downloads; unset it, or {without_network(entry)}"
        )


@contextmanager
def _only_here(target: Path) -> Iterator[None]:
    """Keep other processes from fetching the same file.

    The operating system frees the lock even if this process dies.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(target.with_name(f"{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        logger.warning("waiting for another process that fetches %s", target.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _download(
    entry: ModelEntry,
    target: Path,
    *,
    timeout: httpx.Timeout,
    progress: Progress | None,
) -> None:
    """Put the published file in place of `target`, or leave `target` as it was."""
    part = target.with_name(f"{target.name}.part")
    most = entry.size_bytes or int(entry.likely_bytes * _ROOM_FOR_SURPRISE)
    request = Request(str(entry.url), entry.size_bytes, most)
    was_begun = part.exists()
    logger.info("fetching %s from %s to %s", entry.name, entry.url, target)
    transfer(request, part, timeout=timeout, progress=progress)
    sha256, fault = examine(part, entry)
    if fault:
        discard(part)
        if not was_begun:
            raise TransferError(f"what arrived {fault}")
        # The bytes of the earlier attempt may have been the wrong ones.
        _download(entry, target, timeout=timeout, progress=progress)
        return
    part.replace(target)
    discard(part)
    _sync_folder(target.parent)
    write_receipt(target, entry, sha256)


def _sync_folder(folder: Path) -> None:
    """Make sure that a renamed file keeps its name through a power failure."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
