from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xxhash

from tilesam.store import StoredTile, hash_pixels
from tilesam.store.tile import build_record
from tilesam.testing.store_suite import CONTENTS, build_tile
from tilesam.types import TileKey

KEY = TileKey(1, 2, 3)

PIXELS = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)


def record(key=KEY, tile=None, contents=CONTENTS) -> bytes:
    return build_record(key, tile or build_tile(0), contents).tobytes()


def test_the_hash_is_that_of_shape_and_bytes():
    shape = b"".join(side.to_bytes(8, "little") for side in (4, 6, 3))
    expected = xxhash.xxh3_128(shape + PIXELS.tobytes()).hexdigest()
    assert hash_pixels(PIXELS) == expected
    assert len(expected) == 32


def test_the_hash_does_not_see_the_memory_layout():
    views = [np.asfortranarray(PIXELS), np.repeat(PIXELS, 2, axis=0)[::2]]
    assert {hash_pixels(view) for view in views} == {hash_pixels(PIXELS)}


def test_the_hash_sees_every_pixel_and_the_shape():
    hashes = {hash_pixels(PIXELS), hash_pixels(PIXELS.reshape(6, 4, 3))}
    for index in range(PIXELS.size):
        changed = PIXELS.copy()
        changed.flat[index] ^= 1
        hashes.add(hash_pixels(changed))
    assert len(hashes) == 2 + PIXELS.size


def test_a_record_begins_with_the_hash_of_the_pixels():
    assert record()[:16].hex() == build_tile(0).pixels_hash
    assert len(record()) == 32


@pytest.mark.parametrize(
    "other",
    [
        {"key": TileKey(0, 2, 3)},
        {"key": TileKey(1, 3, 2)},
        {"key": TileKey(1, 23, 3)},
        {"contents": replace(CONTENTS, weights_sha256="0" * 64)},
        {"tile": StoredTile(build_tile(0).embedding, build_tile(1).pixels_hash)},
        {"tile": StoredTile(build_tile(1).embedding, build_tile(0).pixels_hash)},
    ],
)
def test_a_record_vouches_for_one_embedding_at_one_place(other):
    assert record(**other)[16:] != record()[16:]


def test_a_record_sees_the_sign_of_zero():
    zeros = np.zeros(CONTENTS.embedding_shape, np.float16)
    tiles = [
        StoredTile(values, build_tile(0).pixels_hash) for values in (zeros, -zeros)
    ]
    assert record(tile=tiles[0]) != record(tile=tiles[1])
