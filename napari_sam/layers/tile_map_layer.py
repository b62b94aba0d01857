"""The map of tiles as a Labels layer, drawn anew as embedding goes on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components import LayerList
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from psygnal import Signal

from napari_sam.layers.coordinates import Plane, crop_to_layer
from napari_sam.layers.geometry import apply_geometry, crop_geometry, follow_geometry
from napari_sam.layers.layer_list import add_quietly, discard
from napari_sam.layers.shown_only import shown_only
from napari_sam.layers.tile_map import TileMark, draw_tile_map
from napari_sam.state.embedding import NO_TILES, EmbeddingState
from tilesam.types import TileKey

if TYPE_CHECKING:
    from tilesam.session import Session

COLORS = {
    None: "transparent",
    TileMark.UNKNOWN: "transparent",
    TileMark.MISSING: "gray",
    TileMark.STORED: "limegreen",
    TileMark.IN_WORK: "orange",
}
OPACITY = 0.35
"""The image has to be seen through it."""

SECONDS = 0.2
"""Between two drawings, at least."""

MOST_TILES = 1000
"""That one drawing adds: the window must not stand still for a slide full of them."""


class TileMapLayer:
    """Shows in the viewer which tiles of an image are embedded; on the GUI thread.

    Parameters
    ----------
    layers
        `viewer.layers`.
    image
        The layer whose tiles they are; the map lies directly on it.
    state
        What is known of its tiles.
    later
        Calls a function after some seconds.

    Attributes
    ----------
    layer
        None while no map is shown.
    shown
        Emitted with whether there is a map, also if somebody deleted its layer.
    """

    shown = Signal(bool)

    def __init__(
        self,
        layers: LayerList,
        image: Image,
        state: EmbeddingState,
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._layers, self._image, self._state = layers, image, state
        self._later = later
        self._session: Session | None = None
        self._plane: Plane = ()
        self._is_waiting = False
        self._drawn = _Drawn()
        self.layer: Labels | None = None
        state.events.stored.connect(self._draw_later)
        state.events.in_work.connect(self._draw_later)
        layers.events.removed.connect(self._on_removed)
        self._unfollow = follow_geometry(image, self._place)

    def follow(self, session: Session, plane: Plane) -> None:
        """Show the tiles of another session, of which the state tells by now."""
        self._session, self._plane = session, plane
        self._drawn = _Drawn()
        self._draw()

    def show(self) -> None:
        """Draw the map; as soon as there is a session if there is none yet."""
        if self.layer is None:
            self.layer = Labels(
                np.zeros((1,) * self._image.ndim, np.uint8),
                name=f"tiles: {self._image.name}",
                colormap=DirectLabelColormap(color_dict=COLORS),
                opacity=OPACITY,
                metadata=shown_only("tiles"),
            )
            self._draw()
            above = self._layers[self._layers.index(self._image) + 1 :]
            add_quietly(self._layers, self.layer, below=above)
            self.shown.emit(True)

    def hide(self) -> None:
        """Remove the map."""
        if self.layer is not None:
            discard(self._layers, self.layer)

    def close(self) -> None:
        """Remove the map and let go of everything."""
        self.hide()
        self._unfollow()
        self._state.events.stored.disconnect(self._draw_later)
        self._state.events.in_work.disconnect(self._draw_later)
        self._layers.events.removed.disconnect(self._on_removed)
        self._session = None

    def _on_removed(self, event: Any) -> None:
        if self.layer is not None and event.value is self.layer:
            self.layer = None
            self.shown.emit(False)

    def _draw_later(self) -> None:
        if self.layer is None or self._is_waiting:
            return
        self._is_waiting = True
        self._later(SECONDS, self._draw_now)

    def _draw_now(self) -> None:
        self._is_waiting = False
        self._draw()

    def _draw(self) -> None:
        if self.layer is None or self._session is None:
            return
        marks = self._drawn.draw(self._session, self._state)
        self.layer.data = crop_to_layer(marks, self._plane)
        self._place()
        if not self._drawn.is_complete:
            self._draw_later()

    def _place(self) -> None:
        cell = self._drawn.cell
        if self.layer is None or cell == 0:
            return
        # The middle of the first cell, in pixels whose centres are whole numbers.
        first = ((cell - 1) / 2,) * 2
        geometry = crop_geometry(self._image, (*self._plane, *first))
        geometry["scale"][-2:] *= cell
        apply_geometry(self.layer, geometry)


class _Drawn:
    """What was drawn last, so that a new tile costs one tile and not all of them."""

    def __init__(self) -> None:
        self.cell = 0
        self.is_complete = True
        self._level: int | None = None
        self._stored: frozenset[TileKey] = NO_TILES
        self._marks: NDArray[np.uint8] = np.zeros((1, 1), np.uint8)

    def draw(self, session: Session, state: EmbeddingState) -> NDArray[np.uint8]:
        """Return the marks of the level at which objects are looked for."""
        grid, level = session.grid, session.finest_level
        if level != self._level or not self._stored <= state.stored:
            # Tiles leave no place out, so what none has filled is missing.
            empty = draw_tile_map(grid, level)
            self._marks = np.maximum(empty.marks, TileMark.MISSING)
            self._level, self.cell, self._stored = level, empty.cell, NO_TILES
        added = frozenset(islice(state.stored - self._stored, MOST_TILES))
        marks = draw_tile_map(grid, level, stored=added).marks
        self._marks, self._stored = np.maximum(self._marks, marks), self._stored | added
        self.is_complete = self._stored == state.stored
        in_work = draw_tile_map(grid, level, in_work=state.in_work)
        return np.maximum(self._marks, in_work.marks)
