"""Embed in this process: read, encode, write, see `tilesam.embedding.line`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from tilesam.embedding.line import work_locally
from tilesam.embedding.work import (
    encode_tiles,
    read_again_if_stored,
    read_tile,
    write_tile,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Sequence, Set

    from tilesam.embedding.job import EmbeddingJob, ReadTile, TileOutcome
    from tilesam.embedding.work_list import WorkList
    from tilesam.model.runtime import SamModel
    from tilesam.store.tile import StoredTile
    from tilesam.types import TileKey

GPU_BATCH_PIXELS = 4 * 1024**2
"""Of the inputs that a GPU encodes together; fewer if its memory is too small."""

Encoded: TypeAlias = "tuple[ReadTile, StoredTile | None, float]"
"""A tile, its embedding if it was encoded, and the seconds that this took."""


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
    return work_locally(
        work,
        _EmbeddingSteps(job),
        batch_size=batch_size or default_batch_size(job.model),
        cancelled=cancelled,
    )


class _EmbeddingSteps:
    """See `tilesam.embedding.line.Steps`."""

    def __init__(self, job: EmbeddingJob) -> None:
        self._job = job

    def read(self, key: TileKey) -> ReadTile:
        return read_tile(key, self._job)

    def compute(self, batch: Sequence[ReadTile]) -> list[Encoded]:
        tiles = [read_again_if_stored(tile, self._job) for tile in batch]
        encoded, seconds = encode_tiles(tiles, self._job)
        return [
            (tile, one, 0.0 if one is None else seconds)
            for tile, one in zip(tiles, encoded, strict=True)
        ]

    def write(self, done: Encoded) -> TileOutcome:
        return write_tile(*done, self._job)

    def stored_keys(self) -> Set[TileKey]:
        return self._job.store.keys()
