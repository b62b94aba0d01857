"""Labels that a layer's type can hold; napari would wrap others around silently."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import ArrayLike, NDArray

from tilesam.errors import AnnotationError


def fitting_labels(values: ArrayLike, count: int, layer: Labels) -> NDArray[Any]:
    """Return (count,) labels of the type of a layer.

    Parameters
    ----------
    values
        (count,) whole numbers, or one for all.
    count
        How many pixels are labelled.
    layer
        Which will hold them.

    Raises
    ------
    AnnotationError
        If the type cannot hold one of them.
    """
    labels = np.broadcast_to(np.asarray(values), (count,))
    dtype = np.dtype(layer.dtype)
    limits = np.iinfo(dtype)
    for label in (labels.min(), labels.max()) if count else ():
        if not limits.min <= label <= limits.max:
            raise AnnotationError(
                f"label {label} does not fit into '{layer.name}' of type {dtype}; "
                f"expected at most {limits.max}; convert its type by a right click in "
                "the layer list"
            )
    return labels.astype(dtype)
