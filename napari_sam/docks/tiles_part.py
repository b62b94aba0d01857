"""The lower part of the dock for tiles: their map, and the store they are kept in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam.controllers.messages import message_of
from napari_sam.docks.embedding_part import EmbeddingPart, single_shot
from napari_sam.opening.store_place import store_place
from napari_sam.views.records import TileCounts
from napari_sam.views.tiles_panel import TilesPanel
from tilesam.errors import TilesamError
from tilesam.opening import require_store_place
from tilesam.session import MEMORY_STORE_BYTES
from tilesam.store import MemoryStore, ZarrStore

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock
    from tilesam.session import Session
    from tilesam.types import TileKey

COUNTING = 200
"""Milliseconds between two counts of tiles, at least."""


class TilesPart:
    """Joins the panel for tiles to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.

    Attributes
    ----------
    embedding
        The part that embeds in advance.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self._lattice: tuple[Session, int, frozenset[TileKey]] | None = None
        self.panel = panel = TilesPanel()
        self.embedding = EmbeddingPart(dock, panel)
        self._counting = single_shot(panel, COUNTING, self._count)
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
        listen(events.message, self.show_message)
        listen(events.estimate, self.show_message)
        listen(annotator.annotation.events.message, self.show_message)
        listen(annotator.tile_map.shown, self._count)
        listen(annotator.opened, self._show_session)
        self._show_session()
        self.embedding.wire(annotator)

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.panel.set_estimate(None)
        self.panel.set_map(False, TileCounts())
        self.panel.set_store(None, tiles=0, nbytes=0)
        self.panel.store.choose.setEnabled(False)
        self.panel.set_message("Open an image first.")

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
        self._leave_session()

    def _clear(self) -> None:
        if self._annotator is not None:
            self._annotator.clear_store()
            self._leave_session()

    def _leave_session(self) -> None:
        self._show_session()
        self.embedding.show_session()

    def _show_session(self) -> None:
        self._count()
        self.show_message()

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
