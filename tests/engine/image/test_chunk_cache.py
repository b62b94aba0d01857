from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.image.chunk_cache import ChunkCache


def chunk(size):
    return lambda: np.zeros(size, np.uint8)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=50))
def test_the_bound_holds_whatever_is_asked_for(requests):
    cache, sizes = ChunkCache(100), {}
    for key, size in requests:
        size = sizes.setdefault(key, size)
        assert cache.get(key, size, chunk(size)).size == size
        assert key in cache
        assert cache.nbytes == sum(n for k, n in sizes.items() if k in cache) <= 100


def test_what_was_used_last_stays():
    cache = ChunkCache(30)
    for key in "abca":
        cache.get(key, 10, chunk(10))
    cache.get("d", 10, chunk(10))
    assert [key for key in "abcd" if key in cache] == ["a", "c", "d"]


def test_a_chunk_beyond_the_bound_stays_until_the_next():
    cache = ChunkCache(30)
    cache.get("a", 10, chunk(10))
    cache.get("large", 100, chunk(100))
    assert "large" in cache
    assert "a" not in cache
    cache.get("b", 10, chunk(10))
    assert ("large" in cache, cache.nbytes) == (False, 10)


def test_room_is_made_before_a_chunk_is_decoded():
    cache = ChunkCache(30)
    cache.get("a", 20, chunk(20))
    cache.get("b", 20, lambda: np.full(1, "a" in cache))
    assert not cache.get("b", 20, chunk(20)).any()


def test_two_threads_that_ask_for_one_chunk_decode_it_once():
    cache, calls, both = ChunkCache(), [], threading.Barrier(8)

    def load():
        calls.append(threading.get_ident())
        return np.arange(3)

    def ask(_):
        both.wait()
        return cache.get("a", 24, load)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len(calls) == 1
    assert all(answer is answers[0] for answer in answers)


def test_a_failure_is_not_kept():
    cache = ChunkCache()

    def fail():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        cache.get("a", 10, fail)
    assert ("a" in cache, cache.nbytes) == (False, 0)
    assert cache.get("a", 10, chunk(10)).size == 10


def test_a_failure_reaches_those_who_wait_for_the_chunk():
    cache, begun, may_fail = ChunkCache(), threading.Event(), threading.Event()

    def fail():
        begun.set()
        may_fail.wait()
        raise OSError("no")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get, "a", 10, fail)
        begun.wait()
        second = pool.submit(cache.get, "a", 10, chunk(10))
        while not second.running():
            pass
        may_fail.set()
        assert isinstance(first.exception(), OSError)
        # It may have come too late to share the failure, and have read for itself.
        assert second.exception() is None or isinstance(second.exception(), OSError)
