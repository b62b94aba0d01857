"""The latest embeddings, where the decoder needs them: on the compute device."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.types import TileKey


class EmbeddingCache:
    """Keeps embeddings that were asked for lately, within a number of bytes.

    Several threads may use it at once.

    Parameters
    ----------
    max_bytes
        What all tensors together may take; one that is larger alone is not kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._tensors: OrderedDict[TileKey, Tensor] = OrderedDict()
        self._nbytes = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tensors)

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors."""
        return self._nbytes

    def get(self, key: TileKey) -> Tensor | None:
        """Return the embedding of a tile, or None; do not write into it."""
        with self._lock:
            if key not in self._tensors:
                return None
            self._tensors.move_to_end(key)
            return self._tensors[key]

    def put(self, key: TileKey, embedding: Tensor) -> None:
        """Keep an embedding; those not asked for the longest go to make room."""
        with self._lock:
            self._drop(key)
            if embedding.nbytes > self.max_bytes:
                return
            self._tensors[key] = embedding
            self._nbytes += embedding.nbytes
            while self._nbytes > self.max_bytes:
                self._drop(next(iter(self._tensors)))

    def clear(self) -> None:
        """Forget all embeddings."""
        with self._lock:
            self._tensors.clear()
            self._nbytes = 0

    def _drop(self, key: TileKey) -> None:
        dropped = self._tensors.pop(key, None)
        if dropped is not None:
            self._nbytes -= dropped.nbytes
