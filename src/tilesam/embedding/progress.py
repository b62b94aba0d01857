"""How far a run is, how fast, and how long it will still take."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.embedding.job import TileOutcome

RECENT_TILES = 16
"""The speed is that of so many tiles: what came before may have been another disk."""


@dataclass(frozen=True)
class EmbeddingProgress:
    """Where a run stands after a tile.

    Parameters
    ----------
    done, total
        Tiles of the plan.
    embedded, present, skipped
        What became of those done: embedded and stored now, found in the store, or
        left out as background.
    bytes_written
        Of the embeddings.
    tiles_per_second
        Of the latest tiles, whatever became of them.
    seconds_left
        None while there are tiles to embed and none was.
    encoder_share
        Seconds of encoding per second so far; on a cluster the sum over all workers,
        that is how many encoders ran on average.
    outcome
        Of the tile itself.
    """

    done: int
    total: int
    embedded: int
    present: int
    skipped: int
    bytes_written: int
    tiles_per_second: float
    seconds_left: float | None
    encoder_share: float
    outcome: TileOutcome


class ProgressMeter:
    """Sums up outcomes as they come.

    Parameters
    ----------
    total
        Tiles of the run.
    missing
        Of these, how many the store does not have; the others are only checked, which
        is faster.
    clock
        Returns seconds; it begins to count now.
    """

    def __init__(self, total: int, missing: int, *, clock: Callable[[], float]) -> None:
        self._total = total
        self._clock = clock
        self._start = self._last = clock()
        self._counts: Counter[str] = Counter()
        self._bytes_written = 0
        self._encoding = 0.0
        self._left = {True: missing, False: total - missing}
        # Separately for tiles that were missing and for those that were not.
        self._recent = {
            was_missing: deque[float](maxlen=RECENT_TILES)
            for was_missing in (True, False)
        }
        self._latest = deque[float](maxlen=RECENT_TILES)
        self._reading = deque[float](maxlen=RECENT_TILES)

    def add(self, outcome: TileOutcome, *, was_missing: bool) -> EmbeddingProgress:
        """Count one more tile.

        Parameters
        ----------
        was_missing
            Whether the store did not have it when the run began.
        """
        now = self._clock()
        seconds, self._last = now - self._last, now
        self._recent[was_missing].append(seconds)
        self._latest.append(seconds)
        self._reading.append(outcome.seconds_reading)
        self._left[was_missing] -= 1
        self._counts[outcome.status] += 1
        self._bytes_written += outcome.nbytes
        self._encoding += outcome.seconds_encoding
        return EmbeddingProgress(
            done=self._counts.total(),
            total=self._total,
            embedded=self._counts["embedded"],
            present=self._counts["present"],
            skipped=self._counts["skipped"],
            bytes_written=self._bytes_written,
            tiles_per_second=1 / max(_mean(self._latest), 1e-9),
            seconds_left=self._seconds_left(),
            encoder_share=self._encoding / max(now - self._start, 1e-9),
            outcome=outcome,
        )

    def _seconds_left(self) -> float | None:
        missing, stored = self._recent[True], self._recent[False]
        if self._left[True] and not missing:
            return None
        to_embed = self._left[True] * _mean(missing) if missing else 0.0
        # Tiles are checked last; until then it is known only how long reading takes.
        return to_embed + self._left[False] * _mean(stored or self._reading)


def _mean(seconds: deque[float]) -> float:
    return sum(seconds) / len(seconds)
