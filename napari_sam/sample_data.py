"""Sample images for the menu File > Open Sample; all ship with scikit-image.

Nothing is downloaded: the files lie inside scikit-image's own wheel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LayerData = tuple[NDArray[np.uint8], dict[str, Any], str]
"""What napari makes a layer of: data, keyword arguments, layer type."""


def immunohistochemistry() -> list[LayerData]:
    """Return colonic glands, stained with haematoxylin and DAB.

    Returns
    -------
    list of LayerData
        One RGB image layer, (512, 512, 3) uint8.
    """
    from skimage import data

    image = data.immunohistochemistry()
    return [(image, {"name": "immunohistochemistry", "rgb": True}, "image")]


def cell() -> list[LayerData]:
    """Return a single cell in suspension, refractive index as grey values.

    Returns
    -------
    list of LayerData
        One grey image layer, (660, 550) uint8.
    """
    from skimage import data

    return [(data.cell(), {"name": "cell"}, "image")]


def coins() -> list[LayerData]:
    """Return Greek coins from Pompeii: round objects of one kind, touching no other.

    Returns
    -------
    list of LayerData
        One grey image layer, (303, 384) uint8.
    """
    from skimage import data

    return [(data.coins(), {"name": "coins"}, "image")]
