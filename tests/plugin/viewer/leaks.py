"""What is left when all was closed: threads, windows, timers, annotators."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QObject, QTimer
from qtpy.QtWidgets import QApplication

from napari_sam.annotator import Annotator
from tests.plugin.fake_window import PATIENCE

POOLS = ("ThreadPoolExecutor-", "asyncio_", "zarr_", "pymp-")
"""Threads that libraries share and keep."""


class Leaks:
    """Looks twice: what was not there the first time has leaked."""

    def __init__(self) -> None:
        self._threads = set(threading.enumerate())
        self._known = {id(widget) for widget in QApplication.topLevelWidgets()}

    def fail_if_any(self) -> None:
        """Wait a little for things to go, and fail if they stay."""
        end = time.monotonic() + PATIENCE
        while (found := list(self.all())) and time.monotonic() < end:
            let_go()
        if found:
            raise AssertionError("left behind: " + "; ".join(found))

    def all(self) -> Iterator[str]:
        """Return what is left, in words."""
        let_go()
        yield from (
            f"thread {x.name}" for x in threading.enumerate() if self._is_new(x)
        )
        yield from (
            f"window {widget!r}"
            for widget in QApplication.topLevelWidgets()
            if id(widget) not in self._known
        )
        for kept in gc.get_objects():
            kind = type(kept)
            if kind is QTimer and isalive(kept) and kept.isActive():
                yield f"timer of {_chain(kept)}"
            elif kind is Annotator:
                yield f"annotator, closed: {kept.is_closed}"

    def _is_new(self, thread: threading.Thread) -> bool:
        return thread not in self._threads and not thread.name.startswith(POOLS)


def let_go() -> None:
    """Have Qt delete what is to be deleted later, which takes an event loop else."""
    QApplication.processEvents()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()


def _chain(timer: QObject) -> str:
    parents, parent = [], timer.parent()
    while parent is not None:
        parents.append(type(parent).__name__)
        parent = parent.parent()
    return f"{' in '.join(parents) or 'nobody'}, {timer.interval()} ms"
