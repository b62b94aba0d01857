"""The disk is full: said clearly, nothing left half written, nothing lost."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
from zarr.storage import LocalStore

from tilesam.errors import StoreWriteError
from tilesam.store import open_store
from tilesam.testing.store_suite import CONTENTS, build_tile, is_same
from tilesam.types import TileKey

KEPT, KEY = TileKey(0, 0, 0), TileKey(0, 3, 5)


def files_of(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_disk_for(monkeypatch, array: str) -> None:
    put = LocalStore.set

    async def set_or_fail(self, key, value):
        if str(self.root).endswith(array):
            no_space()
        await put(self, key, value)

    monkeypatch.setattr(LocalStore, "set", set_or_fail)


@pytest.fixture
def store(store):
    store.write(KEPT, build_tile(0))
    return store


@pytest.mark.parametrize("array", ["embeddings", "records"])
def test_a_tile_that_finds_no_room(store, monkeypatch, array):
    before = files_of(store.path)
    with monkeypatch.context() as patch:
        fill_disk_for(patch, array)
        with pytest.raises(StoreWriteError) as caught:
            store.write(KEY, build_tile(1))
    assert "No space left on device; a tile takes 0.2 KiB; free" in str(caught.value)
    assert str(KEY) in str(caught.value)
    assert files_of(store.path) == before
    assert store.keys() == {KEPT}
    assert is_same(store.read(KEPT), build_tile(0))
    store.write(KEY, build_tile(1))
    assert is_same(store.read(KEY), build_tile(1))


@pytest.mark.parametrize("array", ["embeddings", "records"])
def test_a_tile_that_is_to_be_replaced_but_finds_no_room(store, monkeypatch, array):
    with monkeypatch.context() as patch:
        fill_disk_for(patch, array)
        with pytest.raises(StoreWriteError):
            store.write(KEPT, build_tile(1))
    found = store.read(KEPT)
    assert found is None or is_same(found, build_tile(0))
    store.write(KEPT, build_tile(1))
    assert is_same(store.read(KEPT), build_tile(1))


def test_a_level_that_finds_no_room(store, monkeypatch):
    key = TileKey(1, 0, 0)
    before = files_of(store.path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(StoreWriteError, match="No space left"):
            store.write(key, build_tile(1))
    assert files_of(store.path) == before
    store.write(key, build_tile(1))
    assert is_same(store.read(key), build_tile(1))
    assert is_same(store.read(KEPT), build_tile(0))


def test_a_store_that_finds_no_room(path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(
            StoreWriteError, match=r"cannot make a store .*No space left"
        ):
            open_store(path, CONTENTS)
    assert files_of(path) == {}
    assert open_store(path, CONTENTS).is_writable


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on file sizes")
def test_the_system_stops_in_the_middle_of_a_file(store):
    # No disk is full here, but the system really refuses to write on.
    import resource

    before = files_of(store.path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CONTENTS.tile_nbytes // 2, hard))
    try:
        with pytest.raises(StoreWriteError, match="File too large; a tile takes"):
            store.write(KEY, build_tile(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files_of(store.path) == before
    assert is_same(store.read(KEPT), build_tile(0))
