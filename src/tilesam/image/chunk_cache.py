"""Decoded chunks in memory, within a bound, each decoded once for all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

DEFAULT_CACHE_BYTES = 256 * 1024**2
"""Decoded bytes that one open image keeps unless told otherwise."""


class ChunkCache:
    """The chunks that were used last.

    Parameters
    ----------
    max_bytes
        Bound of what is kept, chunks that are being decoded included. The newest
        chunk stays even where it alone exceeds the bound: whoever asked holds it
        anyhow, and the next window will most likely need it too.
    """

    def __init__(self, max_bytes: int = DEFAULT_CACHE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        # The least recently used first.
        self._chunks: OrderedDict[Hashable, Future[NDArray[Any]]] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._nbytes = 0

    @property
    def nbytes(self) -> int:
        """Bytes that are kept now."""
        return self._nbytes

    def __contains__(self, key: Hashable) -> bool:
        """Return whether a chunk is there, or is being decoded."""
        return key in self._chunks

    def get(
        self, key: Hashable, nbytes: int, load: Callable[[], NDArray[Any]]
    ) -> NDArray[Any]:
        """Return a chunk; the first thread that asks for it decodes it.

        Parameters
        ----------
        key
            Name of the chunk.
        nbytes
            Its decoded size, for which room is made before it is decoded.
        load
            Reads and decodes it. What it raises reaches every thread that waits for
            this chunk; the next one to ask tries again.
        """
        with self._lock:
            chunk = self._chunks.get(key)
            is_new = chunk is None
            if chunk is None:
                self._make_room(nbytes)
                chunk = self._chunks[key] = Future()
                self._sizes[key] = nbytes
                self._nbytes += nbytes
            self._chunks.move_to_end(key)
        if is_new:
            self._fill(key, chunk, load)
        return chunk.result()

    def _fill(
        self,
        key: Hashable,
        chunk: Future[NDArray[Any]],
        load: Callable[[], NDArray[Any]],
    ) -> None:
        try:
            chunk.set_result(load())
        except BaseException as error:
            with self._lock:
                # Another thread may have dropped it and begun anew.
                if self._chunks.get(key) is chunk:
                    self._drop(key)
            chunk.set_exception(error)
            raise

    def _make_room(self, nbytes: int) -> None:
        while self._chunks and self._nbytes + nbytes > self.max_bytes:
            self._drop(next(iter(self._chunks)))

    def _drop(self, key: Hashable) -> None:
        del self._chunks[key]
        self._nbytes -= self._sizes.pop(key)
