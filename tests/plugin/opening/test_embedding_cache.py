"""The cache of embeddings: whose store is whose, and which of them have to go."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from napari_sam.opening import embedding_cache
from napari_sam.opening.embedding_cache import (
    cached_store,
    hold_store,
    image_digest,
    trim_cache,
)
from tests.plugin.controllers.scene import open_session
from tilesam.errors import StoreWriteError
from tilesam.image import open_image
from tilesam.store.layout import files_in


@pytest.fixture
def make_store(tmp_path):
    """Return a function that makes a store of about `kilobytes`, used at a time."""

    def make(name, *, used, kilobytes=100):
        path = cached_store(tmp_path, name, "0123456789abcdef")
        session = open_session((64, 64), store=path)
        (session.store.folder / "ballast").write_bytes(bytes(1000 * kilobytes))
        os.utime(path, (used, used))
        return path

    return make


def digest_of(array, **options):
    return image_digest(open_image(array, **options))


def test_an_image_finds_its_store_again_and_others_do_not(tmp_path):
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 255, (2, 300, 400), np.uint8)

    assert digest_of(first) == digest_of(first.copy())
    digests = [digest_of(a) for a in (first, second, first[:, 1:], first.T)]
    assert len({cached_store(tmp_path, "image", d) for d in digests}) == 4


def test_planes_of_a_stack_and_other_limits_have_stores_of_their_own():
    stack = np.random.default_rng(0).integers(0, 255, (3, 50, 60), np.uint8)

    digests = {digest_of(stack, plane=(plane,)) for plane in range(3)}
    digests |= {digest_of(stack, plane=(0,), contrast_limits=(0, 100))}

    assert len(digests) == 4


def test_the_smallest_image_has_a_digest_too():
    assert digest_of(np.zeros((1, 1), np.uint8))


def test_names_are_fit_for_any_disk(tmp_path):
    path = cached_store(tmp_path, "../a:b/" + 300 * "c", "f" * 64)

    assert path.parent == tmp_path
    assert len(path.name) < 130


def test_what_was_not_used_for_longest_goes_first(tmp_path, make_store):
    oldest, old, new = (make_store(n, used=u) for u, n in enumerate("bca"))

    assert trim_cache(tmp_path, 250_000) == (oldest,)

    assert not oldest.exists()
    assert old.exists()
    assert trim_cache(tmp_path, 250_000) == ()
    assert trim_cache(tmp_path, 0) == (old, new)


def test_a_store_that_is_used_stays_and_becomes_the_newest(tmp_path, make_store):
    used, other = make_store("used", used=1), make_store("other", used=2)
    hold, second = hold_store(used), hold_store(used)

    assert trim_cache(tmp_path, 0) == (other,)
    hold.release()
    hold.release()
    assert trim_cache(tmp_path, 0) == ()
    third = make_store("third", used=3)
    second.release()

    assert trim_cache(tmp_path, 150_000) == (third,)
    assert trim_cache(tmp_path, 0) == (used,)


def test_a_store_of_another_program_stays_until_that_ends(tmp_path, make_store):
    store = make_store("used", used=1)
    code = (
        "import sys, pathlib\n"
        "from napari_sam.opening.embedding_cache import hold_store\n"
        "hold = hold_store(pathlib.Path(sys.argv[1]))\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as program:
        assert program.stdout.readline().strip() == b"held"
        assert trim_cache(tmp_path, 0) == ()
        # Nothing is given back in order.
        program.kill()

    assert trim_cache(tmp_path, 0) == (store,)
    assert list(tmp_path.glob("*.in-use")) == []


def test_stores_can_be_kept_by_name(tmp_path, make_store):
    store = make_store("kept", used=1)

    assert trim_cache(tmp_path, 0, keep=[store]) == ()


def test_what_is_no_store_is_not_touched(tmp_path, make_store):
    photos = tmp_path / "photos.sam.zarr"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(bytes(10**6))
    foreign = tmp_path / "foreign.sam.zarr"
    foreign.mkdir()
    (foreign / "zarr.json").write_text('{"node_type": "group", "attributes": {}}')
    (tmp_path / "notes.txt").write_text("mine")
    store = make_store("store", used=1)
    link = tmp_path / "link.sam.zarr"
    link.symlink_to(make_store("elsewhere", used=2), target_is_directory=True)

    removed = trim_cache(tmp_path, 0)

    assert set(removed) == {store, link.resolve()}
    left = {path.name for path in tmp_path.iterdir() if not path.name.startswith(".")}
    assert left == {photos.name, foreign.name, "notes.txt", link.name}


def test_others_do_not_wait_while_files_are_counted(tmp_path, make_store, monkeypatch):
    store = make_store("cells", used=1)
    counted = []

    def count(folder):
        hold_store(tmp_path / "other.sam.zarr").release()  # by another window
        counted.append(folder)
        return files_in(folder)

    monkeypatch.setattr(embedding_cache, "_SECONDS", 0.0)
    monkeypatch.setattr(embedding_cache, "files_in", count)
    assert trim_cache(tmp_path, 0) == (store,)
    assert counted == [store]


def test_there_may_be_no_cache_yet(tmp_path):
    assert trim_cache(tmp_path / "none", 0) == ()
    store = cached_store(tmp_path / "deep" / "cache", "cells", "0" * 16)

    hold_store(store).release()

    assert not store.exists()
    assert trim_cache(store.parent, 0) == ()


def test_a_folder_that_cannot_be_made_is_told_with_the_remedy(tmp_path):
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(StoreWriteError, match=r"cannot be kept .*Preferences"):
        hold_store(file / "cells.sam.zarr")
