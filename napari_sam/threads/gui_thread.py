"""The window's thread as engine and controllers see it: now, and after a moment."""

from __future__ import annotations

import logging
from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, QTimer, Signal

logger = logging.getLogger(__name__)


class GuiThread(QObject):
    """Calls functions on the thread that it was made on.

    Parameters
    ----------
    parent
        With which it ends; what is still to be called then is forgotten.
    """

    _handed_over = Signal(object)

    # What was handed over may arrive while Python collects the object, whose own
    # attributes are gone by then.
    _is_closed = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_closed = False
        # Queued even on the window's own thread: nobody is called in the midst of work.
        connection = Qt.ConnectionType.QueuedConnection
        self._handed_over.connect(self._call, connection)

    def deliver(self, function: Callable[[], None]) -> None:
        """Have a function called soon; returns at once, and from any thread."""
        if not self._is_closed:
            self._handed_over.emit(function)

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        """Have a function called after so many seconds; on this thread only."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: self._call(function))
        timer.timeout.connect(timer.deleteLater)
        timer.start(round(seconds * 1000))

    def close(self) -> None:
        """Call nothing any more."""
        self._is_closed = True
        # A timer that fires while Python collects what it would call ends the process.
        for timer in self.findChildren(QTimer):
            timer.stop()
            timer.timeout.disconnect()
            timer.deleteLater()

    def _call(self, function: Callable[[], None]) -> None:
        if self._is_closed:
            return
        try:
            function()
        except Exception:
            # An exception that leaves a slot ends the process under PyQt.
            logger.exception("something failed on the window's thread")
