"""Downloads tell how far they are, and end when somebody wants it."""

from __future__ import annotations

import threading

import pytest

from napari_sam.controllers.downloading import DownloadController
from napari_sam.state.models import Download, ModelsState
from tests.plugin.fake_window import Gate, wait_until
from tilesam.errors import DownloadError


def download_threads() -> int:
    return sum(t.name == "napari-sam-download" for t in threading.enumerate())


@pytest.fixture
def state():
    return ModelsState()


@pytest.fixture
def begin(state, window):
    """Return a function that makes a controller with a download of its own."""

    def make(fetch) -> DownloadController:
        return DownloadController(state, window.deliver, fetch=fetch)

    yield make
    wait_until(lambda: download_threads() == 0)


def test_progress_then_the_end(state, window, begin):
    def fetch(entry, *, progress):
        assert threading.current_thread() is not threading.main_thread()
        for done in range(1001):
            progress(done, 1000)

    downloads, seen, finished = begin(fetch), [], []
    state.events.download.connect(seen.append)
    downloads.finished.connect(finished.append)
    downloads.start("vit_b")
    window.wait_for(lambda: finished)

    assert finished == ["vit_b"]
    assert seen[:2] == [Download("vit_b"), Download("vit_b", 0, 1000)]
    assert len(seen) < 20
    assert state.download is None
    assert {choice.name for choice in state.choices} >= {"tiny", "vit_b"}


def test_what_goes_wrong_is_told(state, window, begin):
    def fetch(entry, *, progress):
        raise DownloadError("the network is down")

    downloads = begin(fetch)
    downloads.start("vit_b")
    window.wait_for(lambda: state.message)
    assert state.message == "the network is down"
    assert state.download is None


def test_a_cancelled_download_ends_with_its_next_piece(state, window, begin):
    piece = Gate()
    told = []

    def fetch(entry, *, progress):
        try:
            piece()
            progress(1, 1000)
            told.append("went on")
        finally:
            told.append("left")

    downloads = begin(fetch)
    downloads.start("vit_b")
    piece.wait_until_reached()
    downloads.cancel()
    assert state.download is None
    piece.open()
    wait_until(lambda: told)
    wait_until(lambda: download_threads() == 0)
    window.make_deliveries()
    assert told == ["left"]
    assert (state.download, state.message) == (None, "")
