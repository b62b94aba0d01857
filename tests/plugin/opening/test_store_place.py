from __future__ import annotations

import shutil
from pathlib import Path

from napari_sam.opening.store_place import LEAVING, clear_store, store_place
from tests.plugin.controllers.scene import open_session
from tilesam.store import recorded_contents


def test_a_folder_gets_a_store_of_the_name_of_the_image(tmp_path):
    assert store_place(tmp_path, "my cells") == tmp_path / "my cells.sam.zarr"
    assert store_place(tmp_path, "../a:b/c").parent == tmp_path
    assert store_place(tmp_path, "...").name == "image.sam.zarr"


def test_a_store_is_itself(tmp_path):
    assert store_place(Path("x/slide.sam.zarr"), "cells") == Path("x/slide.sam.zarr")
    (tmp_path / "zarr.json").touch()
    assert store_place(tmp_path, "cells") == tmp_path


def test_only_what_this_model_has_embedded_is_cleared(tmp_path):
    place = store_place(tmp_path, "cells")
    session = open_session(store=place)
    session.embed(session.grid.window(session.plan()[0]))
    stored = len(session.store.keys())
    # What the dock says of the size is near the truth.
    told = stored * session.store.contents.tile_nbytes
    assert told <= session.store.nbytes < told + stored * 100 + 20_000
    other = place / "other-0123456789abcdef"
    other.mkdir()

    clear_store(session.store)
    clear_store(session.store)

    assert session.store.keys() == set()
    assert other.is_dir()
    assert open_session(store=place).store.keys() == set()


def test_a_tile_that_another_program_writes_meanwhile_leaves_no_half(
    tmp_path, monkeypatch
):
    store = open_session(store=tmp_path / "cells.sam.zarr").store
    rmtree = shutil.rmtree

    def remove_late(folder, **options):
        if store.folder.exists():
            raise OSError(39, "Directory not empty")
        rmtree(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", remove_late)
    clear_store(store)
    assert not store.folder.exists()
    assert recorded_contents(store.path) == []
    assert not list(store.path.glob(f"{LEAVING}*"))


def test_what_a_killed_program_left_is_no_set_and_goes_next_time(tmp_path):
    store = open_session(store=tmp_path / "cells.sam.zarr").store
    shutil.copytree(store.folder, store.path / f"{LEAVING}0123abcd")
    assert recorded_contents(store.path) == [store.contents]
    clear_store(store)
    assert recorded_contents(store.path) == []
    assert not list(store.path.glob(f"{LEAVING}*"))
