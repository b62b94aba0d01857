"""How fast a run is, and how long it will still take."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RECENT_TILES = 16
"""The speed is that of so many tiles: what came before may have been another disk."""


class SpeedMeter:
    """Is told of each tile when it is done.

    Parameters
    ----------
    total
        Tiles of the run.
    missing
        Of these, how many are not stored; the others are only checked, which is faster.
    clock
        Returns seconds; it begins to count now.
    """

    def __init__(self, total: int, missing: int, *, clock: Callable[[], float]) -> None:
        self.done = 0
        self._clock = clock
        self._start = self._last = clock()
        self._left = {True: missing, False: total - missing}
        # Separately for tiles that were missing and for those that were not.
        self._recent = {
            was_missing: deque[float](maxlen=RECENT_TILES)
            for was_missing in (True, False)
        }
        self._latest = deque[float](maxlen=RECENT_TILES)
        self._reading = deque[float](maxlen=RECENT_TILES)

    def add(self, *, was_missing: bool, seconds_reading: float) -> None:
        """Count one more tile.

        Parameters
        ----------
        was_missing
            Whether it was not stored when the run began.
        seconds_reading
            That it took to read it; a guess of how long those take that are checked.
        """
        now = self._clock()
        seconds, self._last = now - self._last, now
        self._recent[was_missing].append(seconds)
        self._latest.append(seconds)
        self._reading.append(seconds_reading)
        self._left[was_missing] -= 1
        self.done += 1

    @property
    def seconds(self) -> float:
        """From the beginning to the latest tile; never quite 0."""
        return max(self._last - self._start, 1e-9)

    @property
    def tiles_per_second(self) -> float:
        """Of the latest tiles."""
        return 1 / max(_mean(self._latest), 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """None while there are missing tiles and none was done."""
        missing, stored = self._recent[True], self._recent[False]
        if self._left[True] and not missing:
            return None
        to_do = self._left[True] * _mean(missing) if missing else 0.0
        # Tiles are checked last; until then it is known only how long reading takes.
        return to_do + self._left[False] * _mean(stored or self._reading)


def _mean(seconds: deque[float]) -> float:
    return sum(seconds) / len(seconds)
