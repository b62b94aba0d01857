"""PNG, JPEG and whatever else Pillow reads, as whole arrays."""

from __future__ import annotations

import warnings
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tilesam.image.locations import unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PILLOW_MODES = {"P": "RGBA", "PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB"}
"""Modes whose numbers are no intensities, and what they are converted to."""


def read_picture(file: Path | IO[bytes], name: object) -> NDArray[Any]:
    """Return the pixels of a picture, (H, W) or (H, W, C), as they are stored.

    An EXIF orientation is not applied, so that masks fit the file's own pixel grid.

    Raises
    ------
    ImageReadError
        If the file is damaged or in an unknown format.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Large images are what this package is for; Pillow still refuses bombs.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                return _to_array(image)
    except Exception as error:  # the decoders raise whatever they trip over
        raise unreadable(name, error) from error


def _to_array(image: Any) -> NDArray[Any]:
    if image.mode in PILLOW_MODES:
        image = image.convert(PILLOW_MODES[image.mode])
    array = np.asarray(image)
    if image.mode in ("LA", "La"):
        array = array[..., 0]
    return array
