from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tilesam.store import EmbeddingStore, MemoryStore, StoreContents
from tilesam.testing.store_suite import (
    CONTENTS,
    EmbeddingStoreSuite,
    build_tile,
    is_same,
)
from tilesam.types import TileKey

KEYS = [TileKey(0, 0, ix) for ix in range(4)]


class TestMemoryStore(EmbeddingStoreSuite):
    def build_store(self, _folder: Path, contents: StoreContents) -> EmbeddingStore:
        return MemoryStore(contents)


class TestBoundedMemoryStore(EmbeddingStoreSuite):
    def build_store(self, _folder: Path, contents: StoreContents) -> EmbeddingStore:
        return MemoryStore(contents, max_bytes=100 * contents.tile_nbytes)


def test_what_was_not_asked_for_longest_goes_first():
    store = MemoryStore(CONTENTS, max_bytes=3 * CONTENTS.tile_nbytes)
    for seed, key in enumerate(KEYS[:3]):
        store.write(key, build_tile(seed))
    store.read(KEYS[0])
    store.write(KEYS[3], build_tile(3))
    assert store.keys() == {KEYS[0], KEYS[2], KEYS[3]}
    assert is_same(store.read(KEYS[0]), build_tile(0))
    assert store.read(KEYS[1]) is None


def test_writing_a_tile_again_is_asking_for_it():
    store = MemoryStore(CONTENTS, max_bytes=2 * CONTENTS.tile_nbytes)
    for key in (KEYS[0], KEYS[1], KEYS[0], KEYS[2]):
        store.write(key, build_tile(0))
    assert store.keys() == {KEYS[0], KEYS[2]}


def test_to_look_whether_a_tile_is_there_is_not():
    store = MemoryStore(CONTENTS, max_bytes=2 * CONTENTS.tile_nbytes)
    store.write(KEYS[0], build_tile(0))
    store.write(KEYS[1], build_tile(1))
    assert KEYS[0] in store
    store.write(KEYS[2], build_tile(2))
    assert store.keys() == {KEYS[1], KEYS[2]}


@pytest.mark.parametrize("tiles", [0, 1, 2.9])
def test_it_never_takes_more_than_allowed(tiles):
    bound = int(tiles * CONTENTS.tile_nbytes)
    store = MemoryStore(CONTENTS, max_bytes=bound)
    for key in KEYS:
        store.write(key, build_tile(0))
        assert store.nbytes <= bound
    assert len(store.keys()) == int(tiles)


def test_it_cannot_be_sent_to_where_its_tiles_would_be_lost():
    with pytest.raises(TypeError, match=r"stays in its process; .*open_store"):
        pickle.dumps(MemoryStore(CONTENTS))
