"""Segment everything in this process, see `tilesam.embedding.line`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tilesam.embedding.line import work_locally
from tilesam.everything.work import decode_read, read_tile, write_decoded

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence, Set

    from tilesam.embedding.work_list import WorkList
    from tilesam.everything.job import (
        DecodedTile,
        EverythingJob,
        ReadTile,
        TileResult,
    )
    from tilesam.types import TileKey


def segment_locally(
    work: WorkList, job: EverythingJob, *, cancelled: threading.Event
) -> Generator[TileResult, None, None]:
    """Segment one tile after the other, and say what became of each once it is stored.

    Parameters
    ----------
    work
        The tiles.
    job
        What they have in common.
    cancelled
        Ends the run between tiles.

    Raises
    ------
    TilesamError
        What a step raised, see `segment_tile`. What was decoded before is stored and
        yielded first.
    """
    return work_locally(work, _Steps(job), batch_size=1, cancelled=cancelled)


class _Steps:
    """See `tilesam.embedding.line.Steps`."""

    def __init__(self, job: EverythingJob) -> None:
        self._job = job

    def read(self, key: TileKey) -> ReadTile:
        return read_tile(key, self._job)

    def compute(self, batch: Sequence[ReadTile]) -> list[DecodedTile]:
        return [decode_read(tile, self._job) for tile in batch]

    def write(self, done: DecodedTile) -> TileResult:
        return write_decoded(done, self._job)

    def stored_keys(self) -> Set[TileKey]:
        return self._job.masks.keys()
