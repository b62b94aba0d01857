"""The embedding of a tile: on the device, in the store, or not yet made.

A stored embedding is used once its pixels were compared with the image's, by their
hash. All embeddings pass through float16, so that a fresh one answers as a stored one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch

from tilesam.embedding.cache import EmbeddingCache
from tilesam.embedding.work import encode_pixels, look_up
from tilesam.errors import StoreWriteError
from tilesam.store import StoredTile

if TYPE_CHECKING:
    from torch import Tensor

    from tilesam.embedding.job import EmbeddingJob
    from tilesam.types import TileKey

logger = logging.getLogger(__name__)

DEFAULT_CACHE_BYTES = 256 * 1024**2
"""On the compute device: 64 embeddings of a 1024-pixel input in float32."""


class TileEmbeddings:
    """Embeddings of the tiles of one image, made when they are asked for first.

    Parameters
    ----------
    job
        The image, its lattice, the model and the store.
    cache_bytes
        How much the latest may take on the compute device.

    Attributes
    ----------
    embedded_count
        How many tiles were encoded so far.
    """

    def __init__(
        self, job: EmbeddingJob, *, cache_bytes: int = DEFAULT_CACHE_BYTES
    ) -> None:
        self.job = job
        self.cache = EmbeddingCache(cache_bytes)
        self.embedded_count = 0
        self._has_warned_of_writing = False

    def get(self, key: TileKey) -> Tensor:
        """Return the (256, g, g) float32 embedding of a tile, on the model's device.

        Raises
        ------
        TilingError
            If there is no such tile.
        ImageReadError
            If the image cannot be read there.
        EmbeddingError
            If float16 cannot hold the embedding.
        DeviceError
            If the device has not enough memory.
        """
        cached = self.cache.get(key)
        if cached is None:
            cached = to_tensor(self._stored_or_new(key), self.job)
            self.cache.put(key, cached)
        return cached

    def _stored_or_new(self, key: TileKey) -> StoredTile:
        found = look_up(key, self.job)
        if found.stored is not None and found.is_valid:
            return found.stored
        new = StoredTile(encode_pixels([found.pixels], self.job)[0], found.pixels_hash)
        self.embedded_count += 1
        if found.stored is None:
            self._write(key, new)
        else:
            # Not overwritten: the store may be right and the image the wrong one.
            logger.warning(
                "the pixels of %s are not those that the store was made of; the tile "
                "was embedded again for this session, and the store left as it is",
                key,
            )
        return new

    def _write(self, key: TileKey, tile: StoredTile) -> None:
        if not self.job.store.is_writable:
            return
        try:
            self.job.store.write(key, tile)
        except StoreWriteError as error:
            # The answer does not depend on it, so it is not held back.
            if not self._has_warned_of_writing:
                self._has_warned_of_writing = True
                logger.warning("embeddings of this session are not kept: %s", error)


def to_tensor(tile: StoredTile, job: EmbeddingJob) -> Tensor:
    """Return a stored embedding as the decoder takes it: float32, on the device."""
    full = torch.from_numpy(tile.embedding.astype(np.float32))
    return full.to(job.model.device)
