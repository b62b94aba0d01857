"""A run: embed the tiles of a plan, here or on a cluster, and say how far it is."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from tilesam.embedding.checks import require_belonging, require_fitting_resources
from tilesam.embedding.job import EmbeddingJob
from tilesam.embedding.local import embed_locally
from tilesam.embedding.progress import ProgressMeter, measured
from tilesam.embedding.work_list import WorkList
from tilesam.errors import EmbeddingError, StoreWriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from tilesam.embedding.progress import EmbeddingProgress
    from tilesam.image import ImageSource
    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.tiling import Grid
    from tilesam.types import TileKey


def embed_tiles(
    plan: Sequence[TileKey],
    grid: Grid,
    source: ImageSource,
    store: EmbeddingStore,
    model: SamModel,
    *,
    client: Any = None,
    resources: Mapping[str, float] | None = None,
    skip_background: bool = False,
    replace_changed: bool = False,
    batch_size: int | None = None,
    torch_threads: int | None = None,
    cancelled: threading.Event | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Generator[EmbeddingProgress, None, None]:
    """Embed the tiles of a plan that the store does not have, and check the others.

    Parameters
    ----------
    plan
        See `tilesam.embedding.order.plan_tiles`.
    grid, source, store, model
        The lattice over the image, the image, where embeddings are kept, the network.
    client
        A `dask.distributed.Client`: the workers of its cluster do the work, and have
        to reach image, store and weights under the same paths. By default this process
        does it.
    resources
        What a tile takes of a worker's own resources, for example `{"GPU": 1}`; only
        with a client.
    skip_background
        Leave out tiles that certainly show nothing, see
        `tilesam.embedding.background.is_background`; they are counted as skipped.
    replace_changed
        Embed tiles anew whose pixels are others than those stored. By default the
        first of them ends the run.
    batch_size
        Tiles encoded together; by default one on the CPU and several on a GPU. Not
        with a client.
    torch_threads
        How many threads of the CPU encode a tile, here or on each worker. By default
        as many as torch uses in this process.
    cancelled
        Ends the run between two tiles when it is set.
    clock
        Returns seconds.

    Yields
    ------
    EmbeddingProgress
        After each tile, which is then complete in the store.

    Raises
    ------
    EmbeddingError
        If store, image and model do not belong together, if a stored tile was made
        from other pixels, if the client cannot be used, or if too many workers died.
    StoreWriteError
        If the store is read-only, or the disk full.
    ImageReadError, DeviceError, TilingError
        See `tilesam.embedding.work.embed_tile`.

    Notes
    -----
    However a run ends (an error, Ctrl-C, `close()`, a kill), every tile that is stored
    is complete, and the same call goes on with those that are missing. Several runs may
    fill one store at once.

    On one kind of CPU and with one number of threads it makes no difference to a
    single bit of what is stored how often a run was interrupted and where it ran.
    """
    tiles = list(dict.fromkeys(plan))
    for key in tiles:
        grid.check(key)
    require_belonging(source, store, model)
    require_fitting_resources(client, resources)
    _require_fitting_batch(client, batch_size)
    work = WorkList(tiles, store.keys())
    _require_writable(store, missing=len(work.missing_at_start))
    job = EmbeddingJob(
        *(grid, source, store, model),
        skip_background=skip_background,
        replace_changed=replace_changed,
        torch_threads=torch_threads,
    )
    cancelled = cancelled or threading.Event()
    if client is None:
        outcomes = embed_locally(work, job, batch_size=batch_size, cancelled=cancelled)
    else:
        from tilesam.embedding.cluster import embed_on_cluster

        outcomes = embed_on_cluster(
            work, job, client, resources=resources, cancelled=cancelled
        )
    return measured(outcomes, work, partial(ProgressMeter, clock=clock))


def _require_fitting_batch(client: Any, batch_size: int | None) -> None:
    if client is not None and batch_size is not None:
        raise EmbeddingError(
            f"batch_size is {batch_size}, but there is a client; workers embed tile by "
            "tile; leave it out"
        )
    if batch_size is not None and batch_size < 1:
        raise EmbeddingError(f"batch_size is {batch_size}; expected at least 1")


def _require_writable(store: EmbeddingStore, *, missing: int) -> None:
    if missing and not store.is_writable:
        raise StoreWriteError(
            f"{store!r} is read-only, and {missing} tiles are missing in it; embed "
            "into a folder that you may write to"
        )
