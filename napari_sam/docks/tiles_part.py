"""The lower part of the dock for tiles: embedding in advance, map and store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.messages import message_of
from napari_sam.store_place import store_place
from napari_sam.views.records import TileCounts
from napari_sam.views.tiles_panel import TilesPanel
from tilesam.errors import TilesamError
from tilesam.opening import require_store_place
from tilesam.session import MEMORY_STORE_BYTES
from tilesam.store import MemoryStore, ZarrStore

if TYPE_CHECKING:
    from napari.components import Camera

    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock
    from tilesam.session import Session
    from tilesam.types import TileKey, Window

REST = 300
"""Milliseconds for which a view has to rest before it is estimated."""

COUNTING = 200
"""Milliseconds between two counts of tiles, at least."""

_NOTHING = {
    "view": "The view shows nothing of the image.",
    "image": "",
    "region": "Draw a region first.",
}


class TilesPart:
    """Joins the panel for tiles to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self._lattice: tuple[Session, int, frozenset[TileKey]] | None = None
        self._moves: tuple[Any, ...] = ()
        self.panel = panel = TilesPanel()
        self._resting = _single_shot(panel, REST, self._estimate_again)
        self._counting = _single_shot(panel, COUNTING, self._count)
        panel.where_changed.connect(self.estimate)
        panel.draw_region_requested.connect(self._draw_region)
        panel.embed_requested.connect(self._embed)
        panel.cancel_requested.connect(self._cancel)
        panel.map_changed.connect(self._show_map)
        panel.folder_chosen.connect(self._use_folder)
        panel.clear_requested.connect(self._clear)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        listen, events = self._dock.listen, annotator.embedding.events
        listen(events.stored, self._count_later)
        listen(events.in_work, self._count_later)
        listen(events.estimate, self._show_estimate)
        listen(events.progress, self._show_progress)
        listen(events.is_running, self._show_run)
        listen(events.message, self.show_message)
        listen(annotator.annotation.events.message, self.show_message)
        listen(annotator.tile_map.shown, self._count)
        listen(annotator.region.changed, self._show_region)
        listen(annotator.opened, self._show_session)
        if annotator.embedding.is_running:
            self.panel.start()
        else:
            self.panel.stop()
        self._show_session()

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.panel.set_estimate(None)
        self.panel.set_map(False, TileCounts())
        self.panel.set_store(None, tiles=0, nbytes=0)
        self.panel.store.choose.setEnabled(False)
        self.panel.set_message("Open an image first.")

    def watch(self, camera: Camera) -> None:
        """Estimate the view again when it was moved."""
        self._moves = (camera.events.center, camera.events.zoom)
        for move in self._moves:
            move.connect(self.on_view_moved)

    def close(self) -> None:
        """Let go of the viewer."""
        for move in self._moves:
            move.disconnect(self.on_view_moved)
        self._moves = ()

    def on_view_moved(self, _event: object = None) -> None:
        """Estimate a view anew when it has come to rest."""
        if self.panel.isVisible():
            self._resting.start()

    def estimate(self, *_: object) -> None:
        """Find out what it takes to embed what is chosen."""
        controller = self._controller()
        if self._annotator is None or controller is None:
            return
        if self._annotator.embedding.is_running:
            return
        window = self._window()
        if window is None:
            self.panel.set_estimate(None, why_not=_NOTHING[self.panel.where])
        else:
            controller.estimate(window, near_yx=_middle(window))

    def _estimate_again(self) -> None:
        # It would take back what somebody has to read first.
        annotator = self._annotator
        if annotator is not None and not annotator.embedding.message:
            self.estimate()

    def show_message(self, *_: object) -> None:
        """Say what has to be known: what went wrong, or would go wrong."""
        annotator = self._annotator
        if annotator is None:
            return
        state = annotator.embedding
        if state.message:
            self.panel.set_message(state.message, "error")
        elif annotator.session is None:
            self.panel.set_message(annotator.annotation.message, "error")
        else:
            self.panel.set_message(_warning(annotator.session, annotator), "warning")

    def _window(self) -> Window | None:
        if self._annotator is None:
            return None
        return self._annotator.window(self.panel.where)

    def _controller(self) -> EmbeddingController | None:
        if self._annotator is None:
            return None
        return self._annotator.controller(EmbeddingController)

    def _embed(self, _where: str) -> None:
        controller, window = self._controller(), self._window()
        if controller is not None and window is not None:
            controller.start(window, near_yx=_middle(window))

    def _cancel(self) -> None:
        controller = self._controller()
        if controller is not None:
            controller.cancel()

    def _draw_region(self) -> None:
        if self._annotator is not None:
            self._annotator.region.draw()

    def _show_map(self, wanted: bool) -> None:
        if self._annotator is None:
            self._count()
        elif wanted:
            self._annotator.tile_map.show()
        else:
            self._annotator.tile_map.hide()

    def _use_folder(self, folder: str) -> None:
        annotator = self._annotator
        if annotator is None or annotator.session is None:
            return
        place = store_place(Path(folder), annotator.image.name)
        try:
            # Before the session is given up that there is.
            require_store_place(place, annotator.session.source)
        except TilesamError as error:
            self.panel.set_message(message_of(error), "error")
            return
        annotator.use_store(place)
        self._show_session()

    def _clear(self) -> None:
        if self._annotator is not None:
            self._annotator.clear_store()
            self._show_session()

    def _show_session(self) -> None:
        self._show_region()
        self._count()
        self.show_message()
        if self._annotator is None or self._annotator.session is None:
            self.panel.set_estimate(None, why_not="Not known yet.")
        self.estimate()

    def _show_region(self) -> None:
        annotator = self._annotator
        if annotator is None or annotator.session is None:
            self.panel.set_region(None)
            return
        window = annotator.window("region")
        hw = None if window is None else (window.height, window.width)
        self.panel.set_region(hw)
        if self.panel.where == "region":
            self.estimate()

    def _show_estimate(self, *_: object) -> None:
        if self._annotator is not None:
            estimate = self._annotator.embedding.estimate
            self.panel.set_estimate(estimate, why_not="Estimating ...")
            self.show_message()

    def _show_run(self, is_running: bool) -> None:
        if is_running:
            self.panel.start()
        else:
            self.panel.stop()
            self._resting.start()

    def _show_progress(self, *_: object) -> None:
        if self._annotator is not None:
            state = self._annotator.embedding
            if state.is_running and state.progress is not None:
                self.panel.set_progress(state.progress)

    def _count_later(self, *_: object) -> None:
        if not self._counting.isActive():
            self._counting.start()

    def _count(self, *_: object) -> None:
        annotator = self._annotator
        if annotator is None:
            return
        session, state = annotator.session, annotator.embedding
        is_shown = annotator.tile_map.layer is not None
        if session is None:
            self.panel.set_map(is_shown, TileCounts())
            self.panel.set_store(_place(annotator), tiles=0, nbytes=0)
            self.panel.store.choose.setEnabled(False)
            return
        lattice = self._tiles(session)
        stored, in_work = len(lattice & state.stored), len(lattice & state.in_work)
        missing = len(lattice) - stored - in_work
        self.panel.set_map(is_shown, TileCounts(stored, in_work, missing))
        # Of all levels: they are stored together, and cleared together.
        tiles = len(state.stored)
        nbytes = tiles * session.store.contents.tile_nbytes
        self.panel.set_store(_place(annotator), tiles=tiles, nbytes=nbytes)

    def _tiles(self, session: Session) -> frozenset[TileKey]:
        level = session.finest_level
        if self._lattice is None or self._lattice[:2] != (session, level):
            self._lattice = session, level, frozenset(session.grid.coverage(level))
        return self._lattice[2]


def _single_shot(parent: TilesPanel, milliseconds: int, act: object) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer


def _middle(window: Window) -> tuple[float, float]:
    return window.y0 + window.height / 2, window.x0 + window.width / 2


def _place(annotator: Annotator) -> str | None:
    store = None if annotator.session is None else annotator.session.store
    if isinstance(store, ZarrStore):
        return str(store.path)
    return None if annotator.store is None else str(annotator.store)


def _warning(session: Session, annotator: Annotator) -> str:
    estimate, store = annotator.embedding.estimate, session.store
    if not store.is_writable:
        return "The store can only be read: what is embedded now is not kept."
    if isinstance(store, MemoryStore) and estimate is not None:
        wanted = store.nbytes + estimate.nbytes
        if wanted > MEMORY_STORE_BYTES:
            return "Not all of it fits into memory: choose a folder for the store."
    return ""
