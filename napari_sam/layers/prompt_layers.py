"""A layer for points and one for boxes, lying exactly on an image layer."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from napari.components import Dims, LayerList
from napari.layers import Image, Layer, Points, Shapes
from napari.layers.base import ActionType
from psygnal import Signal

from napari_sam.layers.coordinates import Plane
from napari_sam.layers.geometry import apply_geometry, follow_geometry, layer_geometry
from napari_sam.layers.layer_keys import KeyActions, bind_keys
from napari_sam.layers.layer_list import add_quietly, discard
from napari_sam.layers.mouse_order import is_click, run_last
from napari_sam.layers.plane_prompts import (
    PlanePrompts,
    clear_prompts,
    is_negative,
    read_prompts,
    write_prompts,
)
from napari_sam.layers.polarity import COLORS, FEATURE, PointPolarity

_DONE = {ActionType.ADDED, ActionType.REMOVED, ActionType.CHANGED}


class PromptLayers:
    """The prompts of one image layer in one viewer; on the GUI thread.

    Parameters
    ----------
    layers, dims
        `viewer.layers` and `viewer.dims`.
    image
        The layer that is asked about.

    Attributes
    ----------
    points, boxes
        The layers; in the viewer from the first `show` on, until somebody deletes them.
    polarity
        Of the next point.
    changed
        Emitted when a prompt on any plane was added, moved, turned or removed: once
        for each, and when the mouse is released, not while it moves.
    """

    changed = Signal()

    def __init__(self, layers: LayerList, dims: Dims, image: Image) -> None:
        self._layers, self._dims, self._image = layers, dims, image
        geometry = layer_geometry(image, world_units=dims.units)
        size = max(1.0, max(image.extent.data[1][-2:]) / 100)
        self.points = build_points(f"points: {image.name}", size, geometry)
        self.boxes = build_boxes(f"boxes: {image.name}", geometry)
        self.polarity = PointPolarity(self.points)
        self._seen = self._contents()
        self._connect()

    def show(self) -> None:
        """Add the layers to the viewer where they are missing, above all others.

        What is selected stays selected.
        """
        self._follow()
        for layer in (self.boxes, self.points):
            add_quietly(self._layers, layer)

    def use_points(self) -> None:
        """Make the next click a point."""
        self._use(self.points, "add")

    def use_boxes(self) -> None:
        """Make the next drag a box."""
        self._use(self.boxes, "add_rectangle")

    def read(self, plane: Plane) -> PlanePrompts:
        """Return the prompts on a plane."""
        return read_prompts(self.points, self.boxes, plane)

    def write(self, prompts: PlanePrompts, plane: Plane) -> None:
        """Replace the prompts on a plane; `changed` is emitted once, at the end."""
        with self.changed.paused(lambda _earlier, _later: ()):
            write_prompts(self.points, self.boxes, prompts, plane)

    def clear(self, plane: Plane | None = None) -> None:
        """Remove the prompts on a plane, or all; `changed` is emitted once."""
        with self.changed.paused(lambda _earlier, _later: ()):
            clear_prompts(self.points, self.boxes, plane)

    def bind_keys(self, actions: KeyActions) -> None:
        """Have keys call functions while one of the layers is active."""
        for layer in (self.points, self.boxes):
            bind_keys(layer, actions)

    def close(self) -> None:
        """Remove the layers, wherever they are, and let go of the image."""
        for end in self._endings:
            end()
        self._dims.events.units.disconnect(self._follow)
        self.polarity.close()
        for layer in (self.points, self.boxes):
            layer.events.data.disconnect(self._on_data)
            layer.events.features.disconnect(self._tell)
            discard(self._layers, layer)

    def _connect(self) -> None:
        for layer in (self.points, self.boxes):
            layer.events.data.connect(self._on_data)
            layer.events.features.connect(self._tell)
        self._dims.events.units.connect(self._follow)
        self._endings = (
            follow_geometry(self._image, self._follow),
            run_last(self.boxes, _remove_if_clicked),
        )

    def _use(self, layer: Layer, mode: str) -> None:
        self.show()
        layer.visible = True  # else napari refuses the tool
        self._layers.selection.active = layer
        layer.mode = mode

    def _follow(self) -> None:
        geometry = layer_geometry(self._image, world_units=self._dims.units)
        for layer in (self.points, self.boxes):
            apply_geometry(layer, geometry)

    def _on_data(self, event: Any) -> None:
        if event.action in _DONE:
            self._tell()

    def _tell(self) -> None:
        # napari tells of one change by several events.
        contents = self._contents()
        if contents != self._seen:
            self._seen = contents
            self.changed.emit()

    def _contents(self) -> tuple[Any, ...]:
        boxes = tuple(vertices.tobytes() for vertices in self.boxes.data)
        negative = is_negative(self.points).tobytes()
        return self.points.data.tobytes(), negative, boxes


def build_points(name: str, size: float, geometry: Mapping[str, Any]) -> Points:
    """Return an empty layer for points, coloured by their polarity."""
    ndim = len(geometry["scale"])
    return Points(
        np.empty((0, ndim)),
        ndim=ndim,
        name=name,
        features={FEATURE: np.empty(0, dtype=object)},
        feature_defaults={FEATURE: "positive"},
        face_color=FEATURE,
        face_color_cycle=COLORS,
        border_color="white",
        size=size,
        # Seen from far away and from close by alike.
        canvas_size_limits=(8, 16),
        **geometry,
    )


def build_boxes(name: str, geometry: Mapping[str, Any]) -> Shapes:
    """Return an empty layer for boxes."""
    return Shapes(
        ndim=len(geometry["scale"]),
        name=name,
        edge_color="white",
        face_color="transparent",
        **geometry,
    )


def _remove_if_clicked(boxes: Shapes, event: Any) -> Generator[None]:
    """Undo what the rectangle tool makes of a click: a tiny rectangle."""
    count, start = boxes.nshapes, event.pos
    # The tool came first and has added its rectangle already.
    is_drawing = boxes.mode == "add_rectangle" and count > 0
    yield
    while event.type == "mouse_move":
        yield
    if is_drawing and boxes.nshapes == count and is_click(start, event.pos):
        boxes.remove([count - 1])
