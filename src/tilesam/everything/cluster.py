"""Segment everything on a user's cluster, see `tilesam.embedding.crowd`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tilesam.embedding.cluster import with_callers_threads
from tilesam.embedding.crowd import work_on_cluster
from tilesam.everything.work import segment_parcel

if TYPE_CHECKING:
    import threading
    from collections.abc import Generator, Mapping

    from tilesam.embedding.work_list import WorkList
    from tilesam.everything.job import EverythingJob, TileResult


def segment_on_cluster(
    work: WorkList,
    job: EverythingJob,
    client: Any,
    *,
    resources: Mapping[str, float] | None,
    cancelled: threading.Event,
) -> Generator[TileResult, None, None]:
    """Have the workers of a client segment tiles, and say what became of each.

    Parameters
    ----------
    work
        The tiles.
    job
        What they have in common; image, stores and weights known by their paths.
    client, resources, cancelled
        See `tilesam.embedding.crowd.work_on_cluster`.

    Raises
    ------
    EmbeddingError
        If the client cannot be used, or the cluster failed.
    TilesamError
        What a worker raised, see `segment_tile`.
    """
    return work_on_cluster(
        *(work, segment_parcel, _travelling(job), client),
        stored_keys=job.masks.keys,
        resources=resources,
        cancelled=cancelled,
    )


def _travelling(job: EverythingJob) -> EverythingJob:
    return replace(job, embedding=with_callers_threads(job.embedding))
