"""What the tiles of a run have in common, packed to travel to the workers of a cluster.

It is a few kilobytes where image, store and weights are known by their paths: each
worker opens them for itself.
"""

from __future__ import annotations

import logging
import pickle
import threading
from typing import TYPE_CHECKING, Generic, TypeVar

from tilesam.embedding.work import embed_tile
from tilesam.errors import EmbeddingError

if TYPE_CHECKING:
    from tilesam.embedding.job import EmbeddingJob, TileOutcome
    from tilesam.types import TileKey

JobT = TypeVar("JobT")

logger = logging.getLogger(__name__)

LARGE_PARCEL = 10 * 1024**2
"""In bytes; what names its files by their paths is far smaller."""


class Parcel(Generic[JobT]):
    """A job that travels pickled, and is unpacked where it is used first.

    Between workers it travels pickled too: unpacking loads the weights, which should
    not keep a worker from answering its scheduler.

    Parameters
    ----------
    packed
        What `pack` returned.
    """

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._job: JobT | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Parcel[JobT]], tuple[bytes]]:
        """Travel as it came."""
        return Parcel, (self._packed,)

    def __sizeof__(self) -> int:
        """Return what it costs to send."""
        return len(self._packed)

    def open(self) -> JobT:
        """Return the job; the first call loads the model and opens image and store."""
        with self._lock:
            if self._job is None:
                self._job = pickle.loads(self._packed)
            return self._job


def pack(job: object) -> bytes:
    """Pickle a job.

    Raises
    ------
    EmbeddingError
        If image, store or model exist in this process alone.
    """
    import cloudpickle  # type: ignore[import-untyped]

    try:
        packed: bytes = cloudpickle.dumps(job)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise EmbeddingError(
            f"a client was given, but {error}; expected an image and a store that "
            "workers can open; open both by their paths"
        ) from error
    if len(packed) > LARGE_PARCEL:
        logger.warning(
            "%.0f MB travel to every worker; open image and model by path to send less",
            len(packed) / 1e6,
        )
    return packed


def embed_parcel(key: TileKey, parcel: Parcel[EmbeddingJob]) -> TileOutcome:
    """Embed a tile of a job, on a worker."""
    job = parcel.open()
    return embed_tile(
        *(key, job.grid, job.source, job.store, job.model),
        skip_background=job.skip_background,
        replace_changed=job.replace_changed,
        torch_threads=job.torch_threads,
    )
