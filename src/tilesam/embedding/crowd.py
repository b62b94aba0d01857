"""Work on a user's cluster: one task of `dask.distributed` per tile.

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
from typing import TYPE_CHECKING, Any, Generic

from tilesam.embedding.parcel import Parcel, pack
from tilesam.embedding.work_list import OutcomeT
from tilesam.errors import EmbeddingError, TilesamError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Mapping, Set

    from tilesam.embedding.work_list import WorkList
    from tilesam.types import TileKey

TASKS_PER_THREAD, FEWEST_TASKS = 4, 64
"""So many are known to the scheduler at a time: it is never idle, and soon stopped."""

SECONDS_OF_WAITING = 0.2
"""How late a cancelled run is noticed while no tile becomes ready."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How late workers that come or go are noticed."""


def work_on_cluster(
    work: WorkList,
    do: Callable[[TileKey, Parcel[Any]], OutcomeT],
    job: object,
    client: Any,
    *,
    stored_keys: Callable[[], Set[TileKey]],
    resources: Mapping[str, float] | None,
    cancelled: threading.Event,
) -> Generator[OutcomeT, None, None]:
    """Have the workers of a client do something with tiles, and say what came of it.

    Parameters
    ----------
    work
        The tiles.
    do
        What a worker does with a tile and the parcel of the job; a function of a
        module, which workers find by its name.
    job
        What the tiles have in common.
    stored_keys
        Returns the tiles that are stored now.
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
        What a worker raised.
    """
    _require_client(client)
    crowd = _Crowd(work, do, client, pack(job), dict(resources or {}))
    try:
        while not cancelled.is_set() and crowd.hand_out():
            outcome = crowd.next_outcome()
            if outcome is None:
                continue
            if work.is_done_by_others(outcome):
                work.move_away(stored_keys())
            yield outcome
    finally:
        crowd.close()


class _Crowd(Generic[OutcomeT]):
    """Tiles that the cluster knows of."""

    def __init__(
        self,
        work: WorkList,
        do: Callable[[TileKey, Parcel[Any]], OutcomeT],
        client: Any,
        packed: bytes,
        resources: dict[str, float],
    ) -> None:
        self._work, self._do = work, do
        self._client, self._resources = client, resources
        self._name = f"{do.__name__}-{uuid.uuid4().hex}"
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
            self._do,
            key,
            self._parcel,
            key=(self._name, key.level, key.iy, key.ix),
            resources=self._resources or None,
        )
        self._running[key] = future
        future.add_done_callback(lambda _: self._finished.put(key))

    def next_outcome(self) -> OutcomeT | None:
        """Return what became of a tile; None if none became ready for a moment."""
        try:
            key = self._finished.get(timeout=SECONDS_OF_WAITING)
        except queue.Empty:
            return None
        if key is None:
            return None
        outcome: OutcomeT = self._ask(self._running.pop(key).result)
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
