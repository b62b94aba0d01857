"""What a run will take, before it starts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from tilesam.torch_threads import limited_torch_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tilesam.model.runtime import SamModel
    from tilesam.store import EmbeddingStore
    from tilesam.types import TileKey

LONG_SECONDS = 1.0
"""An encoder that takes so long is timed once, a faster one again when it is warm."""

_measured: WeakKeyDictionary[SamModel, dict[int | None, float]] = WeakKeyDictionary()


@dataclass(frozen=True)
class EmbeddingEstimate:
    """What there is to do.

    Parameters
    ----------
    tiles
        Of the plan.
    missing
        Of these, how many the store does not have.
    nbytes
        That the missing ones will take in the store.
    seconds
        Of encoding them one after the other on the model's device; None if the encoder
        was not timed. Reading and writing go on meanwhile and come on top only where
        they are slower.
    """

    tiles: int
    missing: int
    nbytes: int
    seconds: float | None


def estimate_embedding(
    plan: Sequence[TileKey],
    store: EmbeddingStore,
    model: SamModel | None,
    *,
    torch_threads: int | None = None,
) -> EmbeddingEstimate:
    """Return what it will take to embed the tiles of a plan.

    Parameters
    ----------
    plan
        See `tilesam.embedding.order.plan_tiles`.
    store
        Says which tiles it has; one of them may turn out to be damaged or changed.
    model
        Is timed on one input; None spares the time, for a run that others will do.
    torch_threads
        See `tilesam.embedding.work.EmbeddingJob`.
    """
    tiles = set(plan)
    missing = len(tiles - store.keys())
    seconds = None
    if missing == 0:
        seconds = 0.0
    elif model is not None:
        seconds = missing * seconds_per_tile(model, torch_threads=torch_threads)
    return EmbeddingEstimate(
        len(tiles), missing, missing * store.contents.tile_nbytes, seconds
    )


def seconds_per_tile(
    model: SamModel,
    *,
    torch_threads: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Return how long the encoder takes for one input; measured once per model."""
    known = _measured.setdefault(model, {})
    if torch_threads not in known:
        known[torch_threads] = _time_encoder(model, torch_threads, clock)
    return known[torch_threads]


def _time_encoder(
    model: SamModel, torch_threads: int | None, clock: Callable[[], float]
) -> float:
    pixels = np.zeros((model.input_size, model.input_size, 3), np.uint8)
    seconds = LONG_SECONDS
    for _ in range(3):
        start = clock()
        with limited_torch_threads(torch_threads):
            model.embed([pixels]).cpu()
        seconds = clock() - start
        if seconds >= LONG_SECONDS:
            break
    return seconds
