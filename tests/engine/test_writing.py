from __future__ import annotations

import os
from pathlib import Path

import pytest

from tilesam import ImageReadError, OutputError
from tilesam.writing import (
    is_no_folder,
    require_writable_file,
    require_writable_folder,
    written_whole,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(path: Path, text: str, *, then: Exception | None = None) -> None:
    with written_whole(path) as partial:
        partial.write_text(text)
        if then is not None:
            raise then


def test_the_old_file_is_there_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with written_whole(path) as partial:
        partial.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file"]


def test_two_threads_that_write_one_file_do_not_meet(tmp_path):
    path = tmp_path / "file"
    with written_whole(path) as partial:
        partial.write_text("first")
        write(path, "second")  # while the first one is at work
        assert path.read_text() == "second"
        assert partial.read_text() == "first"
    assert path.read_text() == "first"
    assert names(tmp_path) == ["file"]


def test_missing_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "file", "new")
    assert (tmp_path / "a" / "b" / "file").read_text() == "new"


@pytest.mark.parametrize("error", [ZeroDivisionError(), ImageReadError("unreadable")])
def test_an_error_inside_passes_and_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(type(error)):
        write(path, "half", then=error)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_an_output_error(tmp_path):
    full = OSError(28, "No space left on device")
    with pytest.raises(OutputError, match=r"cannot write .*file: No space left"):
        write(tmp_path / "file", "half", then=full)
    assert names(tmp_path) == []


def test_a_folder_of_that_name_is_an_output_error(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OutputError, match="Is a directory"):
        write(tmp_path / "file", "new")
    assert names(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_the_file_can_be_read_by_those_who_can_read_others(tmp_path):
    (tmp_path / "other").touch()
    with written_whole(tmp_path / "file") as partial:
        partial.unlink()
        partial.touch(mode=0o600)  # as writers do that use a temporary file
    modes = {(tmp_path / name).stat().st_mode for name in ("other", "file")}
    assert len(modes) == 1


def test_a_folder_that_can_be_made_is_not_made(tmp_path):
    require_writable_folder(tmp_path)
    require_writable_folder(tmp_path / "a" / "b")
    assert names(tmp_path) == []


def test_a_relative_folder_is_looked_for_where_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    require_writable_folder(Path("new"))
    with pytest.raises(OutputError, match="is a file"):
        require_writable_folder(Path("file"))


@pytest.mark.parametrize("inside", [(), ("a",), ("a", "b")])
def test_a_file_in_the_way_is_named(tmp_path, inside):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"/file is a file; expected a folder"):
        require_writable_folder(tmp_path.joinpath("file", *inside))


def test_a_link_to_nowhere_is_in_the_way(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(OutputError, match="link is a file"):
        require_writable_folder(tmp_path / "link")


def test_a_folder_that_another_thread_makes_meanwhile_is_no_file(
    tmp_path, made_meanwhile
):
    made_meanwhile(tmp_path / "new")
    require_writable_folder(tmp_path / "new")


def test_a_folder_that_another_thread_removes_meanwhile_is_no_file(
    tmp_path, removed_meanwhile
):
    (tmp_path / "old").mkdir()
    removed_meanwhile(tmp_path / "old")
    require_writable_folder(tmp_path / "old")
    assert names(tmp_path) == ["taken away"]


def test_a_folder_that_goes_before_its_permissions_are_read_is_not_locked(
    tmp_path, monkeypatch
):
    (tmp_path / "old").mkdir()
    access = os.access

    def answer_late(place: Path, mode: int) -> bool:
        (tmp_path / "old").rmdir()
        return access(place, mode)

    monkeypatch.setattr(os, "access", answer_late)
    require_writable_folder(tmp_path / "old")
    assert names(tmp_path) == []


def test_what_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    for name, target in [("to file", "file"), ("to folder", "."), ("round", "round")]:
        (tmp_path / name).symlink_to(target)
    (tmp_path / "to nowhere").symlink_to("missing")
    asked = [*names(tmp_path), ".", "missing", "missing/inside", "file/inside", "a\0"]
    assert {name for name in asked if is_no_folder(tmp_path / name)} == {
        "file",
        "round",
        "to file",
        "to nowhere",
    }


def test_a_locked_folder_is_named(tmp_path, monkeypatch):
    # Not by its permissions: they do not bind whoever runs the tests as root.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="is not writable; choose a folder"):
        require_writable_folder(tmp_path / "new")


def test_a_folder_in_place_of_a_file_is_named(tmp_path):
    require_writable_file(tmp_path / "new.json")
    with pytest.raises(OutputError, match="it is a folder; expected the name of a"):
        require_writable_file(tmp_path)
