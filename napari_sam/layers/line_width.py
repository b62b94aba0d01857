"""Lines of Shapes layers that are as wide on the screen at any zoom.

napari's widths are in pixels of the image: on a slide a line is a hair or a wall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from napari.components import Camera
from napari.layers import Shapes

from napari_sam.layers.geometry import linear_matrix

CANVAS_PX = 2.0
"""How wide lines are on the screen."""

TOLERANCE = 0.1
"""Share by which they may be wider or narrower, so that not every step redraws them."""


class LineWidths:
    """Fits the lines of layers to the zoom of a viewer; on the GUI thread.

    Parameters
    ----------
    camera
        `viewer.scene.camera`.
    layers
        Returns the layers that there are now.
    """

    def __init__(self, camera: Camera, layers: Callable[[], Iterable[Shapes]]) -> None:
        self._camera, self._layers = camera, layers
        camera.events.zoom.connect(self.update)

    def update(self, _event: object = None) -> None:
        """Fit all lines; for layers that were just made."""
        for layer in self._layers():
            fit_lines(layer, self._camera.zoom)

    def close(self) -> None:
        """Leave the lines as they are."""
        self._camera.events.zoom.disconnect(self.update)


def fit_lines(layer: Shapes, zoom: float) -> None:
    """Make the lines of a layer, and those to come, as wide as a zoom needs.

    Parameters
    ----------
    layer
        In the units of its viewer.
    zoom
        Pixels of the canvas for one unit of the world.
    """
    plane = linear_matrix(layer)[-2:, -2:]
    pixel_size = float(np.sqrt(abs(np.linalg.det(plane))))
    width = CANVAS_PX / (zoom * pixel_size)
    if abs(width - layer.current_edge_width) > TOLERANCE * width:
        layer.current_edge_width = width
        layer.edge_width = width
