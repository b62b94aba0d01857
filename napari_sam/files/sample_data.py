"""Sample images for the menu File > Open Sample.

Nothing is downloaded: the small ones lie inside scikit-image's own wheel, the large
ones are drawn while they are looked at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LayerData = tuple[NDArray[np.uint8] | list[Any], dict[str, Any], str]
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


def large_slide() -> list[LayerData]:
    """Return a slide of tissue, stained with haematoxylin and eosin, that is drawn.

    Returns
    -------
    list of LayerData
        One RGB image layer of several resolutions, the finest (30720, 40960, 3)
        uint8 with 0.25 um a pixel.
    """
    from napari_sam.files.large_samples import slide_levels

    options = {
        "name": "large slide",
        "rgb": True,
        "multiscale": True,
        "scale": (0.25, 0.25),
        "units": ("micrometer", "micrometer"),
    }
    return [(slide_levels(), options, "image")]


def large_aerial_scene() -> list[LayerData]:
    """Return fields, roads, houses and trees from above, that are drawn.

    Returns
    -------
    list of LayerData
        One RGB image layer of several resolutions, the finest (20480, 20480, 3)
        uint8 with 0.2 m a pixel.
    """
    from napari_sam.files.large_samples import aerial_levels

    options = {
        "name": "large aerial scene",
        "rgb": True,
        "multiscale": True,
        "scale": (0.2, 0.2),
        "units": ("meter", "meter"),
    }
    return [(aerial_levels(), options, "image")]
