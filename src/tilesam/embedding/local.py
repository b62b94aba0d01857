"""Embed in this process, so that the encoder never waits.

Threads read tiles ahead of the encoder, which runs in the calling thread, and others
write behind it. Both queues are bounded, so that memory does not grow with the image.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tilesam.embedding.work import (
    encode_tiles,
    read_again_if_stored,
    read_tile,
    write_tile,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator
    from concurrent.futures import Future

    from tilesam.embedding.job import EmbeddingJob, ReadTile, TileOutcome
    from tilesam.embedding.work_list import WorkList
    from tilesam.model.runtime import SamModel
    from tilesam.types import TileKey

MOST_READERS = 4
WRITERS = 2
WAITING_WRITES = 4
"""More than so many encoded tiles per writer never wait: the disk is slower then."""

GPU_BATCH_PIXELS = 4 * 1024**2
"""Of the inputs that a GPU encodes together; fewer if its memory is too small."""


def default_batch_size(model: SamModel) -> int:
    """Return how many tiles to encode together on the model's device.

    On the CPU one: larger batches are no faster there, and the last digits of the
    results would depend on which tiles happen to come together.
    """
    if model.device.type == "cpu":
        return 1
    return max(1, GPU_BATCH_PIXELS // model.input_size**2)


def embed_locally(
    work: WorkList,
    job: EmbeddingJob,
    *,
    batch_size: int | None,
    cancelled: threading.Event,
) -> Generator[TileOutcome, None, None]:
    """Embed tiles one after the other, and say what became of each once it is stored.

    Parameters
    ----------
    work
        The tiles.
    job
        What they have in common.
    batch_size
        How many are encoded together; None takes `default_batch_size`.
    cancelled
        Ends the run between tiles.

    Raises
    ------
    TilesamError
        What a step raised, see `embed_tile`. What was encoded before is stored and
        yielded first.
    """
    line = _Line(work, job, batch_size or default_batch_size(job.model))
    try:
        while not cancelled.is_set() and (batch := line.next_batch()):
            line.encode(batch)
            yield from line.stored(all_but=WRITERS * WAITING_WRITES)
        yield from line.stored()
    except Exception:
        yield from line.stored(despite_errors=True)
        raise
    finally:
        line.close()


class _Line:
    """Readers, the encoder and writers in a row."""

    def __init__(self, work: WorkList, job: EmbeddingJob, batch_size: int) -> None:
        self._work, self._job, self._batch_size = work, job, batch_size
        reader_count = max(1, min(MOST_READERS, os.cpu_count() or 1))
        self._ahead = batch_size + 2 * reader_count
        self._readers = ThreadPoolExecutor(reader_count, "tilesam-read")
        self._writers = ThreadPoolExecutor(WRITERS, "tilesam-write")
        self._reading: deque[tuple[TileKey, Future[ReadTile]]] = deque()
        self._writing: deque[Future[TileOutcome]] = deque()

    def next_batch(self) -> list[ReadTile]:
        """Return the next tiles, read; fewer than a batch at the end or on an error."""
        batch: list[ReadTile] = []
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
            future = self._readers.submit(read_tile, key, self._job)
            self._reading.append((key, future))

    def encode(self, batch: list[ReadTile]) -> None:
        """Encode tiles and hand them to the writers."""
        batch = [read_again_if_stored(tile, self._job) for tile in batch]
        encoded, seconds = encode_tiles(batch, self._job)
        for tile, embedding in zip(batch, encoded, strict=True):
            share = 0.0 if embedding is None else seconds
            self._writing.append(
                self._writers.submit(write_tile, tile, embedding, share, self._job)
            )

    def stored(
        self, *, all_but: int = 0, despite_errors: bool = False
    ) -> Generator[TileOutcome, None, None]:
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
        self._work.move_away(self._job.store.keys())

    def close(self) -> None:
        """Stop reading; wait until what was encoded is written."""
        self._readers.shutdown(wait=True, cancel_futures=True)
        self._writers.shutdown(wait=True)
