"""Three steps for each tile in this process: read ahead, compute, write behind.

Threads read tiles ahead of the network, which runs in the calling thread, and others
write behind it, so that it never waits. Both queues are bounded, so that memory does
not grow with the image.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from tilesam.embedding.work_list import Outcome, OutcomeT

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence, Set
    from concurrent.futures import Future

    from tilesam.embedding.work_list import WorkList
    from tilesam.types import TileKey

ReadT = TypeVar("ReadT")
DoneT = TypeVar("DoneT")
Outcome_co = TypeVar("Outcome_co", bound=Outcome, covariant=True)

MOST_READERS = 4
WRITERS = 2
WAITING_WRITES = 4
"""More than so many computed tiles per writer never wait: the disk is slower then."""


class Steps(Protocol[ReadT, DoneT, Outcome_co]):
    """What a run does with its tiles."""

    def read(self, key: TileKey) -> ReadT:
        """Read a tile; several threads do at once."""

    def compute(self, batch: Sequence[ReadT]) -> list[DoneT]:
        """Return what the network makes of tiles; the calling thread does."""

    def write(self, done: DoneT) -> Outcome_co:
        """Store it; several threads do at once."""

    def stored_keys(self) -> Set[TileKey]:
        """Return the tiles that are stored now."""


def work_locally(
    work: WorkList,
    steps: Steps[ReadT, DoneT, OutcomeT],
    *,
    batch_size: int,
    cancelled: threading.Event,
) -> Generator[OutcomeT, None, None]:
    """Take the steps for one tile after the other, and say what became of each.

    Parameters
    ----------
    work
        The tiles.
    steps
        What to do with them.
    batch_size
        How many are computed together.
    cancelled
        Ends the run between tiles.

    Raises
    ------
    TilesamError
        What a step raised. What was computed before is stored and yielded first.
    """
    line = _Line(work, steps, batch_size)
    try:
        while not cancelled.is_set() and (batch := line.next_batch()):
            line.compute(batch)
            yield from line.stored(all_but=WRITERS * WAITING_WRITES)
        yield from line.stored()
    except Exception:
        yield from line.stored(despite_errors=True)
        raise
    finally:
        line.close()


class _Line(Generic[ReadT, DoneT, OutcomeT]):
    """Readers, the network and writers in a row."""

    def __init__(
        self, work: WorkList, steps: Steps[ReadT, DoneT, OutcomeT], batch_size: int
    ) -> None:
        self._work, self._steps, self._batch_size = work, steps, batch_size
        reader_count = max(1, min(MOST_READERS, os.cpu_count() or 1))
        self._ahead = batch_size + 2 * reader_count
        self._readers = ThreadPoolExecutor(reader_count, "tilesam-read")
        self._writers = ThreadPoolExecutor(WRITERS, "tilesam-write")
        self._reading: deque[tuple[TileKey, Future[ReadT]]] = deque()
        self._writing: deque[Future[OutcomeT]] = deque()

    def next_batch(self) -> list[ReadT]:
        """Return the next tiles, read; fewer than a batch at the end or on an error."""
        batch: list[ReadT] = []
        while len(batch) < self._batch_size:
            self._read_ahead()
            if not self._reading or (batch and self._has_failed_to_read()):
                break
            batch.append(self._reading.popleft()[1].result())
        return batch

    def _has_failed_to_read(self) -> bool:
        return self._reading[0][1].exception() is not None

    def _read_ahead(self) -> None:
        while len(self._reading) < self._ahead:
            key = self._work.take()
            if key is None:
                return
            self._reading.append((key, self._readers.submit(self._steps.read, key)))

    def compute(self, batch: list[ReadT]) -> None:
        """Compute tiles and hand them to the writers."""
        for done in self._steps.compute(batch):
            self._writing.append(self._writers.submit(self._steps.write, done))

    def stored(
        self, *, all_but: int = 0, despite_errors: bool = False
    ) -> Generator[OutcomeT, None, None]:
        """Yield what was written, in order; wait while more are on their way."""
        while self._writing and (len(self._writing) > all_but or self._is_written()):
            future = self._writing.popleft()
            if despite_errors and future.exception() is not None:
                continue
            outcome = future.result()
            if self._work.is_done_by_others(outcome):
                self._move_away()
            yield outcome

    def _is_written(self) -> bool:
        return self._writing[0].done()

    def _move_away(self) -> None:
        for _, future in self._reading:
            future.cancel()
        self._work.give_back(key for key, _ in self._reading)
        self._reading.clear()
        self._work.move_away(self._steps.stored_keys())

    def close(self) -> None:
        """Stop reading; wait until what was computed is written."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writers.shutdown(wait=True)
