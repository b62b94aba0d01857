"""A run: decode the tiles of a plan, here or on a cluster, and say how far it is."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tilesam.embedding.checks import require_belonging, require_fitting_resources
from tilesam.embedding.progress import measured
from tilesam.embedding.work_list import WorkList
from tilesam.errors import EverythingError
from tilesam.everything.local import segment_locally
from tilesam.everything.progress import EverythingMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from tilesam.everything.job import EverythingJob
    from tilesam.everything.progress import EverythingProgress
    from tilesam.types import TileKey


def segment_tiles(
    plan: Sequence[TileKey],
    job: EverythingJob,
    *,
    client: Any = None,
    resources: Mapping[str, float] | None = None,
    cancelled: threading.Event | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Generator[EverythingProgress, None, None]:
    """Decode the tiles of a plan that have no masks yet, and check the others.

    Parameters
    ----------
    plan
        See `tilesam.embedding.order.plan_tiles`.
    job
        What the tiles have in common.
    client
        A `dask.distributed.Client`: the workers of its cluster do the work, and have
        to reach image, stores and weights under the same paths. By default this process
        does it.
    resources
        What a tile takes of a worker's own resources, for example `{"GPU": 1}`; only
        with a client.
    cancelled
        Ends the run between two tiles when it is set.
    clock
        Returns seconds.

    Yields
    ------
    EverythingProgress
        After each tile, whose masks are then stored.

    Raises
    ------
    EverythingError, EmbeddingError
        If stores, image and model do not belong together, if the client cannot be used,
        or if too many workers died.
    ImageReadError, DeviceError, TilingError, StoreError
        See `tilesam.everything.work.segment_tile`.

    Notes
    -----
    However a run ends (an error, Ctrl-C, `close()`, a kill), every tile that is stored
    is complete, and the same call goes on with those that are missing. Tiles that are
    there are compared with the image's pixels, and decoded again where it was changed.
    """
    tiles = list(dict.fromkeys(plan))
    for key in tiles:
        job.embedding.grid.check(key)
    _require_fitting(job)
    require_fitting_resources(client, resources)
    work = WorkList(tiles, job.masks.keys())
    cancelled = cancelled or threading.Event()
    if client is None:
        outcomes = segment_locally(work, job, cancelled=cancelled)
    else:
        from tilesam.everything.cluster import segment_on_cluster

        outcomes = segment_on_cluster(
            work, job, client, resources=resources, cancelled=cancelled
        )
    return measured(outcomes, work, partial(EverythingMeter, clock=clock))


def _require_fitting(job: EverythingJob) -> None:
    embedding = job.embedding
    require_belonging(embedding.source, embedding.store, embedding.model)
    contents = job.masks.contents
    if contents.embeddings.digest != embedding.store.contents.digest:
        raise EverythingError(
            "masks and embeddings are not of the same image and model; expected a "
            "folder of masks and a store that were opened for one session"
        )
    if contents.decoding.to_plain() != job.settings.to_plain():
        raise EverythingError(
            f"the decoder would be asked {job.settings}, but the folder of masks holds "
            f"{contents.decoding}; take its settings, or another folder"
        )
