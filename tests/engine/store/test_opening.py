from __future__ import annotations

import errno
import json
import logging
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import zarr

from tilesam import errors
from tilesam.store import open_store, opening, recorded_contents
from tilesam.store.documents import group_document
from tilesam.store.folder import store_attributes
from tilesam.store.publishing import STALE_SECONDS
from tilesam.testing.store_suite import CONTENTS, build_tile, is_same
from tilesam.types import ImageIdentity, TileKey

KEY = TileKey(0, 3, 5)

OTHER_IMAGES = [
    replace(CONTENTS.image, hw=(301, 500)),
    replace(CONTENTS.image, dtype="uint8"),
    replace(CONTENTS.image, channel_count=3),
]


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


READERS = {
    "open": lambda path: open_store(path, CONTENTS),
    "open for reading": lambda path: open_store(path, CONTENTS, read_only=True),
    "list": recorded_contents,
}


def change_attributes(group: Path, **changes: object) -> None:
    metadata = json.loads((group / "zarr.json").read_text())
    metadata["attributes"].update(changes)
    (group / "zarr.json").write_text(json.dumps(metadata))


def lock(monkeypatch, error: int = errno.EACCES) -> None:
    # Not by permissions: they do not bind whoever runs the tests as root.
    def refuse(*_: object, **__: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)


def make_file(path: Path) -> None:
    path.write_text("a report")


def make_link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


def make_folder_of_files(path: Path) -> None:
    path.mkdir()
    (path / "notes.txt").write_text("keep")


def make_foreign_group(path: Path) -> None:
    zarr.create_group(path, attributes={"multiscales": []})


def make_old_group(path: Path) -> None:
    zarr.create_group(path, zarr_format=2)


def make_array(path: Path) -> None:
    zarr.save_array(path, np.zeros(3))


def make_broken_json(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_bytes(b'{"zarr_format": 3, "node_')


def make_other_json(path: Path) -> None:
    path.mkdir()
    (path / "zarr.json").write_text("[1, 2]")


def make_group_without_image(path: Path) -> None:
    open_store(path, CONTENTS)
    change_attributes(path, image={"hw": [3]})


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    "make",
    [
        make_file,
        make_link_to_nowhere,
        make_folder_of_files,
        make_foreign_group,
        make_old_group,
        make_array,
        make_broken_json,
        make_other_json,
        make_group_without_image,
    ],
)
def test_what_is_not_ours_is_not_touched(path, make, reader):
    make(path)
    before = snapshot(path.parent)
    with pytest.raises(errors.StoreError, match="another path for the store"):
        READERS[reader](path)
    assert snapshot(path.parent) == before


@pytest.mark.parametrize("left", [None, "empty", "zarr.0123.partial"])
def test_a_place_for_a_store_becomes_one(tmp_path, left):
    path = tmp_path / "new" / "store"
    if left is not None:
        path.mkdir(parents=True)
    if left not in (None, "empty"):
        (path / left).write_text("{")  # of a process that was killed in making it
    assert recorded_contents(path) == []
    store = open_store(path, CONTENTS)
    assert store.is_writable
    assert recorded_contents(path) == [CONTENTS]


def test_a_url_is_not_taken_for_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in ("s3://bucket/store", "https://host/store"):
        with pytest.raises(errors.StoreError, match=r"is a URL; .* choose a folder"):
            open_store(url, CONTENTS)
    assert snapshot(tmp_path) == {}


def test_a_store_below_a_file_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        errors.StoreWriteError, match=r"cannot make a store .* Not a dir"
    ):
        open_store(tmp_path / "file" / "store", CONTENTS)


@pytest.mark.parametrize("image", OTHER_IMAGES)
def test_another_image_is_told(path, store, image):
    store.write(KEY, build_tile(0))
    before = snapshot(path)
    with pytest.raises(
        errors.StoreMismatchError, match=r"300 x 500 pixels, 2 chan.*16"
    ):
        open_store(path, replace(CONTENTS, image=image))
    assert snapshot(path) == before


def test_another_image_that_comes_first_by_a_moment_is_told(path, monkeypatch):
    other = ImageIdentity((9, 9), "uint8", 1)

    def publish_late(target: Path, content: bytes) -> None:
        path.mkdir()
        (path / "zarr.json").write_bytes(group_document(store_attributes(other)))

    monkeypatch.setattr(opening, "publish", publish_late)
    with pytest.raises(errors.StoreMismatchError, match="9 x 9 pixels"):
        open_store(path, CONTENTS)


def test_a_store_that_another_process_makes_meanwhile_is_no_file(path, made_meanwhile):
    made_meanwhile(path)
    assert recorded_contents(path) == []


def test_a_store_that_another_process_removes_meanwhile_is_no_file(
    path, store, removed_meanwhile
):
    removed_meanwhile(path)
    assert recorded_contents(path) == []
    assert path.with_name("taken away").is_dir()


@pytest.fixture
def cleared_before_reading(path, store, monkeypatch):
    """Clear a set once, as another process may right before its document is read."""
    read_text = Path.read_text

    def read_late(file, *args, **options):
        if file.parent == store.folder and not (path / ".leaving").exists():
            store.folder.rename(path / ".leaving")
        return read_text(file, *args, **options)

    monkeypatch.setattr(Path, "read_text", read_late)


@pytest.mark.usefixtures("cleared_before_reading")
def test_a_set_that_another_process_clears_meanwhile_is_made_anew(path, store):
    again = open_store(path, CONTENTS)
    assert again.folder == store.folder
    assert again.is_writable
    assert again.keys() == set()
    # What is being removed is no set.
    assert recorded_contents(path) == [CONTENTS]


@pytest.mark.usefixtures("cleared_before_reading")
def test_a_set_that_is_cleared_while_sets_are_listed_is_not_called_damaged(
    path, caplog
):
    with caplog.at_level(logging.WARNING):
        assert recorded_contents(path) == []
        assert recorded_contents(path) == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (0, "older"),
        (2, "newer version .*update the package"),
        (None, "older"),
        ("x", "older"),
    ],
)
def test_another_version_is_told(path, store, version, advice):
    store.write(KEY, build_tile(0))
    change_attributes(path, version=version)
    before = snapshot(path)
    for call in (lambda: open_store(path, CONTENTS), lambda: recorded_contents(path)):
        with pytest.raises(errors.StoreFormatError, match=advice) as caught:
            call()
        assert f"its format is {version}, expected 1" in str(caught.value)
    assert snapshot(path) == before


def test_a_set_that_is_not_what_its_name_says_is_not_used(path, store):
    change_attributes(store.folder, weights_sha256="0" * 64)
    with pytest.raises(errors.StoreError, match="does not say what its name says"):
        open_store(path, CONTENTS)


def test_to_read_a_store_there_has_to_be_one(path):
    with pytest.raises(errors.StoreError, match="there is no store"):
        open_store(path, CONTENTS, read_only=True)
    assert not path.exists()


def test_reading_only_changes_nothing(path, store):
    store.write(KEY, build_tile(0))
    before = snapshot(path)
    reader = open_store(path, CONTENTS, read_only=True)
    assert is_same(reader.read(KEY), build_tile(0))
    with pytest.raises(errors.StoreWriteError, match="open for reading only"):
        reader.write(KEY, build_tile(1))
    stranger = open_store(path, replace(CONTENTS, stride=32), read_only=True)
    assert stranger.keys() == set()
    assert stranger.read(KEY) is None
    assert snapshot(path) == before


@pytest.mark.parametrize("error", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_folder_that_is_locked_is_read(path, store, monkeypatch, caplog, error):
    store.write(KEY, build_tile(0))
    before = snapshot(path)
    lock(monkeypatch, error)
    with caplog.at_level(logging.WARNING):
        locked = open_store(path, CONTENTS)
    assert [record.getMessage() for record in caplog.records] == [
        f"{path} cannot be written to: it will only be read"
    ]
    assert not locked.is_writable
    assert is_same(locked.read(KEY), build_tile(0))
    with pytest.raises(errors.StoreWriteError, match="open for reading only"):
        locked.write(KEY, build_tile(1))
    assert open_store(path, replace(CONTENTS, stride=32)).keys() == set()
    assert snapshot(path) == before


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root"
)
def test_a_folder_that_is_locked_by_its_permissions_is_read(path, store):
    store.write(KEY, build_tile(0))
    path.chmod(0o555)
    try:
        assert not open_store(path, CONTENTS).is_writable
    finally:
        path.chmod(0o755)


def test_a_full_disk_is_no_lock(path, store, monkeypatch):
    lock(monkeypatch, errno.ENOSPC)
    assert open_store(path, CONTENTS).is_writable


def test_a_place_that_is_locked_cannot_become_a_store(path, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(errors.StoreWriteError, match="Permission denied; choose a pl"):
        open_store(path, CONTENTS)


def test_sets_are_listed(path, store):
    others = [
        replace(CONTENTS, model_name="vit_b", weights_sha256="0" * 64),
        replace(CONTENTS, model_name="a", normalization={"limits": None}),
    ]
    for contents in others:
        open_store(path, contents)
    (path / "not a set").mkdir()
    assert recorded_contents(path) == [others[1], CONTENTS, others[0]]


def test_a_damaged_set_is_left_out_of_the_list(path, store, caplog):
    open_store(path, replace(CONTENTS, stride=32))
    (store.folder / "zarr.json").write_bytes(b"{")
    assert recorded_contents(path) == [replace(CONTENTS, stride=32)]
    assert "left out" in caplog.text


def test_what_a_killed_process_left_goes_after_an_hour(path, store):
    store.write(KEY, build_tile(0))
    folders = [path, store.folder, store.folder / "level_0" / "embeddings"]
    old = [folder / "c.0.0.0.0.0123456789abcdef.partial" for folder in folders]
    new = store.folder / "level_0" / "records" / "c.0.0.456.partial"
    for left in (*old, new):
        left.write_bytes(b"half")
    hour_ago = time.time() - STALE_SECONDS - 1
    for left in old:
        os.utime(left, (hour_ago, hour_ago))
    assert open_store(path, CONTENTS, read_only=True).keys() == {KEY}
    assert all(left.exists() for left in old)
    assert open_store(path, CONTENTS).keys() == {KEY}
    assert not any(left.exists() for left in old)
    assert new.exists()
    assert is_same(open_store(path, CONTENTS).read(KEY), build_tile(0))
