from __future__ import annotations

import pytest

from tilesam import ImageReadError, OutputError
from tilesam.export.staging import replaced_folder, staged_folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


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
