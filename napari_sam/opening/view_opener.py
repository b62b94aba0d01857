"""Keeps a session open for what an image layer shows, whatever that is just now."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import Signal

from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.layers.coordinates import Plane
from napari_sam.opening.session_opening import CachePlace, OpenedView, open_view
from napari_sam.opening.sources import LayerView, view_layer
from napari_sam.opening.store_place import clear_store
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.errors import StoreError, TilesamError

if TYPE_CHECKING:
    from napari import Viewer

    from tilesam.model.runtime import SamModel
    from tilesam.session import Session


class ViewOpener:
    """Opens the plane that a viewer shows, and another one when that changes.

    Parameters
    ----------
    viewer
        The layer is in.
    image
        Any Image layer.
    thread
        On which sessions are opened and asked.
    model, device, store
        See `napari_sam.annotator.Annotator`; the store may also be the cache.

    Attributes
    ----------
    session
        None until it is open, and while another one is being opened.
    object_diameter
        Of a typical object in pixels; None if it is not known.
    opened
        Emitted with the session, and with what a person has to be told besides.
    left
        Emitted when the session is about to be replaced; it is None already.
    failed
        Emitted with what a person has to be told.
    """

    opened = Signal(object, str)
    left = Signal()
    failed = Signal(str)

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        thread: EngineThread,
        *,
        model: str,
        device: str | None,
        store: Path | CachePlace | None,
    ) -> None:
        self.model, self.device, self.store = model, device, store
        self.object_diameter: float | None = None
        self.session: Session | None = None
        self._opened: OpenedView | None = None
        self._viewer, self._image, self._thread = viewer, image, thread
        self._openings = Generation()
        self._view: LayerView | None = None
        self._notice = ""
        self._loaded: tuple[tuple[str, str | None], SamModel] | None = None
        for event in self._moves():
            event.connect(self._on_moved)

    @property
    def plane(self) -> Plane:
        """Position along the axes before rows and columns that is open."""
        return () if self._view is None else self._view.plane

    def open(self) -> None:
        """Open what the viewer shows of the image, unless it is open already."""
        try:
            view = view_layer(self._image, self._viewer.dims)
        except TilesamError as error:
            self.failed.emit(message_of(error))
            return
        changes = None if self._view is None else view.changes_since(self._view)
        if changes is not None and not changes:
            return
        is_other = changes is not None and "data" in changes
        kept = None if self.session is None or is_other else self.session.store
        self._leave()
        self._view = view
        wanted = self.model, self.device
        # Another plane, or another store, is no reason to load the same weights again.
        is_loaded = self._loaded is not None and self._loaded[0] == wanted
        known = self._loaded[1] if is_loaded else None
        self._thread.submit(
            Job(
                partial(
                    open_view,
                    *(view, *wanted, self.store, known, kept),
                    object_diameter=self.object_diameter,
                ),
                Priority.PROMPT,
                on_result=partial(self._on_opened, wanted),
                on_error=self._on_failed,
                is_late=self._openings.advance(),
            )
        )

    def use_model(self, model: str, device: str | None) -> None:
        """Have another model answer from now on."""
        self.model, self.device = model, device
        self._open_anew()

    def use_store(self, store: Path | None) -> None:
        """Keep embeddings in a folder from now on; None for in memory only."""
        self.store = store
        self._open_anew()

    def use_object_diameter(self, diameter: float | None) -> None:
        """Look for objects that are so wide from now on; None if it is not known."""
        if diameter != self.object_diameter:
            self.object_diameter = diameter
            self._open_anew()

    def clear_store(self) -> None:
        """Remove all embeddings of the image by this model."""
        if self.session is None:
            return
        store = self.session.store
        self._leave()
        # Done before the session is opened, since it is the same thread's next job.
        self._thread.submit(
            Job(
                partial(clear_store, store),
                Priority.PROMPT,
                on_result=lambda _: None,
                on_error=self._on_not_cleared,
            )
        )
        self._open_anew()

    def close(self) -> None:
        """Follow the viewer no more, and leave the session."""
        self._openings.advance()
        for event in self._moves():
            event.disconnect(self._on_moved)
        self._leave()

    def _moves(self) -> tuple[Any, ...]:
        dims = self._viewer.dims.events
        return dims.point, dims.ndisplay, self._image.events.data

    def _open_anew(self) -> None:
        self._view = None
        self.open()

    def _leave(self) -> None:
        opened, self._opened, self.session = self._opened, None, None
        if opened is None:
            return
        self.left.emit()
        if opened.hold is not None:
            opened.hold.release()

    def _on_moved(self, _event: Any) -> None:
        # At once: prompts must never be read on another plane than is shown.
        self.open()

    def _on_opened(self, wanted: tuple[str, str | None], opened: OpenedView) -> None:
        self._opened, self.session = opened, opened.session
        self._loaded = wanted, opened.session.model
        notice, self._notice = self._notice, ""
        self.opened.emit(opened.session, notice)

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, StoreError) and self.store is not None:
            # Without its store the image can still be asked about.
            self._notice = message_of(error)
            self.use_store(None)
        else:
            self.failed.emit(message_of(error))

    def _on_not_cleared(self, error: Exception) -> None:
        self._notice = message_of(error)
