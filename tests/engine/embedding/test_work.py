from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.engine.embedding.scene import CountingModel, build_scene, textured_image
from tilesam import EmbeddingError, TilingError
from tilesam.embedding.job import ReadTile
from tilesam.embedding.work import (
    embed_tile,
    encode_tiles,
    read_again_if_stored,
    read_tile,
    write_tile,
)
from tilesam.store import StoredTile, hash_pixels
from tilesam.testing.models import tiny_random_model
from tilesam.types import TileKey

KEY = TileKey(0, 3, 3)


def pixels_of(scene, key=KEY):
    window = scene.grid.window(key)
    return scene.source.read_resampled(window, (window.height, window.width))


@pytest.fixture
def scene():
    scene = build_scene()
    return scene.with_(model=CountingModel(scene.model))


def test_the_store_holds_what_the_model_says_in_float16(scene):
    outcome = embed_tile(KEY, *scene.arguments)
    pixels = pixels_of(scene)
    stored = scene.store.read(KEY)
    expected = scene.model.inner.embed([pixels])[0].to(torch.float16).numpy()
    np.testing.assert_array_equal(stored.embedding, expected)
    assert stored.embedding.dtype == np.float16
    assert stored.pixels_hash == hash_pixels(pixels)
    assert (outcome.key, outcome.status) == (KEY, "embedded")
    assert outcome.nbytes == stored.embedding.nbytes
    assert min(outcome.seconds_reading, outcome.seconds_encoding) > 0


def test_a_tile_that_is_there_is_not_encoded_again(scene):
    embed_tile(KEY, *scene.arguments)
    outcome = embed_tile(KEY, *scene.arguments)
    assert (outcome.status, outcome.nbytes) == ("present", 0)
    assert scene.model.calls["tiles"] == 1


def test_changed_pixels_are_never_taken_for_those_stored(scene):
    embed_tile(KEY, *scene.arguments)
    before = scene.store.read(KEY).embedding
    changed = scene.with_(source=build_scene(textured_image(seed=1)).source)
    with pytest.raises(EmbeddingError, match="--replace-changed"):
        embed_tile(KEY, *changed.arguments)
    np.testing.assert_array_equal(scene.store.read(KEY).embedding, before)

    outcome = embed_tile(KEY, *changed.arguments, replace_changed=True)
    assert outcome.status == "embedded"
    assert scene.store.read(KEY).pixels_hash == hash_pixels(pixels_of(changed))


def test_background_is_left_out_only_when_asked_for():
    scene = build_scene(np.full((200, 150, 3), 245, np.uint8))
    assert embed_tile(KEY, *scene.arguments, skip_background=True).status == "skipped"
    assert KEY not in scene.store
    assert embed_tile(KEY, *scene.arguments).status == "embedded"
    # What is stored already is of use, background or not.
    assert embed_tile(KEY, *scene.arguments, skip_background=True).status == "present"


def test_a_tile_outside_of_the_lattice_is_refused(scene):
    with pytest.raises(TilingError):
        embed_tile(TileKey(0, 99, 0), *scene.arguments)


def test_numbers_that_float16_cannot_hold_are_an_error_and_not_stored(scene):
    class Overflowing(CountingModel):
        def embed(self, windows):
            return super().embed(windows) * 1e9

    broken = scene.with_(model=Overflowing(tiny_random_model(0)))
    with pytest.raises(EmbeddingError, match="dtype='float32'"):
        embed_tile(KEY, *broken.arguments)
    assert KEY not in scene.store


def test_a_batch_leaves_out_what_needs_no_encoding(scene):
    job = scene.job()
    keys = [TileKey(0, 0, 0), TileKey(0, 0, 3), TileKey(0, 3, 0)]
    embed_tile(keys[1], *scene.arguments)
    tiles = [read_tile(key, job) for key in keys]
    encoded, _ = encode_tiles(tiles, job)
    assert [one is None for one in encoded] == [False, True, False]
    assert scene.model.calls["tiles"] == 3
    for tile, one in zip(tiles, encoded, strict=True):
        write_tile(tile, one, 0.0, job)
    hashes = [scene.store.read(key).pixels_hash for key in keys]
    assert hashes == [hash_pixels(pixels_of(scene, key)) for key in keys]


def test_what_another_process_stored_meanwhile_stays(scene):
    job = scene.job()
    read = read_tile(KEY, job)
    encoded, seconds = encode_tiles([read], job)
    theirs = StoredTile(np.zeros_like(encoded[0].embedding), read.pixels_hash)
    scene.store.write(KEY, theirs)

    assert read_again_if_stored(read, job).status == "present"
    outcome = write_tile(read, encoded[0], seconds, job)
    assert (outcome.status, outcome.nbytes) == ("present", 0)
    assert outcome.seconds_encoding == seconds
    assert not scene.store.read(KEY).embedding.any()


def test_a_tile_that_nobody_stored_is_not_read_again(scene):
    read = read_tile(KEY, scene.job())
    assert read_again_if_stored(read, scene.job()) is read
    skipped = ReadTile(KEY, None, "0" * 32, "skipped", 0.0)
    assert read_again_if_stored(skipped, scene.job()) is skipped
