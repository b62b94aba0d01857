"""One tile: a pure function of its pixels, the model and what is asked."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.engine.embedding.scene import (
    CountingModel,
    StoreDelegate,
    build_scene,
    textured_image,
)
from tests.engine.everything.run_scene import (
    ASKED,
    RunScene,
    bits_of,
    build_run_scene,
    contents_of,
    some_masks,
    stored_masks,
)
from tilesam import TilingError
from tilesam.embedding.on_demand import TileEmbeddings
from tilesam.embedding.work import embed_tile
from tilesam.everything.decode import decode_tile
from tilesam.everything.mask_store import MemoryMaskStore
from tilesam.everything.work import (
    decode_read,
    read_tile,
    segment_tile,
    write_decoded,
)
from tilesam.store import hash_pixels
from tilesam.types import TileKey

KEY = TileKey(0, 3, 3)


@pytest.fixture
def scene():
    scene = build_run_scene()
    return scene.with_(model=CountingModel(scene.embedding.model))


def encoded(scene):
    return scene.embedding.model.calls["tiles"]


def test_the_masks_are_those_of_the_embedding_that_prompts_use(scene):
    result = segment_tile(KEY, scene.job())
    embedding = TileEmbeddings(build_run_scene().embedding.job()).get(KEY)
    expected = decode_tile(
        *(embedding, KEY, scene.embedding.grid, scene.embedding.model), ASKED
    )
    assert len(expected) > 3
    assert bits_of(scene.masks.read(KEY)) == bits_of(expected)
    window = scene.embedding.grid.window(KEY)
    pixels = scene.embedding.source.read_resampled(window, (64, 64))
    assert scene.masks.summary(KEY).pixels_hash == hash_pixels(pixels)
    assert (result.key, result.status) == (KEY, "decoded")
    assert (result.masks, result.embedded) == (len(expected), True)
    assert min(result.seconds_reading, result.seconds_encoding) > 0
    assert min(result.seconds_decoding, result.seconds_writing) > 0


def test_only_numbers_come_back(scene):
    result = segment_tile(KEY, scene.job())
    plain = {**asdict(result), "key": None, "status": None}
    assert all(
        value is None or isinstance(value, bool | int | float)
        for value in plain.values()
    )
    assert sys.getsizeof(result) < 1000


def test_a_new_embedding_is_kept_and_a_stored_one_is_used(scene):
    segment_tile(KEY, scene.job())
    assert KEY in scene.embedding.store
    again = scene.with_(masks=MemoryMaskStore(contents_of(scene.embedding)))
    result = segment_tile(KEY, again.job())
    assert (result.status, result.embedded) == ("decoded", False)
    assert encoded(scene) == 1
    assert stored_masks(again.masks) == stored_masks(scene.masks)


def test_masks_that_are_there_cost_only_a_look_at_the_pixels(scene):
    first = segment_tile(KEY, scene.job())

    class Unasked(StoreDelegate):
        def read(self, _):
            raise AssertionError("the embedding is not needed")

    unasked = scene.with_(store=Unasked(scene.embedding.store))
    result = segment_tile(KEY, unasked.job())
    assert (result.status, result.masks) == ("present", first.masks)
    assert encoded(scene) == 1


def changed(scene):
    """Return the scene with another image, and what a fresh run finds there."""
    other = build_run_scene(textured_image(seed=1))
    segment_tile(KEY, other.job())
    return scene.with_(source=other.embedding.source), stored_masks(other.masks)


def test_changed_pixels_are_decoded_again_and_leave_the_store_alone(scene):
    segment_tile(KEY, scene.job())
    before = scene.embedding.store.read(KEY).embedding
    other, expected = changed(scene)
    result = segment_tile(KEY, other.job())
    assert (result.status, result.is_changed) == ("decoded", True)
    assert stored_masks(scene.masks) == expected
    np.testing.assert_array_equal(scene.embedding.store.read(KEY).embedding, before)


def test_changed_pixels_replace_the_embedding_when_that_is_wanted(scene):
    segment_tile(KEY, scene.job())
    other, expected = changed(scene)
    segment_tile(KEY, other.job(replace_changed=True))
    assert stored_masks(scene.masks) == expected
    kept = scene.embedding.store.read(KEY)
    assert kept.pixels_hash == scene.masks.summary(KEY).pixels_hash


def test_a_store_that_is_only_read_is_not_written_to(scene):
    class ReadOnly(StoreDelegate):
        is_writable = False

        def write(self, *_):
            raise AssertionError("it is read-only")

    closed = scene.with_(store=ReadOnly(scene.embedding.store))
    assert segment_tile(KEY, closed.job()).embedded
    assert scene.masks.keys() == {KEY}


def test_background_is_left_out_only_when_asked_for():
    scene = build_run_scene(np.full((200, 150, 3), 245, np.uint8))
    result = segment_tile(KEY, scene.job(skip_background=True))
    assert (result.status, result.masks) == ("skipped", 0)
    assert scene.masks.keys() == scene.embedding.store.keys() == set()
    assert segment_tile(KEY, scene.job()).status == "decoded"
    assert segment_tile(KEY, scene.job(skip_background=True)).status == "present"


def test_what_another_process_found_meanwhile_stays(scene):
    job = scene.job()
    read = read_tile(KEY, job)
    segment_tile(KEY, job)
    result = write_decoded(decode_read(read, job), job)
    assert (result.status, result.masks) == ("present", len(scene.masks.read(KEY)))
    assert encoded(scene) == 1


def test_whoever_was_slower_says_so_and_goes_elsewhere(scene):
    job = scene.job()
    decoded = decode_read(read_tile(KEY, job), job)
    theirs = some_masks(KEY)
    scene.masks.write(KEY, theirs, decoded.read.pixels_hash)
    assert write_decoded(decoded, job).status == "present"
    assert scene.masks.read(KEY) is theirs


def test_there_is_no_tile_outside_of_the_lattice(scene):
    with pytest.raises(TilingError):
        segment_tile(TileKey(0, 99, 0), scene.job())


def test_the_number_of_threads_is_set_for_encoder_and_decoder(scene):
    seen, before = [], torch.get_num_threads()
    job = scene.job(torch_threads=before + 1)

    def look():
        seen.append(torch.get_num_threads())

    segment_tile(KEY, replace(job, before_batch=look))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_between_batches_of_points_others_have_their_turn(scene):
    turns = []
    settings = replace(ASKED, points_per_batch=4)
    hook = partial(turns.append, "turn")
    segment_tile(KEY, replace(scene.job(), settings=settings, before_batch=hook))
    assert len(turns) == 3  # for nine points


def test_a_tile_without_pixels_and_embedding_is_a_mistake(scene):
    read = replace(read_tile(KEY, scene.job()), pixels=None)
    with pytest.raises(ValueError, match="neither pixels nor an embedding"):
        decode_read(read, scene.job())


def test_the_settings_are_all_that_is_asked():
    """Another question finds other masks in the same embedding."""
    scene = build_scene()
    embed_tile(KEY, *scene.arguments)
    counts = []
    for side in (1, 2, 4):
        settings = replace(ASKED, points_per_side=side)
        masks = MemoryMaskStore(contents_of(scene, settings))
        segment_tile(KEY, RunScene(scene, masks, settings).job())
        counts.append(masks.read(KEY).asked)
    assert counts == [3, 12, 48]
