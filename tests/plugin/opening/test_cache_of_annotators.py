"""Embeddings that are there again when an image is opened again."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam.annotator import Annotator
from napari_sam.preferences import Preferences
from tests.plugin.saving.annotating import COIN, Desk

pytestmark = pytest.mark.gui


@pytest.fixture
def desk(qtbot, tmp_path):
    desk = Desk(qtbot, tmp_path / "sessions")
    desk.annotator.close()
    yield desk
    desk.annotator.close()


def in_cache(tmp_path, **changes) -> Preferences:
    return Preferences(cache_folder=tmp_path / "cache", autosaves=False, **changes)


def open_with(desk, preferences) -> Annotator:
    desk.annotator = Annotator(desk.viewer, desk.image, preferences=preferences)
    desk.wait(lambda: desk.annotator.session is not None)
    return desk.annotator


def test_what_was_embedded_once_is_in_the_cache(desk, tmp_path):
    first = open_with(desk, in_cache(tmp_path))
    assert not first.session.store.keys()
    desk.click(COIN)
    keys = set(first.session.store.keys())
    assert keys
    first.close()
    again = open_with(desk, in_cache(tmp_path))
    assert set(again.session.store.keys()) == keys
    assert again.store is None  # nobody chose a folder
    again.use_store(None)
    desk.wait(lambda: again.session is not None)
    assert not again.session.store.keys()


def test_another_image_of_the_same_name_and_size_has_its_own(desk, tmp_path):
    open_with(desk, in_cache(tmp_path))
    desk.click(COIN)
    desk.image.data = np.array(desk.image.data[::-1])
    desk.wait(lambda: desk.annotator.session is not None)
    assert len(list((tmp_path / "cache").glob("*.sam.zarr"))) == 2


def test_a_cache_of_no_size_is_none(desk, tmp_path):
    open_with(desk, in_cache(tmp_path, cache_bytes=0))
    desk.click(COIN)
    assert not (tmp_path / "cache").exists()


def test_a_store_is_let_go_when_the_session_ends(desk, tmp_path):
    annotator = open_with(desk, in_cache(tmp_path))
    signs = lambda: list((tmp_path / "cache").glob("*.in-use"))  # noqa: E731
    assert len(signs()) == 1
    annotator.use_model("tiny")
    desk.wait(lambda: annotator.session is not None)
    assert len(signs()) == 1
    annotator.close()
    assert signs() == []


def test_a_cache_that_cannot_be_written_is_told_and_memory_used(desk, tmp_path):
    (tmp_path / "cache").write_text("a file")
    annotator = open_with(desk, in_cache(tmp_path))
    assert "cannot be kept" in annotator.embedding.message
    desk.click(COIN)
    assert annotator.session.store.keys()
