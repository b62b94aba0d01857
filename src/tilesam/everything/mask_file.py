"""The masks of a tile as bytes that vouch for themselves."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xxhash

from tilesam.everything.mask_store import MaskSummary
from tilesam.everything.tile_masks import TileMasks

if TYPE_CHECKING:
    from tilesam.types import TileKey

HEADER = struct.Struct("<16s16sQ")
"""A seal over all that follows and the place, the hash of the pixels, the count."""

SEAL_BYTES = 16
UNREADABLE = (
    *(ValueError, TypeError, KeyError, EOFError, OSError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What NumPy raises for a file that is not what it should be."""


class DamagedMasksError(ValueError):
    """The bytes are not those that were written for this tile."""


class OpenedMasks(NamedTuple):
    """Bytes whose seal was checked.

    Parameters
    ----------
    summary
        What they say about themselves.
    payload
        The masks, still compressed.
    """

    summary: MaskSummary
    payload: bytes

    def unpack(self) -> TileMasks:
        """Return the masks.

        Raises
        ------
        DamagedMasksError
            If they are not what this version writes.
        """
        try:
            with np.load(io.BytesIO(self.payload), allow_pickle=False) as arrays:
                return TileMasks.from_arrays(arrays)
        except UNREADABLE as error:
            raise DamagedMasksError(f"they cannot be read: {error}") from error


def pack_masks(
    key: TileKey, masks: TileMasks, pixels_hash: str, contents_digest: str
) -> bytes:
    """Return masks of a tile as bytes.

    Parameters
    ----------
    key
        The tile.
    masks
        What was found there.
    pixels_hash
        Of the pixels that were segmented.
    contents_digest
        Of the set that the tile is part of.
    """
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **masks.to_arrays())
    rest = HEADER.pack(b"", bytes.fromhex(pixels_hash), len(masks))[SEAL_BYTES:]
    rest += buffer.getvalue()
    return _seal(rest, key, contents_digest) + rest


def open_masks(content: bytes, key: TileKey, contents_digest: str) -> OpenedMasks:
    """Return what `pack_masks` packed, not yet unpacked.

    Raises
    ------
    DamagedMasksError
        If the bytes are others, or of another tile or set.
    """
    rest = content[SEAL_BYTES:]
    if content[:SEAL_BYTES] != _seal(rest, key, contents_digest):
        raise DamagedMasksError("the checksum does not fit")
    _, pixels_hash, count = HEADER.unpack_from(content)
    return OpenedMasks(MaskSummary(pixels_hash.hex(), count), content[HEADER.size :])


def _seal(rest: bytes, key: TileKey, contents_digest: str) -> bytes:
    place = f"{contents_digest}/{key.level}/{key.iy}/{key.ix}/"
    seal = xxhash.xxh3_128(place.encode())
    seal.update(rest)
    return seal.digest()
