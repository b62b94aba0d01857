"""Masks of tiles: there as a whole or not at all, and never taken for others."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.everything.run_scene import ASKED, bits_of, some_masks
from tilesam.errors import (
    EverythingError,
    OutputError,
    StoreError,
    StoreWriteError,
    TilingError,
)
from tilesam.everything.mask_file import DamagedMasksError, open_masks, pack_masks
from tilesam.everything.mask_place import open_mask_folder, require_mask_place
from tilesam.everything.mask_store import MaskStoreContents, MemoryMaskStore
from tilesam.everything.settings import DecodeSettings
from tilesam.testing.store_suite import CONTENTS
from tilesam.types import ImageIdentity, TileKey

KEY, NEIGHBOUR = TileKey(0, 3, 6), TileKey(0, 3, 3)
HASH, OTHER_HASH = "0123456789abcdef" * 2, "f" * 32
OF_MASKS = MaskStoreContents(CONTENTS, ASKED)

reusing_the_folder = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def open_folder(tmp_path, **options):
    return open_mask_folder(tmp_path / "work", OF_MASKS, **options)


@pytest.fixture(params=["memory", "folder"])
def store(request, tmp_path):
    if request.param == "memory":
        return MemoryMaskStore(OF_MASKS)
    return open_folder(tmp_path)


@pytest.fixture
def folder_store(tmp_path):
    store = open_folder(tmp_path)
    store.write(KEY, some_masks(KEY), HASH)
    store.write(NEIGHBOUR, some_masks(NEIGHBOUR, seed=1), HASH)
    return store


def file_of(store, key=KEY):
    return store.folder / f"level_{key.level}" / f"{key.iy}.{key.ix}.masks"


def names_in(folder):
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("count", [0, 1, 40])
def test_what_was_written_is_read(store, count):
    masks = some_masks(KEY, count=count)
    store.write(KEY, masks, HASH)
    assert bits_of(store.read(KEY)) == bits_of(masks)
    assert store.read(KEY).tile == KEY
    summary = store.summary(KEY)
    assert (summary.pixels_hash, summary.count) == (HASH, count)
    assert store.keys() == {KEY}


def test_what_is_not_there_is_none(store):
    assert store.keys() == set()
    assert store.read(KEY) is None
    assert store.summary(KEY) is None


def test_a_tile_is_replaced_as_a_whole(store):
    store.write(KEY, some_masks(KEY), HASH)
    store.write(KEY, some_masks(KEY, seed=2, count=3), OTHER_HASH)
    assert bits_of(store.read(KEY)) == bits_of(some_masks(KEY, seed=2, count=3))
    assert store.summary(KEY).pixels_hash == OTHER_HASH


def test_masks_in_memory_do_not_travel():
    with pytest.raises(TypeError, match="work="):
        pickle.dumps(MemoryMaskStore(OF_MASKS))


def test_a_folder_is_opened_again_and_travels_by_its_path(folder_store, tmp_path):
    for again in (open_folder(tmp_path), pickle.loads(pickle.dumps(folder_store))):
        assert again.keys() == {KEY, NEIGHBOUR}
        assert bits_of(again.read(KEY)) == bits_of(some_masks(KEY))
    packed = pickle.dumps(folder_store)
    shutil.rmtree(folder_store.folder)
    with pytest.raises(StoreError, match="a file system that they share"):
        pickle.loads(packed)


def require_noticed(store, caplog):
    """The tile is gone, its neighbour is not, and writing mends it."""
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        assert store.summary(KEY) is None
        assert store.read(KEY) is None
    assert len(caplog.records) == 1
    assert "damaged and will be made again" in caplog.text
    assert store.keys() == {NEIGHBOUR}
    store.write(KEY, some_masks(KEY), HASH)
    assert store.keys() == {KEY, NEIGHBOUR}
    assert bits_of(store.read(KEY)) == bits_of(some_masks(KEY))


@reusing_the_folder
@given(data=st.data())
def test_a_bit_that_flipped(folder_store, caplog, data):
    content = bytearray(file_of(folder_store).read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(
        st.integers(1, 255)
    )
    file_of(folder_store).write_bytes(content)
    require_noticed(folder_store, caplog)


@reusing_the_folder
@given(data=st.data())
def test_a_file_that_was_cut_short_or_grew(folder_store, caplog, data):
    content = file_of(folder_store).read_bytes()
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    file_of(folder_store).write_bytes(
        data.draw(st.sampled_from([cut, content + b"\0"]))
    )
    require_noticed(folder_store, caplog)


def test_a_file_in_the_place_of_another(folder_store, caplog):
    shutil.copy(file_of(folder_store, NEIGHBOUR), file_of(folder_store))
    require_noticed(folder_store, caplog)


def test_a_sealed_file_of_something_else_is_damaged():
    packed = pack_masks(KEY, some_masks(KEY), HASH, "digest")
    for key, digest in ((NEIGHBOUR, "digest"), (KEY, "another")):
        with pytest.raises(DamagedMasksError, match="checksum"):
            open_masks(packed, key, digest)
    opened = open_masks(packed, KEY, "digest")
    with pytest.raises(DamagedMasksError, match="cannot be read"):
        opened._replace(payload=b"no archive").unpack()


def test_there_is_no_tile_outside_of_the_image(folder_store):
    with pytest.raises(TilingError):
        folder_store.write(TileKey(0, 99, 0), some_masks(KEY), HASH)


def test_a_full_disk_is_told_and_leaves_what_was_there(folder_store, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tilesam.everything.mask_folder.publish", full)
    with pytest.raises(StoreWriteError, match=r"No space left.*stays valid"):
        folder_store.write(KEY, some_masks(KEY, seed=3), HASH)
    assert bits_of(folder_store.read(KEY)) == bits_of(some_masks(KEY))


def test_a_folder_that_was_removed_is_not_made_anew(folder_store):
    shutil.rmtree(folder_store.folder)
    with pytest.raises(StoreWriteError, match="moved or removed"):
        folder_store.write(KEY, some_masks(KEY), HASH)
    assert not folder_store.folder.exists()


def meanwhile(monkeypatch, act, *, first=False):
    """Have another run act right after, or before, it is asked for contents."""

    def answer(path):
        is_asked = path.name == "contents.json"
        if is_asked and first:
            act()
        found = os.path.exists(path)  # noqa: PTH110 - which asks this
        if is_asked and not first:
            act()
        return found

    monkeypatch.setattr(Path, "exists", answer)


def test_a_folder_that_is_removed_meanwhile_is_not_made_anew(folder_store, monkeypatch):
    meanwhile(monkeypatch, lambda: shutil.rmtree(folder_store.folder))
    with pytest.raises(StoreWriteError, match=r"another run .*--keep-work"):
        folder_store.write(KEY, some_masks(KEY), HASH)
    assert not os.path.lexists(folder_store.folder)


def test_a_level_that_is_removed_meanwhile_has_no_tiles(folder_store, monkeypatch):
    from tilesam.everything import mask_folder

    def then_removed(folder):
        yield 0, folder / "level_0"
        shutil.rmtree(folder, ignore_errors=True)
        yield 1, folder / "level_1"

    monkeypatch.setattr(mask_folder, "level_folders", then_removed)
    assert folder_store.keys() == {KEY, NEIGHBOUR}
    assert folder_store.keys() == set()


def test_what_a_run_wrote_while_another_removed_can_be_gone_on_with(
    folder_store, tmp_path, caplog
):
    (folder_store.folder / "contents.json").unlink()
    (folder_store.folder / "level_0" / "3.9.0123.partial").touch()
    require_mask_place(folder_store.folder, CONTENTS.image.hw)
    again = open_folder(tmp_path)
    assert bits_of(again.read(KEY)) == bits_of(some_masks(KEY))
    (folder_store.folder / "contents.json").unlink()
    other = MaskStoreContents(CONTENTS, replace(ASKED, points_per_side=4))
    other_store = open_mask_folder(folder_store.folder, other)
    assert other_store.read(KEY) is None
    assert "will be made again" in caplog.text


@pytest.mark.parametrize("name", ["level_0/notes.txt", "level_0", "5.6.masks", "x/"])
def test_masks_without_contents_stay_where_there_is_something_else(tmp_path, name):
    place = tmp_path / "work" / name
    place.parent.mkdir(parents=True)
    place.mkdir() if name.endswith("/") else place.touch()
    with pytest.raises(EverythingError, match="no folder of masks"):
        require_mask_place(tmp_path / "work", CONTENTS.image.hw)


def test_a_folder_that_another_run_begins_meanwhile_is_one_of_masks(
    tmp_path, monkeypatch
):
    (tmp_path / "work").mkdir()
    contents = tmp_path / "work" / "contents.json"
    meanwhile(monkeypatch, contents.touch)
    require_mask_place(tmp_path / "work", CONTENTS.image.hw)
    assert names_in(tmp_path / "work") == ["contents.json"]


def test_a_folder_that_another_run_removes_meanwhile_is_as_good_as_new(
    folder_store, monkeypatch
):
    meanwhile(monkeypatch, folder_store.remove, first=True)
    require_mask_place(folder_store.folder, CONTENTS.image.hw)
    assert not os.path.lexists(folder_store.folder)


OTHERS = {
    "another image": replace(CONTENTS, image=ImageIdentity((7, 9), "uint8", 3)),
    "another model: of .*, this one is other": replace(
        CONTENTS, weights_sha256="f" * 64, model_name="other"
    ),
    "seen otherwise": replace(CONTENTS, channels=(2, 1, 0)),
}


@pytest.mark.parametrize("words", OTHERS)
def test_a_folder_of_something_else_is_refused(folder_store, words):
    other = MaskStoreContents(OTHERS[words], ASKED)
    with pytest.raises(EverythingError, match=words):
        open_mask_folder(folder_store.folder, other)
    assert folder_store.keys() == {KEY, NEIGHBOUR}


@pytest.mark.parametrize(
    "change",
    [
        {"points_per_side": 4},
        {"stability_score_offset": 2.0},
        {"lowest_pred_iou": -101.0},
        {"lowest_stability_score": -0.1},
    ],
)
def test_a_folder_of_another_question_is_refused(folder_store, change):
    other = MaskStoreContents(CONTENTS, replace(ASKED, **change))
    with pytest.raises(EverythingError, match="take these settings, or another"):
        open_mask_folder(folder_store.folder, other)


def test_more_than_is_needed_serves(folder_store):
    """Lower thresholds keep more masks; how many points at a time changes none."""
    needed = replace(ASKED, lowest_pred_iou=0.5, points_per_batch=7)
    store = open_mask_folder(folder_store.folder, MaskStoreContents(CONTENTS, needed))
    assert store.contents.decoding == ASKED
    assert store.keys() == {KEY, NEIGHBOUR}
    deeper = MaskStoreContents(CONTENTS, replace(ASKED, lowest_pred_iou=-200.0))
    store = open_mask_folder(folder_store.folder, deeper, needed=needed)
    assert store.contents.decoding == ASKED


def test_contents_are_read_as_they_were_written():
    for contents in (OF_MASKS, MaskStoreContents(CONTENTS, DecodeSettings())):
        plain = json.loads(json.dumps(contents.to_plain()))
        again = MaskStoreContents.from_plain(plain)
        assert again == contents
        assert again.digest == contents.digest
    assert OF_MASKS.digest != MaskStoreContents(CONTENTS, DecodeSettings()).digest


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"format": "napari-sam-masks", "version": 99}']
)
def test_contents_that_say_something_else_are_refused(tmp_path, text):
    (tmp_path / "contents.json").write_text(text)
    with pytest.raises(EverythingError, match="remove this one to begin again"):
        open_mask_folder(tmp_path, OF_MASKS)


def test_a_folder_of_someone_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("...")
    with pytest.raises(EverythingError, match="no folder of masks"):
        open_mask_folder(tmp_path, OF_MASKS)
    assert names_in(tmp_path) == ["thesis.tex"]


def test_places_are_checked_before_work_begins(tmp_path, folder_store):
    require_mask_place(tmp_path / "new" / "folder", (7, 9))
    assert not (tmp_path / "new").exists()
    with pytest.raises(EverythingError, match="another image: of 300 x 500 pixels"):
        require_mask_place(folder_store.folder, (7, 9))
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is a file"):
        require_mask_place(tmp_path / "file", (7, 9))


def test_removing_takes_nothing_that_is_not_ours(folder_store):
    (folder_store.folder / "notes.txt").write_text("mine")
    folder_store.remove()
    assert names_in(folder_store.folder) == ["notes.txt"]
    (folder_store.folder / "notes.txt").unlink()
    folder_store.remove()
    assert not folder_store.folder.exists()
