"""Embeddings that are made when they are asked for: once, kept, and never stale."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from tilesam.embedding.job import EmbeddingJob
from tilesam.embedding.on_demand import TileEmbeddings
from tilesam.errors import StoreWriteError
from tilesam.image import open_image
from tilesam.opening import build_contents, open_embedding_store
from tilesam.store import MemoryStore, open_store
from tilesam.testing.models import tiny_random_model
from tilesam.tiling import Grid
from tilesam.types import TileKey

KEY = TileKey(0, 0, 0)
SIZE = 64


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (100, 120, 3), np.uint8)


@pytest.fixture
def model(monkeypatch):
    """Return a model that counts the windows it embeds, in `model.count`."""
    model = tiny_random_model(0, input_size=SIZE)
    original = model.embed
    model.count = 0

    def embed(windows):
        model.count += len(windows)
        return original(windows)

    monkeypatch.setattr(model, "embed", embed)
    return model


def embeddings_of(pixels, model, store=None, **options):
    source = open_image(pixels)
    store = store or MemoryStore(build_contents(source, model))
    grid = Grid(source.hw, model.input_size)
    return TileEmbeddings(EmbeddingJob(grid, source, store, model), **options)


def test_a_tile_is_embedded_once(pixels, model):
    embeddings = embeddings_of(pixels, model)
    first = embeddings.get(KEY)
    assert first.shape == (256, 4, 4)
    assert first.dtype == torch.float32
    assert embeddings.get(KEY) is first
    assert model.count == 1


def test_what_left_the_device_comes_back_from_the_store(pixels, model):
    embeddings = embeddings_of(pixels, model, cache_bytes=0)
    first = embeddings.get(KEY)
    assert torch.equal(embeddings.get(KEY), first)
    assert model.count == 1


def test_a_fresh_embedding_equals_a_stored_one(pixels, model, tmp_path):
    source = open_image(pixels)
    store = open_embedding_store(tmp_path / "store", source, model)
    fresh = embeddings_of(pixels, model, store).get(KEY)
    again = open_embedding_store(tmp_path / "store", source, model)
    assert torch.equal(embeddings_of(pixels, model, again).get(KEY), fresh)
    assert model.count == 1


def test_changed_pixels_are_seen_and_the_store_is_left_alone(pixels, model, caplog):
    old = embeddings_of(pixels, model)
    stale = old.get(KEY)
    changed = pixels.copy()
    changed[10, 10] ^= 255
    new = embeddings_of(changed, model, old.job.store)
    with caplog.at_level(logging.WARNING):
        fresh = new.get(KEY)
    assert not torch.equal(fresh, stale)
    assert "are not those that the store was made of" in caplog.text
    # The old image still finds what was made of it.
    count = model.count
    assert torch.equal(embeddings_of(pixels, model, old.job.store).get(KEY), stale)
    assert model.count == count


class FullDisk(MemoryStore):
    """A store that cannot be written to any more."""

    def write(self, key, tile):  # noqa: ARG002
        raise StoreWriteError("the disk is full; free 2 MB")


def test_a_full_disk_does_not_hold_back_the_answer(pixels, model, caplog):
    store = FullDisk(build_contents(open_image(pixels), model))
    embeddings = embeddings_of(pixels, model, store)
    with caplog.at_level(logging.WARNING):
        embeddings.get(KEY)
        embeddings.get(TileKey(0, 0, 1))
    assert caplog.text.count("the disk is full") == 1


def test_a_store_that_is_only_read_is_not_written_to(pixels, model, tmp_path):
    source = open_image(pixels)
    open_embedding_store(tmp_path / "store", source, model)
    store = open_store(
        tmp_path / "store", build_contents(source, model), read_only=True
    )
    embeddings_of(pixels, model, store).get(KEY)
    assert store.keys() == set()
