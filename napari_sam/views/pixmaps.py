"""Arrays as pictures of Qt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QImage, QPixmap


def to_pixmap(rgb: NDArray[np.uint8]) -> QPixmap:
    """Return a picture of an (H, W, 3) uint8 array; it keeps no hold of the array."""
    pixels = np.ascontiguousarray(rgb)
    height, width, _ = pixels.shape
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    # QPixmap copies, so that the array may go.
    return QPixmap.fromImage(image.copy())
