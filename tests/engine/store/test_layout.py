from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.store.layout import chunk_path, set_name, stored_keys, subfolders
from tilesam.testing.store_suite import CONTENTS
from tilesam.types import TileKey


@given(name=st.text() | st.sampled_from(["..", "../../x", "__", ".", "a/b", "C:\\x"]))
def test_a_model_of_any_name_has_a_folder_inside_of_the_store(name):
    folder = set_name(replace(CONTENTS, model_name=name))
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*-[0-9a-f]{16}", folder)
    assert len(folder) < 100


@pytest.mark.parametrize(
    ("name", "readable"),
    [("tiny", "tiny"), ("vit_b.pth", "vit_b.pth"), ("/a b/c", "a-b-c"), ("é", "model")],
)
def test_people_recognise_the_model(name, readable):
    folder = set_name(replace(CONTENTS, model_name=name))
    assert folder == f"{readable}-{CONTENTS.digest}"


def test_a_tile_is_known_by_its_two_files(tmp_path):
    def touch(array: str, key: TileKey) -> None:
        path = Path(chunk_path(tmp_path, array, key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    whole, other = TileKey(-1, 0, 12), TileKey(-1, 3, 0)
    for key in (whole, other):
        touch("embeddings", key)
        touch("records", key)
    touch("embeddings", TileKey(-1, 1, 1))
    touch("records", TileKey(-1, 2, 2))
    folder = tmp_path / "level_-1"
    for name in ("zarr.json", "c.9.9.0f.partial", "c.9.9", "c.-9.9.0", "c.9.9.1"):
        (folder / "records" / name).touch()
    for name in ("zarr.json", "c.9.9.0.0.0f.partial", "c.9.9.0", "c.9.9.0.0.1"):
        (folder / "embeddings" / name).touch()
    assert stored_keys(-1, folder) == {whole, other}
    assert stored_keys(0, tmp_path / "level_0") == set()


def test_what_another_process_clears_meanwhile_holds_nothing(
    tmp_path, removed_meanwhile
):
    (tmp_path / "set" / "level_0" / "records").mkdir(parents=True)
    removed_meanwhile(tmp_path / "set")
    assert subfolders(tmp_path / "set") == []
    assert (tmp_path / "taken away" / "level_0").is_dir()


def test_a_level_that_another_process_clears_meanwhile_has_no_tiles(
    tmp_path, removed_meanwhile
):
    for array in ("embeddings", "records"):
        path = Path(chunk_path(tmp_path, array, TileKey(0, 0, 0)))
        path.parent.mkdir(parents=True)
        path.touch()
    removed_meanwhile(tmp_path / "level_0")
    assert stored_keys(0, tmp_path / "level_0") == set()
    assert (tmp_path / "taken away" / "records").is_dir()
