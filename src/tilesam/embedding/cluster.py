"""Embed on a user's cluster: one task of `dask.distributed` per tile.

Workers write into the store themselves, and only numbers come back. Everything that a
worker holds can be computed again, so that a run survives workers that die.
"""

from __future__ import annotations

import contextlib
import math
import queue
import time
import uuid
import warnings
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from tilesam.embedding.parcel import Parcel, embed_parcel, pack
from tilesam.errors import EmbeddingError, TilesamError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Mapping

    from tilesam.embedding.job import EmbeddingJob, TileOutcome
    from tilesam.embedding.work_list import WorkList
    from tilesam.types import TileKey

TASKS_PER_THREAD, FEWEST_TASKS = 4, 64
"""So many are known to the scheduler at a time: it is never idle, and soon stopped."""

SECONDS_OF_WAITING = 0.2
"""How late a cancelled run is noticed while no tile becomes ready."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How late workers that come or go are noticed."""


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
    _require_client(client)
    if job.torch_threads is None and job.model.device.type == "cpu":
        # Dask gives its workers one thread each, which changes the last digits.
        job = replace(job, torch_threads=torch.get_num_threads())
    crowd = _Crowd(work, client, pack(job), dict(resources or {}))
    try:
        while not cancelled.is_set() and crowd.hand_out():
            outcome = crowd.next_outcome()
            if outcome is None:
                continue
            if work.is_done_by_others(outcome):
                work.move_away(job.store.keys())
            yield outcome
    finally:
        crowd.close()


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


class _Crowd:
    """Tiles that the cluster knows of."""

    def __init__(
        self, work: WorkList, client: Any, packed: bytes, resources: dict[str, float]
    ) -> None:
        self._work, self._client, self._resources = work, client, resources
        self._name = f"embed_tile-{uuid.uuid4().hex}"
        self._running: dict[TileKey, Any] = {}
        self._finished: queue.SimpleQueue[TileKey | None] = queue.SimpleQueue()
        self._workers: set[str] = set()
        self._capacity = FEWEST_TASKS
        self._next_look = -math.inf
        with warnings.catch_warnings():
            # `pack` has said it in words that name what can be done.
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            self._parcel = client.submit(
                Parcel, packed, key=f"parcel-{uuid.uuid4().hex}"
            )
        self._parcel.add_done_callback(lambda _: self._finished.put(None))

    def hand_out(self) -> bool:
        """Tell the scheduler of more tiles; return whether any are still to come."""
        if not self._is_delivered():
            return bool(self._work)
        while len(self._running) < self._capacity:
            key = self._work.take()
            if key is None:
                break
            self._submit(key)
        return bool(self._running)

    def _is_delivered(self) -> bool:
        """Bring the parcel to new workers; return whether any worker had it."""
        if self._parcel.status in ("error", "cancelled"):
            self._ask(self._parcel.result)
        if self._parcel.status == "finished" and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
            self._look_at_workers()
        return bool(self._workers)

    def _look_at_workers(self) -> None:
        """Follow a cluster that grows, shrinks or loses workers."""
        threads = self._ask(self._client.nthreads)
        self._capacity = max(FEWEST_TASKS, TASKS_PER_THREAD * sum(threads.values()))
        if set(threads) - self._workers:
            # A task that needs resources goes where the parcel is, however many other
            # workers have nothing to do. A worker may be gone before it gets there.
            with contextlib.suppress(OSError, ValueError, CancelledError):
                self._client.replicate([self._parcel])
        self._workers |= set(threads)

    def _submit(self, key: TileKey) -> None:
        future = self._client.submit(
            embed_parcel,
            key,
            self._parcel,
            key=(self._name, key.level, key.iy, key.ix),
            resources=self._resources or None,
        )
        self._running[key] = future
        future.add_done_callback(lambda _: self._finished.put(key))

    def next_outcome(self) -> TileOutcome | None:
        """Return what became of a tile; None if none became ready for a moment."""
        try:
            key = self._finished.get(timeout=SECONDS_OF_WAITING)
        except queue.Empty:
            return None
        if key is None:
            return None
        outcome: TileOutcome = self._ask(self._running.pop(key).result)
        return outcome

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Return an answer of the cluster, or raise what people understand.

        Raises
        ------
        TilesamError
            That a worker raised.
        EmbeddingError
            Instead of everything else.
        """
        try:
            return question()
        except TilesamError:
            raise
        except (Exception, CancelledError) as error:
            raise EmbeddingError(
                f"the cluster failed with {type(error).__name__}: {error}; expected "
                "workers with the packages of this process that stay alive and have "
                "enough memory; what is stored is complete, the same call goes on"
            ) from error

    def close(self) -> None:
        """Forget all tiles that no worker has begun."""
        futures = [*self._running.values(), self._parcel]
        self._running.clear()
        if self._client.status == "running":
            self._client.cancel(futures)


def _require_client(client: Any) -> None:
    is_usable = callable(getattr(client, "submit", None)) and hasattr(
        client, "nthreads"
    )
    if not is_usable or getattr(client, "asynchronous", False):
        raise EmbeddingError(
            f"the client is {client!r}; expected a dask.distributed.Client that is not "
            "asynchronous; make one with Client(address)"
        )
