"""Files are changed by force: never may a wrong embedding be read."""

from __future__ import annotations

import logging
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilesam.errors import StoreWriteError
from tilesam.store import open_store
from tilesam.store.layout import chunk_path
from tilesam.testing.store_suite import CONTENTS, build_tile, is_same
from tilesam.types import TileKey

KEY, NEIGHBOUR = TileKey(0, 3, 5), TileKey(0, 3, 6)
ARRAYS = ("embeddings", "records")

reusing_the_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def store(store, monkeypatch):
    monkeypatch.setattr("tilesam.store.zarr_store.SECOND_LOOK_SECONDS", 0.0)
    store.write(KEY, build_tile(0))
    store.write(NEIGHBOUR, build_tile(1))
    return store


def file_of(store, array: str, key: TileKey = KEY) -> Path:
    return Path(chunk_path(store.folder, array, key))


def require_noticed(store, caplog) -> None:
    """The tile is gone, its neighbour is not, and writing mends it."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert store.read(KEY) is None
        assert store.read(KEY) is None
    assert len(caplog.records) == 1
    assert str(KEY) in caplog.text
    assert "damaged and will be embedded again" in caplog.text
    assert KEY not in store
    assert store.keys() == {NEIGHBOUR}
    assert is_same(store.read(NEIGHBOUR), build_tile(1))
    store.write(KEY, build_tile(2))
    assert KEY in store
    assert store.keys() == {KEY, NEIGHBOUR}
    assert is_same(store.read(KEY), build_tile(2))


@reusing_the_folder
@given(data=st.data(), array=st.sampled_from(ARRAYS))
def test_a_bit_that_flipped(store, caplog, data, array):
    path = file_of(store, array)
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    path.write_bytes(content)
    require_noticed(store, caplog)


@reusing_the_folder
@given(data=st.data(), array=st.sampled_from(ARRAYS))
def test_a_file_that_was_cut_short(store, caplog, data, array):
    path = file_of(store, array)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    require_noticed(store, caplog)


@reusing_the_folder
@given(content=st.binary(max_size=300), array=st.sampled_from(ARRAYS))
def test_a_file_of_anything(store, caplog, content, array):
    file_of(store, array).write_bytes(content)
    require_noticed(store, caplog)


@pytest.mark.parametrize("array", ARRAYS)
@pytest.mark.parametrize("excess", [b"\0", b"more", bytes(260)])
def test_a_file_that_grew(store, caplog, array, excess):
    path = file_of(store, array)
    path.write_bytes(path.read_bytes() + excess)
    require_noticed(store, caplog)


@pytest.mark.parametrize("array", ARRAYS)
def test_a_folder_in_place_of_a_file(store, caplog, array):
    path = file_of(store, array)
    path.unlink()
    path.mkdir()
    with caplog.at_level(logging.WARNING):
        assert store.read(KEY) is None
    with pytest.raises(StoreWriteError):
        store.write(KEY, build_tile(2))
    assert is_same(store.read(NEIGHBOUR), build_tile(1))


def test_an_embedding_without_a_record_was_never_finished(store, caplog):
    file_of(store, "records").unlink()
    assert KEY not in store
    assert store.keys() == {NEIGHBOUR}
    assert store.read(KEY) is None
    assert caplog.records == []


def test_a_record_without_an_embedding(store, caplog):
    file_of(store, "embeddings").unlink()
    assert store.keys() == {NEIGHBOUR}
    require_noticed(store, caplog)


@pytest.mark.parametrize("moved", [("embeddings",), ("records",), ARRAYS])
def test_files_of_another_tile(store, caplog, moved):
    for array in moved:
        shutil.copy(file_of(store, array, NEIGHBOUR), file_of(store, array))
    require_noticed(store, caplog)


@pytest.mark.parametrize("swapped", [("embeddings",), ("records",), ARRAYS])
def test_files_of_two_tiles_that_were_swapped(store, swapped):
    for array in swapped:
        first, second = file_of(store, array), file_of(store, array, NEIGHBOUR)
        aside = first.with_name("aside")
        first.rename(aside)
        second.rename(first)
        aside.rename(second)
    assert store.read(KEY) is None
    assert store.read(NEIGHBOUR) is None


@pytest.mark.parametrize("moved", [("embeddings",), ("records",), ARRAYS])
def test_files_of_another_model(store, caplog, moved):
    other = open_store(store.path, replace(CONTENTS, weights_sha256="0" * 64))
    other.write(KEY, build_tile(3))
    for array in moved:
        shutil.copy(file_of(other, array), file_of(store, array))
    require_noticed(store, caplog)


@pytest.mark.parametrize("stale", ARRAYS)
def test_an_old_file_beside_a_new_one(store, caplog, stale):
    # As a process leaves it that is killed while it replaces a tile.
    old = file_of(store, stale).read_bytes()
    store.write(KEY, build_tile(2))
    file_of(store, stale).write_bytes(old)
    require_noticed(store, caplog)


def test_the_same_embedding_of_other_pixels(store, caplog):
    # A blank embedding may stand for many tiles; its record is still another one.
    old = file_of(store, "records").read_bytes()
    same = replace(build_tile(0), pixels_hash=build_tile(9).pixels_hash)
    store.write(KEY, same)
    assert is_same(store.read(KEY), same)
    file_of(store, "records").write_bytes(old)
    assert is_same(store.read(KEY), build_tile(0))


def test_damage_is_told_again_after_it_was_mended(store, caplog):
    for _ in range(2):
        file_of(store, "embeddings").write_bytes(b"")
        require_noticed(store, caplog)


def test_damage_that_another_process_mends(store, caplog):
    file_of(store, "embeddings").write_bytes(b"")
    assert store.read(KEY) is None
    open_store(store.path, CONTENTS).write(KEY, build_tile(2))
    assert is_same(store.read(KEY), build_tile(2))
    assert KEY in store


@pytest.mark.parametrize("name", [*(f"{name}/zarr.json" for name in ARRAYS)])
@pytest.mark.parametrize("content", [None, b"", b'{"zarr_format": 3, ', b"[]", b"{}"])
def test_arrays_that_lost_their_description(store, caplog, name, content):
    path = store.folder / "level_0" / name
    good = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    again = open_store(store.path, CONTENTS)
    assert again.read(KEY) is None
    assert "damaged" in caplog.text
    again.write(TileKey(0, 0, 0), build_tile(4))
    assert path.read_bytes() == good
    for key, seed in [(KEY, 0), (NEIGHBOUR, 1), (TileKey(0, 0, 0), 4)]:
        assert is_same(again.read(key), build_tile(seed))


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(data=st.data(), array=st.sampled_from(ARRAYS))
def test_descriptions_that_were_changed_anywhere(store, data, array):
    path = store.folder / "level_0" / array / "zarr.json"
    good = path.read_bytes()
    content = bytearray(good)
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 127))
    path.write_bytes(content)
    again = open_store(store.path, CONTENTS)
    found = again.read(KEY)
    assert found is None or is_same(found, build_tile(0))
    again.write(KEY, build_tile(0))
    assert is_same(open_store(store.path, CONTENTS).read(KEY), build_tile(0))
    assert is_same(again.read(NEIGHBOUR), build_tile(1))
    path.write_bytes(good)


def test_arrays_of_another_shape_are_not_believed(store):
    path = store.folder / "level_0" / "embeddings" / "zarr.json"
    good = path.read_text()
    other = open_store(store.path, replace(CONTENTS, embedding_shape=(4, 8, 4)))
    other.write(KEY, replace(build_tile(0), embedding=build_embedding((4, 8, 4))))
    shutil.copy(other.folder / "level_0" / "embeddings" / "zarr.json", path)
    again = open_store(store.path, CONTENTS)
    assert again.read(KEY) is None
    again.write(NEIGHBOUR, build_tile(2))
    assert path.read_text() == good
    assert is_same(again.read(KEY), build_tile(0))


def build_embedding(shape):
    return build_tile(0).embedding.reshape(shape)


def test_a_store_that_vanished_is_not_made_anew(store):
    # It may have been a drive: what is written then goes to the disk under it.
    shutil.rmtree(store.path)
    assert store.read(KEY) is None
    assert store.keys() == set()
    with pytest.raises(StoreWriteError, match="has been moved or removed; open"):
        store.write(KEY, build_tile(0))
    assert not store.path.exists()


@pytest.mark.parametrize("seed", range(4))
def test_much_of_it_at_once(store, seed):
    rng = random.Random(seed)
    meant = {
        TileKey(1, iy, ix): build_tile(iy * 10 + ix + 5)
        for iy in range(4)
        for ix in range(4)
    }
    for key, tile in meant.items():
        store.write(key, tile)
    files = sorted((store.folder / "level_1").rglob("c.*"))
    for path in rng.sample(files, 12):
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= rng.randrange(1, 256)
        path.write_bytes(content[: rng.choice([None, rng.randrange(len(content))])])
    for key, tile in meant.items():
        found = store.read(key)
        assert found is None or is_same(found, tile)
        store.write(key, tile)
    assert all(is_same(store.read(key), tile) for key, tile in meant.items())
