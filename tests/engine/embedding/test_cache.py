from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from tilesam.embedding.cache import EmbeddingCache
from tilesam.types import TileKey

KEYS = [TileKey(0, 0, ix) for ix in range(6)]


def tensor(values: int) -> torch.Tensor:
    return torch.zeros(values, dtype=torch.uint8)


def test_the_tile_not_asked_for_longest_makes_room():
    cache = EmbeddingCache(30)
    for key in KEYS[:3]:
        cache.put(key, tensor(10))
    cache.get(KEYS[0])
    cache.put(KEYS[3], tensor(10))
    assert cache.get(KEYS[1]) is None
    assert all(cache.get(KEYS[n]) is not None for n in (0, 2, 3))


def test_a_tensor_larger_than_the_cache_drives_no_other_out():
    cache = EmbeddingCache(30)
    cache.put(KEYS[0], tensor(10))
    cache.put(KEYS[1], tensor(31))
    assert cache.get(KEYS[1]) is None
    assert cache.get(KEYS[0]) is not None


def test_clear_forgets_everything():
    cache = EmbeddingCache(30)
    cache.put(KEYS[0], tensor(10))
    cache.clear()
    assert (len(cache), cache.nbytes, cache.get(KEYS[0])) == (0, 0, None)


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 40))))
def test_bytes_are_those_of_what_is_kept_and_never_too_many(puts):
    cache = EmbeddingCache(50)
    for key, values in puts:
        latest = tensor(values)
        cache.put(key, latest)
        kept = [t for t in map(cache.get, KEYS) if t is not None]
        assert cache.nbytes == sum(t.nbytes for t in kept) <= 50
        assert len(cache) == len(kept)
        assert cache.get(key) is latest
