"""All that stands behind the docks for one image layer of one viewer, without widgets.

It joins the parts: what is clicked in layers becomes prompts of the state, controllers
have the engine answer them, and answers become layers again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from napari.layers import Image, Labels, Layer
from psygnal import Signal

from napari_sam.candidate_layers import CandidateLayers
from napari_sam.chosen_objects import ChosenObjects
from napari_sam.controllers.candidates import CandidatesController
from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.everything import EverythingController
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.controllers.prompting import PromptingController
from napari_sam.drawn_state import DrawnState
from napari_sam.engine_thread import EngineThread, Job, Priority
from napari_sam.gui_thread import GuiThread
from napari_sam.prompt_layers import PromptLayers
from napari_sam.region_layer import RegionLayer
from napari_sam.session_opening import open_view
from napari_sam.sources import LayerView, view_layer
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import NO_TILES, EmbeddingState
from napari_sam.state.everything import EverythingState
from napari_sam.store_place import clear_store
from napari_sam.tile_map_layer import TileMapLayer
from napari_sam.view_region import shown_region
from tilesam.annotation.overlaps import Policy
from tilesam.errors import StoreError, TilesamError
from tilesam.types import UInt8Array, Window

if TYPE_CHECKING:
    from napari import Viewer

    from tilesam.model.runtime import SamModel
    from tilesam.session import Session

logger = logging.getLogger(__name__)

NEW: Literal["new"] = "new"
"""Stands for an objects layer that is to be made."""

KEYS = {
    "polarity": "T",
    "next_candidate": "C",
    "accept": "Q",
    "reject": "W",
    "next_object": "N",
    "clear": "Shift-C",
    "undo": "Control-Z",
    "redo": "Control-Shift-Z",
}
"""What each key does while a prompt layer, or the objects layer, is active."""


class Annotator:
    """Annotates an image layer; on the GUI thread.

    Parameters
    ----------
    viewer
        The layer is in.
    image
        Any Image layer of which the viewer shows a plane.
    model
        Registry name or path of a checkpoint; loaded in the background.
    device
        By default the best there is.
    store
        Folder in which embeddings are kept; by default they are only in memory.

    Attributes
    ----------
    session
        None until it is open, and while another plane is being opened.
    opened
        Emitted when a session is ready to be asked.
    objects
        Where masks are accepted; its `current` is None before the first.
    closed
        Emitted once at the end, also when the image or a layer of prompts was removed
        from the viewer.
    """

    opened = Signal()
    closed = Signal()

    def __init__(
        self,
        viewer: Viewer,
        image: Image,
        *,
        model: str = "tiny",
        device: str | None = None,
        store: Path | None = None,
    ) -> None:
        self.viewer, self.image = viewer, image
        self.model, self.device, self.store = model, device, store
        self.annotation = AnnotationState()
        self.embedding = EmbeddingState()
        self.everything = EverythingState()
        self.session: Session | None = None
        self.is_closed = False
        self._gui = GuiThread()
        self._thread = EngineThread(self._gui.deliver)
        self._openings = Generation()
        self._controllers: tuple[Any, ...] = ()
        self._view: LayerView | None = None
        self._notice = ""
        self._loaded: tuple[tuple[str, str | None], SamModel] | None = None
        self.tile_map = TileMapLayer(
            viewer.layers, image, self.embedding, self._gui.later
        )
        self.region = RegionLayer(viewer.layers, image)
        self.prompt_layers = PromptLayers(viewer.layers, viewer.dims, image)
        self.candidate_layers = CandidateLayers(
            viewer.layers,
            image,
            below=(self.prompt_layers.points, self.prompt_layers.boxes),
        )
        self.objects = ChosenObjects(
            *(viewer.layers, viewer.dims, image),
            below=lambda: [*self._prompts_shown(), *self._answers_shown()],
            plane=lambda: self.plane,
        )
        self.objects.changed.connect(self._paint_into_objects)
        self._drawn = DrawnState(
            *(self.annotation, self.prompt_layers, self.candidate_layers),
            plane=lambda: self.plane,
        )
        self.prompt_layers.bind_keys(self._actions())
        self.candidate_layers.bind_keys(self._actions())
        self._connect()
        self.open()

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns that is annotated."""
        return () if self._view is None else self._view.plane

    def open(self) -> None:
        """Open what the viewer shows of the image; the answer comes by `opened`."""
        try:
            view = view_layer(self.image, self.viewer.dims)
        except TilesamError as error:
            self.annotation.message = message_of(error)
            return
        if self._view is not None and not view.changes_since(self._view):
            return
        kept = None if self.session is None else self.session.store
        self._leave_session()
        self._view = view
        wanted = self.model, self.device
        # Another plane, or another store, is no reason to load the same weights again.
        is_loaded = self._loaded is not None and self._loaded[0] == wanted
        known = self._loaded[1] if is_loaded else None
        self._thread.submit(
            Job(
                partial(open_view, view, *wanted, self.store, known, kept),
                Priority.PROMPT,
                on_result=partial(self._on_opened, wanted),
                on_error=self._on_failed,
                is_late=self._openings.advance(),
            )
        )

    def use_model(self, model: str, device: str | None = None) -> None:
        """Have another model answer from now on."""
        self.model, self.device = model, device
        self._open_anew()

    def use_store(self, store: Path | None) -> None:
        """Keep embeddings in a folder from now on; None for in memory only."""
        self.store = store
        self._open_anew()

    def clear_store(self) -> None:
        """Remove all embeddings of the image by this model."""
        if self.session is None:
            return
        store = self.session.store
        self._leave_session()
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

    def window(self, where: Literal["view", "image", "region"]) -> Window | None:
        """Return the pixels that are shown, all of them, or the drawn ones.

        None while there are none, and while no session is open.
        """
        if self.session is None:
            return None
        image_hw = self.session.image_hw
        if where == "view":
            return shown_region(self.image, image_hw)
        if where == "region":
            return self.region.window(image_hw)
        return Window(0, 0, *image_hw)

    def accept(self, policy: Policy | None = None) -> None:
        """Paint the chosen candidate, into a new layer if none was chosen.

        Parameters
        ----------
        policy
            What becomes of pixels that other objects have; by default what was chosen
            for the layer. The answer to a `question` of the state.
        """
        candidates = self.controller(CandidatesController)
        if candidates is None:
            return
        is_wanted = self.annotation.candidates or self.annotation.is_busy
        if self.objects.current is None and is_wanted:
            self.choose_objects(NEW)
            if self.objects.current is None:
                return
        candidates.accept(policy)

    def choose_objects(self, layer: Labels | Literal["new"]) -> None:
        """Accept masks into another layer or a new one; the state says why not."""
        try:
            if layer == NEW:
                self.objects.add_new()
            else:
                self.objects.choose(layer)
        except TilesamError as error:
            self.annotation.message = message_of(error)

    def read_pixels(
        self,
        window: Window,
        out_hw: tuple[int, int],
        on_result: Callable[[UInt8Array], None],
    ) -> None:
        """Read a part of the image in the background, shrunk or enlarged.

        Nothing is told where it cannot be read, or another session was opened since.
        """
        session = self.session
        if session is None:
            return
        self._thread.submit(
            Job(
                partial(session.source.read_resampled, window, out_hw),
                Priority.PROMPT,
                on_result=on_result,
                on_error=lambda error: logger.warning("no thumbnail: %s", error),
                is_late=lambda: self.session is not session,
            )
        )

    def is_candidate(self, layer: Labels) -> bool:
        """Return whether a layer shows answers or tiles, and cannot be painted on."""
        shown = (self.tile_map.layer, *self._answers_shown())
        return any(layer is other for other in shown)

    def cycle(self) -> None:
        """Show the next candidate."""
        self._with_candidates(lambda controller: controller.cycle())

    def choose(self, rank: int) -> None:
        """Show one of the candidates."""
        self._with_candidates(lambda controller: controller.choose(rank))

    def leave_question(self) -> None:
        """Do not accept the candidate after all."""
        self._with_candidates(lambda controller: controller.leave_question())

    def reject(self) -> None:
        """Drop the candidates; the prompts stay."""
        self._with_candidates(lambda controller: controller.reject())

    def next_object(self) -> None:
        """Drop prompts and candidates."""
        self._with_candidates(lambda controller: controller.next_object())

    def close(self) -> None:
        """Remove the layers of prompts and candidates, and end all work."""
        if self.is_closed:
            return
        self.is_closed = True
        self._openings.advance()
        self._leave_session()
        self._disconnect()
        self._drawn.close()
        self.objects.close()
        self.tile_map.close()
        self.region.close()
        self.candidate_layers.close()
        self.prompt_layers.close()
        self._gui.close()
        self._thread.stop()
        self.closed.emit()

    def _actions(self) -> dict[str, Callable[[], object]]:
        does: dict[str, Callable[[], object]] = {
            "polarity": self.prompt_layers.polarity.toggle,
            "next_candidate": self.cycle,
            "accept": self.accept,
            "reject": self.reject,
            "next_object": self.next_object,
            "clear": self.next_object,
            "undo": self.objects.undo,
            "redo": self.objects.redo,
        }
        return {KEYS[name]: action for name, action in does.items()}

    def _connect(self) -> None:
        self.viewer.layers.events.removed.connect(self._on_removed)
        self.viewer.dims.events.point.connect(self._on_moved)
        self.viewer.dims.events.ndisplay.connect(self._on_moved)
        self.image.events.data.connect(self._on_moved)

    def _disconnect(self) -> None:
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.viewer.dims.events.point.disconnect(self._on_moved)
        self.viewer.dims.events.ndisplay.disconnect(self._on_moved)
        self.image.events.data.disconnect(self._on_moved)

    def _prompts_shown(self) -> list[Layer]:
        return [self.prompt_layers.points, self.prompt_layers.boxes]

    def _answers_shown(self) -> list[Layer]:
        """Return the layers of candidates, also while they are hidden."""
        layers = [self.candidate_layers.layer(rank) for rank in range(3)]
        return [layer for layer in layers if layer is not None]

    def _open_anew(self) -> None:
        self._view = None
        self.open()

    def _on_not_cleared(self, error: Exception) -> None:
        self._notice = message_of(error)

    def _on_opened(self, wanted: tuple[str, str | None], session: Session) -> None:
        self.session = session
        self._loaded = wanted, session.model
        self._forget_tiles()
        shared = {"later": self._gui.later, "tiles": self.embedding}
        self._controllers = (
            PromptingController(session, self.annotation, self._thread, **shared),
            CandidatesController(session, self.annotation),
            EmbeddingController(session, self.embedding, self._thread),
            EverythingController(
                *(session, self.everything, self._thread),
                image_name=self.image.name,
                **shared,
            ),
        )
        self._paint_into_objects()
        self.tile_map.follow(session, self.plane)
        self._with(EmbeddingController, lambda controller: controller.refresh())
        self.opened.emit()
        # Last: estimates, which begin with a session, take back what was said before.
        self.embedding.message, self._notice = self._notice, ""
        self._drawn.read()
        self._with(PromptingController, lambda controller: controller.ask_again())

    def _forget_tiles(self) -> None:
        """Another session has tiles of its own."""
        state = self.embedding
        state.stored = state.planned = state.in_work = NO_TILES
        state.estimate = state.progress = None

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, StoreError) and self.store is not None:
            # Without its store the image can still be asked about.
            self._notice = message_of(error)
            self.use_store(None)
        else:
            self.annotation.fail(message_of(error))

    def _leave_session(self) -> None:
        for controller in self._controllers:
            controller.close()
        self._controllers, self.session = (), None
        self.annotation.begin_object()

    def _on_removed(self, event: Any) -> None:
        needed = (self.image, *self._prompts_shown())
        if any(event.value is layer for layer in needed):
            # Whoever deletes the prompts has enough of them.
            self.close()

    def _on_moved(self, _event: Any) -> None:
        # At once: prompts must never be read on another plane than is shown.
        self.open()

    def _paint_into_objects(self) -> None:
        chosen = self.objects.current
        if chosen is None:
            self._with_candidates(lambda c: c.paint_into(None, None))
            return
        chosen.objects.plane = self.plane
        self._with_candidates(lambda c: c.paint_into(chosen.objects, chosen.history))

    def controller(self, kind: type[Any]) -> Any:
        """Return the controller of a kind; None while no session is open."""
        return next((c for c in self._controllers if isinstance(c, kind)), None)

    def _with(self, kind: type[Any], act: Callable[[Any], object]) -> None:
        controller = self.controller(kind)
        if controller is not None:
            act(controller)

    def _with_candidates(self, act: Callable[[Any], object]) -> None:
        self._with(CandidatesController, act)
