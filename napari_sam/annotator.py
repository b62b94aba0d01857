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

from napari.layers import Image
from psygnal import Signal

from napari_sam.annotation_layers import AnnotationLayers
from napari_sam.annotator_actions import KEYS, AnnotatorActions
from napari_sam.controllers.of_session import SessionControllers
from napari_sam.layers.view_region import shown_region
from napari_sam.opening.session_opening import CachePlace
from napari_sam.opening.view_opener import ViewOpener
from napari_sam.preferences import Preferences
from napari_sam.saving.keeper import SessionKeeper
from napari_sam.saving.restorer import SessionRestorer
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import NO_TILES, EmbeddingState
from napari_sam.state.everything import EverythingState
from napari_sam.state.text import TextState
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from napari_sam.threads.gui_thread import GuiThread
from tilesam.types import UInt8Array, Window

if TYPE_CHECKING:
    from napari import Viewer

    from tilesam.session import Session

logger = logging.getLogger(__name__)


class Annotator(AnnotatorActions):
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
        Folder in which embeddings are kept; by default the cache of the preferences.
    preferences
        Cache of embeddings, and where sessions are saved. By default there is no cache
        on the disk, and nothing is saved before somebody asks for it.

    Attributes
    ----------
    layers
        All that were added to the viewer.
    annotation, embedding, everything, text
        What was asked and answered, which tiles are stored, what was found.
    controllers
        Of the session; None while none is open.
    objects, prompt_layers, candidate_layers, tile_map, region, preview, similar
        These; of the objects layers the `current` one is None before the first.
    keeper, restorer
        Save the session after every step, and bring one back.
    opened
        Emitted when a session is ready to be asked.
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
        preferences: Preferences | None = None,
    ) -> None:
        self.viewer, self.image = viewer, image
        self.annotation = AnnotationState()
        self.embedding = EmbeddingState()
        self.everything = EverythingState()
        self.text = TextState()
        self.is_closed = False
        chosen = preferences or Preferences(cache_bytes=0, autosaves=False)
        self.controllers: SessionControllers | None = None
        self._gui = GuiThread()
        self._thread = EngineThread(self._gui.deliver)
        self._opener = ViewOpener(
            *(viewer, image, self._thread),
            model=model,
            device=device,
            store=store or _cache(chosen, image),
        )
        self.layers = AnnotationLayers(
            *(viewer, image, self.annotation, self.embedding, self._thread, self._gui),
            plane=lambda: self.plane,
            labels_folder=lambda: self.keeper.labels_folder(),  # noqa: PLW0108 - later
        )
        self.objects = self.layers.objects
        self.prompt_layers = self.layers.prompts
        self.candidate_layers = self.layers.candidates
        self.tile_map, self.region = self.layers.tile_map, self.layers.region
        self.preview, self.similar = self.layers.preview, self.layers.similar
        self.prompt_layers.bind_keys(self._actions())
        self.candidate_layers.bind_keys(self._actions())
        self.keeper = SessionKeeper(
            self, chosen.session_folder, is_automatic=chosen.autosaves
        )
        self.restorer = SessionRestorer(self, self.keeper)
        self._connect()
        self._opener.open()

    @property
    def session(self) -> Session | None:
        """None until it is open, and while another plane or model is being opened."""
        return self._opener.session

    @property
    def plane(self) -> tuple[int, ...]:
        """Position along the axes before rows and columns that is annotated."""
        return self._opener.plane

    @property
    def model(self) -> str:
        """Registry name or path of the model that answers, or will."""
        return self._opener.model

    @property
    def device(self) -> str | None:
        """On which it runs; None is the best there is."""
        return self._opener.device

    @property
    def store(self) -> Path | None:
        """Folder in which embeddings are kept; None if that is the cache or memory."""
        store = self._opener.store
        return store if isinstance(store, Path) else None

    @property
    def object_diameter(self) -> float | None:
        """Of a typical object in pixels of the image; None if it is not known."""
        return self._opener.object_diameter

    def use_model(self, model: str, device: str | None = None) -> None:
        """Have another model answer from now on; what is asked, it is asked again."""
        self._opener.use_model(model, device)

    def use_store(self, store: Path | None) -> None:
        """Keep embeddings in a folder from now on; None for in memory only."""
        self._opener.use_store(store)

    def use_object_diameter(self, diameter: float | None) -> None:
        """Look for objects of a size from now on, small ones more closely.

        Parameters
        ----------
        diameter
            Of a typical object in pixels of the image; None if it is not known.
        """
        self._opener.use_object_diameter(diameter)

    def clear_store(self) -> None:
        """Remove all embeddings of the image by this model."""
        self._opener.clear_store()

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
        if session is not None:
            self.in_background(
                partial(session.source.read_resampled, window, out_hw),
                on_result=on_result,
                on_error=lambda error: logger.warning("no thumbnail: %s", error),
                is_late=lambda: self.session is not session,
            )

    def in_background(
        self,
        work: Callable[[], Any],
        *,
        on_result: Callable[[Any], None],
        on_error: Callable[[Exception], None],
        is_late: Callable[[], bool] = bool,
    ) -> None:
        """Have something done on the engine's thread, as soon as a prompt would be.

        Parameters
        ----------
        work, on_result, on_error, is_late
            See `napari_sam.threads.engine_thread.Job`.
        """
        self._thread.submit(
            Job(
                work,
                Priority.PROMPT,
                on_result=on_result,
                on_error=on_error,
                is_late=is_late,
            )
        )

    def close(self) -> None:
        """Remove the layers of prompts and candidates, and end all work."""
        if self.is_closed:
            return
        self.is_closed = True
        self.keeper.close()
        self.restorer.close()
        self._disconnect()
        self._opener.close()
        self._leave_session()
        self.layers.close()
        self._gui.close()
        self._thread.stop()
        self.closed.emit()

    def controller(self, kind: type[Any]) -> Any:
        """Return the controller of a kind; None while no session is open."""
        return None if self.controllers is None else self.controllers.of_kind(kind)

    def _actions(self) -> dict[str, Callable[[], object]]:
        does: dict[str, Callable[[], object]] = {
            "polarity": self.prompt_layers.polarity.toggle,
            "next_candidate": self.cycle,
            "accept": self.accept,
            "reject": self.reject,
            "next_object": self.next_object,
            "clear": self.next_object,
            "undo": self.undo,
            "redo": self.redo,
        }
        return {KEYS[name]: action for name, action in does.items()}

    def _connect(self) -> None:
        self.viewer.layers.events.removed.connect(self._on_removed)
        self.objects.changed.connect(self._paint_into_objects)
        self._opener.opened.connect(self._on_opened)
        self._opener.left.connect(self._leave_session)
        self._opener.failed.connect(self.annotation.fail)

    def _disconnect(self) -> None:
        self.viewer.layers.events.removed.disconnect(self._on_removed)
        self.objects.changed.disconnect(self._paint_into_objects)

    def _on_opened(self, session: Session, notice: str) -> None:
        self._forget_tiles()
        self.controllers = controllers = SessionControllers.open(
            *(session, self.annotation, self.embedding, self.everything, self.text),
            self._thread,
            later=self._gui.later,
            image_name=self.image.name,
        )
        self._paint_into_objects()
        self.tile_map.follow(session, self.plane)
        self.preview.follow(session, self.plane)
        self.similar.follow(session, self.plane)
        controllers.embedding.refresh()
        self.opened.emit()
        # Last: estimates, which begin with a session, take back what was said before.
        self.embedding.message = notice
        self.layers.drawn.read()
        controllers.prompting.ask_again()

    def _forget_tiles(self) -> None:
        """Another session has tiles of its own."""
        state = self.embedding
        state.stored = state.planned = state.in_work = NO_TILES
        state.estimate = state.progress = None

    def _leave_session(self) -> None:
        """Drop the answers; prompts stay where they are drawn, to be asked again."""
        if self.controllers is not None:
            self.controllers.close()
            self.controllers = None
        self.preview.follow(None)
        self.similar.follow(None)
        self.annotation.leave_answers()

    def _on_removed(self, event: Any) -> None:
        needed = (self.image, *self.layers.of_prompts)
        if any(event.value is layer for layer in needed):
            # Whoever deletes the prompts has enough of them.
            self.close()

    def _paint_into_objects(self) -> None:
        if self.controllers is None:
            return
        chosen, candidates = self.objects.current, self.controllers.candidates
        if chosen is None:
            candidates.paint_into(None, None)
        else:
            chosen.objects.plane = self.plane
            candidates.paint_into(chosen.objects, chosen.history)


def _cache(preferences: Preferences, image: Image) -> CachePlace | None:
    if not preferences.cache_bytes:
        return None
    return CachePlace(preferences.cache_folder, preferences.cache_bytes, image.name)
