"""One embedding, and what ties it to the pixels and the place it was made from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import xxhash
from numpy.typing import NDArray

from tilesam.errors import StoreError

if TYPE_CHECKING:
    from tilesam.store.contents import StoreContents
    from tilesam.types import TileKey, UInt8Array

Float16Array: TypeAlias = NDArray[np.float16]

HASH_BYTES = 16
RECORD_BYTES = 2 * HASH_BYTES

_LITTLE_ENDIAN = np.dtype("<f2")
_HASH = re.compile(f"[0-9a-f]{{{2 * HASH_BYTES}}}")


@dataclass(frozen=True, eq=False)
class StoredTile:
    """The embedding of a tile and the hash of the pixels that were embedded.

    Parameters
    ----------
    embedding
        (D, h, w) float16.
    pixels_hash
        What `hash_pixels` gave for the model's view of the tile.
    """

    embedding: Float16Array
    pixels_hash: str


def hash_pixels(pixels: UInt8Array) -> str:
    """Return the hash of pixels and their shape, 32 hexadecimal digits.

    Two windows of a slide share it if and only if they look the same to the model.

    Parameters
    ----------
    pixels
        (h, w, 3) uint8, of any memory layout.
    """
    digest = xxhash.xxh3_128(np.array(pixels.shape, "<i8").tobytes())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def build_record(key: TileKey, tile: StoredTile, contents: StoreContents) -> UInt8Array:
    """Return what is kept beside an embedding so that it is never taken for another.

    Parameters
    ----------
    key, contents
        Where the embedding belongs.
    tile
        One that `require_fitting` lets pass.

    Returns
    -------
    UInt8Array
        (32,): 16 bytes of the pixels' hash, 16 bytes of a hash over that, the key, the
        digest of the contents and the embedding's bytes.

    Notes
    -----
    Embedding and record are two files. Whatever becomes of either (an old one beside a
    new one after a kill, a file copied to the place of another) the second hash no
    longer holds, and the tile counts as not there.
    """
    pixels_hash = bytes.fromhex(tile.pixels_hash)
    place = f"{contents.digest}/{key.level}/{key.iy}/{key.ix}/"
    seal = xxhash.xxh3_128(place.encode())
    seal.update(pixels_hash)
    seal.update(np.ascontiguousarray(tile.embedding, _LITTLE_ENDIAN).data)
    return np.frombuffer(pixels_hash + seal.digest(), np.uint8)


def require_fitting(tile: StoredTile, contents: StoreContents) -> None:
    """Make sure that a tile can be part of a set.

    Raises
    ------
    StoreError
        If its embedding has another shape or type, or its hash is none.
    """
    shape, dtype = tuple(tile.embedding.shape), np.dtype(tile.embedding.dtype)
    if shape != tuple(contents.embedding_shape) or dtype != np.dtype(np.float16):
        raise StoreError(
            f"the embedding has shape {shape} and type {dtype}; the store takes "
            f"{tuple(contents.embedding_shape)} of float16; convert it, or open the "
            "store for the model that made it"
        )
    if not _HASH.fullmatch(tile.pixels_hash):
        raise StoreError(
            f"the hash of the pixels is {tile.pixels_hash!r}; expected "
            f"{2 * HASH_BYTES} hexadecimal digits as hash_pixels gives them"
        )
