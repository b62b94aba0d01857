"""Embed on a user's cluster, see `tilesam.embedding.crowd`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from tilesam.embedding.crowd import work_on_cluster
from tilesam.embedding.parcel import embed_parcel
from tilesam.errors import EmbeddingError

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Mapping

    from tilesam.embedding.job import EmbeddingJob, TileOutcome
    from tilesam.embedding.work_list import WorkList


def embed_on_cluster(
    work: WorkList,
    job: EmbeddingJob,
    client: Any,
    *,
    resources: Mapping[str, float] | None,
    cancelled: threading.Event,
) -> Generator[TileOutcome, None, None]:
    """Have the workers of a client embed tiles, and say what became of each.

    Parameters
    ----------
    work
        The tiles.
    job
        What they have in common.
    client
        A `dask.distributed.Client` that is not asynchronous.
    resources
        What a tile takes of a worker's own resources.
    cancelled
        Ends the run; tiles that workers have begun may still be stored.

    Raises
    ------
    EmbeddingError
        If the client cannot be used, lost its scheduler, or workers died again and
        again over one tile.
    TilesamError
        What a worker raised, see `embed_tile`.
    """
    job = with_callers_threads(job)
    return work_on_cluster(
        *(work, embed_parcel, job, client),
        stored_keys=job.store.keys,
        resources=resources,
        cancelled=cancelled,
    )


def with_callers_threads(job: EmbeddingJob) -> EmbeddingJob:
    """Return a job that workers do with as many CPU threads as this process has.

    Dask gives its workers one thread each, which changes the last digits.
    """
    if job.torch_threads is None and job.model.device.type == "cpu":
        return replace(job, torch_threads=torch.get_num_threads())
    return job


def connect(address: str, *, timeout_s: float = 10.0) -> Any:
    """Return a `dask.distributed.Client` of a scheduler; close it after use.

    Raises
    ------
    EmbeddingError
        If distributed is not installed, or nobody answers at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise EmbeddingError(
            f"a cluster cannot be used: {error}; run "
            'pip install "napari-sam-tiles[distributed]"'
        ) from error
    try:
        return Client(address, timeout=timeout_s, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise EmbeddingError(
            f"no scheduler answers at {address!r} ({reason}); expected the address "
            "that `dask scheduler` prints, for example tcp://10.0.0.1:8786; check "
            "that it runs and can be reached from here"
        ) from error
