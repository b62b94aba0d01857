from __future__ import annotations

import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from tilesam import errors
from tilesam.store import EmbeddingStore, StoreContents, open_store
from tilesam.testing.store_suite import (
    CONTENTS,
    GRID,
    EmbeddingStoreSuite,
    build_tile,
    is_same,
)
from tilesam.types import TileKey

KEY = TileKey(0, 3, 5)
FOLDER = f"tiny-{CONTENTS.digest}"


class TestZarrStore(EmbeddingStoreSuite):
    def build_store(self, folder: Path, contents: StoreContents) -> EmbeddingStore:
        return open_store(folder / "slide.sam.zarr", contents)


def names(folder: Path) -> set[str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in found}


def test_what_lies_on_the_disk(path, store):
    # Should this change, so does the version of the format.
    store.write(KEY, build_tile(0))
    store.write(TileKey(-1, 0, 12), build_tile(1))
    assert names(path) == {
        "zarr.json",
        f"{FOLDER}/zarr.json",
        f"{FOLDER}/level_0/zarr.json",
        f"{FOLDER}/level_0/embeddings/zarr.json",
        f"{FOLDER}/level_0/embeddings/c.3.5.0.0.0",
        f"{FOLDER}/level_0/records/zarr.json",
        f"{FOLDER}/level_0/records/c.3.5.0",
        f"{FOLDER}/level_-1/zarr.json",
        f"{FOLDER}/level_-1/embeddings/zarr.json",
        f"{FOLDER}/level_-1/embeddings/c.0.12.0.0.0",
        f"{FOLDER}/level_-1/records/zarr.json",
        f"{FOLDER}/level_-1/records/c.0.12.0",
    }


def test_an_embedding_lies_there_as_it_is_with_a_checksum(path, store):
    tile = build_tile(0)
    store.write(KEY, tile)
    content = (store.folder / "level_0/embeddings/c.3.5.0.0.0").read_bytes()
    assert content[:-4] == tile.embedding.tobytes()
    assert len(content) == CONTENTS.tile_nbytes + 4


def test_zarr_alone_can_read_all_of_it(path, store):
    tile = build_tile(0)
    store.write(KEY, tile)
    group = zarr.open_group(path, mode="r")
    assert group.attrs["format"] == "napari-sam-embeddings"
    assert group.attrs["version"] == 1
    assert group.attrs["image"]["hw"] == [300, 500]
    assert StoreContents.from_plain(dict(group[FOLDER].attrs)) == CONTENTS
    level = group[f"{FOLDER}/level_0"]
    embeddings, records = level["embeddings"], level["records"]
    assert embeddings.shape == (*GRID.shape(0), *CONTENTS.embedding_shape)
    assert embeddings.dtype == np.float16
    np.testing.assert_array_equal(embeddings[3, 5], tile.embedding)
    assert records[3, 5, :16].tobytes().hex() == tile.pixels_hash


def test_what_is_not_there_reads_as_no_number_in_zarr(path, store):
    store.write(KEY, build_tile(0))
    embeddings = zarr.open_array(store.folder / "level_0" / "embeddings", mode="r")
    assert np.isnan(embeddings[0, 0]).all()


def test_zarr_can_write_what_it_read(store):
    # Copying a store with zarr's own means leaves it valid.
    store.write(KEY, build_tile(0))
    for name in ("embeddings", "records"):
        array = zarr.open_array(store.folder / "level_0" / name, mode="r+")
        array[3, 5] = array[3, 5]
    assert is_same(store.read(KEY), build_tile(0))


def test_a_store_that_is_opened_again_holds_what_it_held(path, store):
    store.write(KEY, build_tile(0))
    again = open_store(path, CONTENTS)
    assert again.keys() == {KEY}
    assert is_same(again.read(KEY), build_tile(0))


def test_two_opened_at_once_see_each_others_tiles(path, store):
    other = open_store(path, CONTENTS)
    store.write(KEY, build_tile(0))
    assert KEY in other
    assert is_same(other.read(KEY), build_tile(0))
    other.write(KEY, build_tile(1))
    assert is_same(store.read(KEY), build_tile(1))


@pytest.mark.parametrize(
    "change",
    [
        {"weights_sha256": "0" * 64},
        {"normalization": {"limits": [[0.0, 1.0], [0.0, 1.0]]}},
        {"channels": (1, 0)},
        {"preprocessing_version": 2},
        {"embedding_shape": (8, 8, 8)},
    ],
)
def test_sets_live_side_by_side_and_are_never_mixed(path, store, change):
    store.write(KEY, build_tile(0))
    other_contents = replace(CONTENTS, **change)
    other = open_store(path, other_contents)
    assert other.keys() == set()
    assert other.read(KEY) is None
    tile = build_tile(1, other_contents)
    other.write(KEY, tile)
    assert is_same(open_store(path, other_contents).read(KEY), tile)
    assert is_same(open_store(path, CONTENTS).read(KEY), build_tile(0))


def test_weights_of_another_name_find_their_embeddings(path, store):
    store.write(KEY, build_tile(0))
    renamed = open_store(path, replace(CONTENTS, model_name="my copy"))
    assert is_same(renamed.read(KEY), build_tile(0))
    assert renamed.folder == store.folder


def test_a_small_image_has_one_tile(tmp_path):
    contents = replace(CONTENTS, image=replace(CONTENTS.image, hw=(20, 30)))
    store = open_store(tmp_path / "small", contents)
    store.write(TileKey(-1, 0, 0), build_tile(0))
    assert store.keys() == {TileKey(-1, 0, 0)}
    with pytest.raises(errors.TilingError):
        store.write(TileKey(0, 0, 0), build_tile(0))


def test_sizes_are_those_on_the_disk(path, store):
    store.write(KEY, build_tile(0))
    files = [found for found in store.folder.rglob("*") if found.is_file()]
    assert store.file_count() == len(files) == 6
    assert store.nbytes == sum(found.stat().st_size for found in files)


def test_it_travels_to_another_process(path, store):
    store.write(KEY, build_tile(0))
    copy = pickle.loads(pickle.dumps(store))
    assert copy.contents == CONTENTS
    assert is_same(copy.read(KEY), build_tile(0))
    copy.write(TileKey(0, 0, 0), build_tile(1))
    assert is_same(store.read(TileKey(0, 0, 0)), build_tile(1))


def test_it_does_not_travel_to_where_the_folder_is_not(path, store):
    pickled = pickle.dumps(store)
    shutil.rmtree(path)
    with pytest.raises(
        errors.StoreError, match=r"no store .* on this machine; .*share"
    ):
        pickle.loads(pickled)
    assert not path.exists()


def test_a_relative_path_is_meant_from_where_it_was_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = open_store("relative", CONTENTS)
    monkeypatch.chdir("/")
    store.write(KEY, build_tile(0))
    assert store.path == tmp_path / "relative"


def test_a_user_who_has_told_zarr_otherwise_gets_the_same_store(tmp_path):
    zeros = replace_embedding(np.zeros(CONTENTS.embedding_shape, np.float16))
    settings = {
        "array.order": "F",
        "array.write_empty_chunks": False,
        "default_zarr_format": 2,
    }
    with zarr.config.set(settings):
        store = open_store(tmp_path / "store", CONTENTS)
        for seed, tile in enumerate([zeros, build_tile(0)]):
            store.write(TileKey(0, 0, seed), tile)
            found = store.read(TileKey(0, 0, seed))
            assert is_same(found, tile)
            assert found.embedding.flags.c_contiguous
    plain = open_store(tmp_path / "plain", CONTENTS)
    for seed, tile in enumerate([zeros, build_tile(0)]):
        plain.write(TileKey(0, 0, seed), tile)
    for name in names(plain.path):
        assert (plain.path / name).read_bytes() == (store.path / name).read_bytes()


def replace_embedding(embedding):
    return replace(build_tile(0), embedding=embedding)


def test_importing_it_loads_neither_zarr_nor_torch():
    code = (
        "import sys, tilesam.store; "
        "sys.exit(bool({'zarr', 'torch', 'dask'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
