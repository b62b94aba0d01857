"""How long a window stands still: the longest pause between two beats of a timer."""

from __future__ import annotations

import time

from qtpy.QtCore import QTimer

BEAT_MS = 5


class Heart:
    """Notes the longest pause of the event loop, from now until it is stopped."""

    def __init__(self) -> None:
        self.longest = 0.0
        """Seconds; kept up to date while it beats."""
        self.beats = 0
        self._last = time.perf_counter()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(BEAT_MS)

    def stop(self) -> float:
        """Return the longest pause in seconds."""
        self._timer.stop()
        return self.longest

    def _beat(self) -> None:
        now = time.perf_counter()
        self.beats += 1
        self.longest = max(self.longest, now - self._last)
        self._last = now
