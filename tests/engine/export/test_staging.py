from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tilesam import ImageReadError, OutputError
from tilesam.export.staging import replaced_folder, staged_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def replace(folder, content):
    with replaced_folder(folder) as partial:
        partial.mkdir()
        (partial / content).touch()


def before_renaming(monkeypatch, act):
    """Call something with a path and its new name each time before it gets it."""
    rename = Path.rename

    def rename_late(path, target):
        act(path, target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_late)


def test_files_appear_together_at_the_end(tmp_path):
    folder = tmp_path / "a" / "b"
    with staged_folder(folder) as staging:
        (staging / "one").write_text("1")
        (staging / "two").write_text("2")
        assert names(folder) == [staging.name]
    assert names(folder) == ["one", "two"]


def test_files_of_the_same_name_are_replaced_and_others_left_alone(tmp_path):
    (tmp_path / "one").write_text("old")
    (tmp_path / "other").write_text("kept")
    with staged_folder(tmp_path) as staging:
        (staging / "one").write_text("new")
    assert (tmp_path / "one").read_text() == "new"
    assert names(tmp_path) == ["one", "other"]


def test_nothing_changes_when_the_block_raises(tmp_path):
    (tmp_path / "one").write_text("old")

    def write_half():
        with staged_folder(tmp_path) as staging:
            (staging / "one").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert (tmp_path / "one").read_text() == "old"
    assert names(tmp_path) == ["one"]


def test_a_file_in_place_of_the_folder_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write into .*file is a file"):
        staged_folder(tmp_path / "file").__enter__()


def test_a_folder_in_place_of_a_file_is_named_before_anything_moves(tmp_path):
    (tmp_path / "two").mkdir()

    def write_both():
        with staged_folder(tmp_path) as staging:
            (staging / "one").write_text("1")
            (staging / "two").write_text("2")

    with pytest.raises(OutputError, match=r"cannot write .*two: Is a directory"):
        write_both()
    assert names(tmp_path) == ["two"]


def test_an_unreadable_image_is_not_blamed_on_the_folder(tmp_path):
    def read_and_write():
        with staged_folder(tmp_path):
            raise ImageReadError("a.tif is damaged")

    with pytest.raises(ImageReadError, match=r"a\.tif is damaged"):
        read_and_write()


def test_a_full_disk_is_an_output_error(tmp_path):
    def run_out_of_space():
        with staged_folder(tmp_path):
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        run_out_of_space()
    assert names(tmp_path) == []


def test_a_folder_takes_the_place_of_the_old_one_as_a_whole(tmp_path):
    folder = tmp_path / "a" / "labels.zarr"
    for number in "12":
        with replaced_folder(folder) as partial:
            partial.mkdir()
            (partial / f"file{number}").write_text(number)
        assert names(folder) == [f"file{number}"]
    assert names(folder.parent) == ["labels.zarr"]


def test_the_old_folder_stays_when_the_block_raises(tmp_path):
    folder = tmp_path / "labels.zarr"
    folder.mkdir()
    (folder / "old").write_text("1")

    def write_half():
        with replaced_folder(folder) as partial:
            partial.mkdir()
            (partial / "new").write_text("2")
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left on device"):
        write_half()
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["labels.zarr"]


def test_the_old_folder_comes_back_when_the_new_one_cannot_be_moved(tmp_path):
    folder = tmp_path / "labels.zarr"
    folder.mkdir()
    (folder / "old").write_text("1")

    def make_nothing():
        with replaced_folder(folder):
            pass

    with pytest.raises(OutputError, match=r"cannot write .*labels\.zarr"):
        make_nothing()
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["labels.zarr"]


def test_two_threads_that_make_one_folder_do_not_meet(tmp_path):
    folder = tmp_path / "labels.zarr"
    with replaced_folder(folder) as partial:
        partial.mkdir()
        (partial / "first").touch()
        replace(folder, "second")  # while the first one is at work
        assert names(folder) == ["second"]
    assert names(folder) == ["first"]
    assert names(tmp_path) == ["labels.zarr"]


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_another_process_may_put_its_own_there_at_the_last_moment(
    tmp_path, monkeypatch, times
):
    folder = tmp_path / "labels.zarr"
    left = [None] * times

    def come_first(_, target):
        if target == folder and left and not os.path.lexists(folder):
            left.pop()
            folder.mkdir()
            (folder / "theirs").touch()

    before_renaming(monkeypatch, come_first)
    if times <= 3:
        replace(folder, "ours")
    else:  # of so many one is not going to be the last
        with pytest.raises(OutputError, match="not empty"):
            replace(folder, "ours")
    assert left == []
    assert names(folder) == ["ours" if times <= 3 else "theirs"]
    assert names(tmp_path) == ["labels.zarr"]


def test_another_process_may_move_the_old_one_away_first(tmp_path, monkeypatch):
    folder = tmp_path / "labels.zarr"
    replace(folder, "old")

    def move_away(path, _):
        if path == folder:
            os.rename(folder, tmp_path / "theirs")  # noqa: PTH104 - not by our rename

    before_renaming(monkeypatch, move_away)
    replace(folder, "ours")
    assert names(folder) == ["ours"]
    assert names(tmp_path) == ["labels.zarr", "theirs"]


def test_the_old_folder_comes_back_when_the_new_one_does_not_arrive(
    tmp_path, monkeypatch
):
    folder = tmp_path / "labels.zarr"
    replace(folder, "old")

    def fail_without_the_old(path, target):
        if path.suffix == ".part" and target == folder and not folder.is_dir():
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    before_renaming(monkeypatch, fail_without_the_old)
    with pytest.raises(OutputError, match=os.strerror(errno.EIO)):
        replace(folder, "new")
    assert names(folder) == ["old"]
    assert names(tmp_path) == ["labels.zarr"]


def test_a_link_to_a_folder_is_replaced_and_not_what_it_leads_to(tmp_path):
    replace(tmp_path / "elsewhere", "kept")
    (tmp_path / "labels.zarr").symlink_to("elsewhere")
    replace(tmp_path / "labels.zarr", "new")
    assert names(tmp_path / "labels.zarr") == ["new"]
    assert names(tmp_path / "elsewhere") == ["kept"]
