"""dask arrays, known by their manners so that dask need not be installed."""

from __future__ import annotations

import sys
from typing import Any


def is_dask(array: object) -> bool:
    """Return whether an array is computed by dask."""
    return hasattr(array, "__dask_graph__")


def is_computed_here(array: Any) -> bool:
    """Return whether this is dask that can be computed in this process.

    What lives on a cluster, as futures, has to be asked of it, and dask does so itself.
    """
    if not is_dask(array):
        return False
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return True
    return not any(
        isinstance(task, distributed.Future)
        for layer in array.__dask_graph__().layers.values()
        # The others are rules that have not been written out, and hold no futures.
        if layer.is_materialized()
        for task in layer.values()
    )


def computed(part: Any) -> Any:
    """Return the values of a part, computed by the calling thread alone.

    Several chunks are read at once by threads of our own already, and on the worker of
    a cluster a read must not turn into further tasks of that cluster.
    """
    return part.compute(scheduler="synchronous")
