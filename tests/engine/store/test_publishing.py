from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from tilesam.store.publishing import can_write, publish


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_first_one_wins(tmp_path):
    path = tmp_path / "a" / "zarr.json"
    publish(path, b"first")
    publish(path, b"second")
    assert path.read_bytes() == b"first"
    assert names(path.parent) == ["zarr.json"]


def test_it_may_be_replaced(tmp_path):
    path = tmp_path / "zarr.json"
    publish(path, b"first")
    publish(path, b"second", replacing=True)
    assert path.read_bytes() == b"second"
    assert names(tmp_path) == ["zarr.json"]


def test_of_many_at_once_one_wins_for_all(tmp_path):
    contents = [bytes([n]) * 10_000 for n in range(8)]
    seen = []
    barrier = threading.Barrier(len(contents))

    def work(content: bytes) -> None:
        barrier.wait()
        publish(tmp_path / "zarr.json", content)
        seen.append((tmp_path / "zarr.json").read_bytes())

    threads = [threading.Thread(target=work, args=(one,)) for one in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == len(contents)
    assert set(seen) == {seen[0]} <= set(contents)
    assert names(tmp_path) == ["zarr.json"]


def test_file_systems_without_links_are_served(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish(tmp_path / "zarr.json", b"first")
    publish(tmp_path / "zarr.json", b"second")
    assert (tmp_path / "zarr.json").read_bytes() == b"first"
    assert names(tmp_path) == ["zarr.json"]


@pytest.mark.parametrize("replacing", [False, True])
def test_nothing_is_left_of_what_could_not_be_written(tmp_path, monkeypatch, replacing):
    path = tmp_path / "zarr.json"
    if replacing:
        path.write_bytes(b"first")

    def fill(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fill)
    before = names(tmp_path)
    with pytest.raises(OSError, match="No space left"):
        publish(path, b"second", replacing=replacing)
    assert names(tmp_path) == before


def test_trying_whether_one_can_write_leaves_nothing(tmp_path):
    assert can_write(tmp_path)
    assert names(tmp_path) == []
