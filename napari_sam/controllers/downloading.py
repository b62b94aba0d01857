"""Fetching the weights of a model while the window goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from psygnal import Signal

from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.state.models import Download, ModelsState, read_choices
from tilesam.model.checkpoints.download import fetch
from tilesam.model.checkpoints.registry import find_entry

SECONDS = 0.1
"""Between two reports, at least: thousands of pieces arrive."""


class DownloadController:
    """Downloads one model at a time, in a thread that ends with the download.

    Parameters
    ----------
    state
        What is told of it.
    deliver
        Takes functions from any thread and calls them on the caller's.
    fetch
        As `tilesam.model.checkpoints.download.fetch`.

    Attributes
    ----------
    finished
        Emitted with the name of a model whose weights have come.
    """

    finished = Signal(str)

    def __init__(
        self,
        state: ModelsState,
        deliver: Callable[[Callable[[], None]], None],
        *,
        fetch: Callable[..., Path] = fetch,
    ) -> None:
        self.state = state
        self._deliver, self._fetch = deliver, fetch
        self._downloads = Generation()

    def refresh(self) -> None:
        """Look which models are here."""
        self.state.choices = read_choices()

    def start(self, name: str) -> None:
        """Fetch the weights of a named model; ends the download before it."""
        is_late = self._downloads.advance()
        self.state.message = ""
        self.state.download = Download(name)
        # A daemon: a server that is silent must not keep napari from closing.
        threading.Thread(
            target=self._run,
            args=(name, is_late),
            name="napari-sam-download",
            daemon=True,
        ).start()

    def cancel(self) -> None:
        """Forget the download; its thread ends with the next piece that arrives.

        What has come is kept on the disk, and `start` goes on there.
        """
        self._downloads.advance()
        self.state.download = None

    def _run(self, name: str, is_late: Callable[[], bool]) -> None:
        report = _Report(name, is_late, partial(self._tell, is_late, self._on_progress))
        try:
            self._fetch(find_entry(name), progress=report)
        except _CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - told on the window's thread
            self._tell(is_late, self._on_failure, error)
            return
        self._tell(is_late, self._on_end, name)

    def _tell(
        self, is_late: Callable[[], bool], act: Callable[..., None], *news: object
    ) -> None:
        self._deliver(lambda: None if is_late() else act(*news))

    def _on_progress(self, download: Download) -> None:
        self.state.download = download

    def _on_failure(self, error: Exception) -> None:
        self.state.download = None
        self.state.message = message_of(error)

    def _on_end(self, name: str) -> None:
        self.state.download = None
        self.refresh()
        self.finished.emit(name)


class _CancelledError(Exception):
    """Ends a download from within, between two pieces."""


class _Report:
    """Is called with every piece; passes on as many as somebody can read."""

    def __init__(
        self,
        name: str,
        is_late: Callable[[], bool],
        tell: Callable[[Download], None],
    ) -> None:
        self._name, self._is_late, self._tell = name, is_late, tell
        self._next = 0.0

    def __call__(self, done: int, total: int | None) -> None:
        if self._is_late():
            raise _CancelledError
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + SECONDS
            self._tell(Download(self._name, done, total))
