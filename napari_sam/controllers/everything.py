"""Segment everything in the background; move thresholds without decoding again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from napari_sam.controllers.decoding import (
    decode_in_steps,
    find_objects,
    fitting_masks,
)
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.controllers.prompting import Later
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import EverythingState, FoundObjects
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.everything.decoded import DecodedEverything
from tilesam.everything.mask_store import MaskStore
from tilesam.everything.progress import EverythingProgress
from tilesam.session import Session
from tilesam.types import Window

DEBOUNCE_SECONDS = 0.1
"""A slider that is dragged changes more often than objects can be made."""


class EverythingController:
    """Decodes a region when told to, and makes objects anew when settings change.

    Parameters
    ----------
    session
        Is asked, on the engine's thread alone.
    state
        Its settings get the thresholds that the model recommends where they have none.
    thread
        Of the session.
    later
        Where time comes from.
    tiles
        Is told which tiles are embedded on the way.
    image_name
        For records.
    """

    def __init__(
        self,
        session: Session,
        state: EverythingState,
        thread: EngineThread,
        *,
        later: Later,
        tiles: EmbeddingState | None = None,
        image_name: str = "",
    ) -> None:
        self.session = session
        self.state = state
        self.image_name = image_name
        self._thread = thread
        self._later = later
        self._tiles = EmbeddingState() if tiles is None else tiles
        self._runs, self._choices = Generation(), Generation()
        self._masks: MaskStore | None = None
        self._decoded: DecodedEverything | None = None
        config = session.model.network.config
        state.settings = state.settings.resolved(config)
        state.events.settings.connect(self._on_settings)

    @property
    def lowest_thresholds(self) -> tuple[float, float]:
        """Predicted IoU and stability below which masks were not kept."""
        if self._masks is None:
            return 0.0, 0.0
        kept = self._masks.contents.decoding
        return max(kept.lowest_pred_iou, 0.0), max(kept.lowest_stability_score, 0.0)

    def close(self) -> None:
        """End the run and listen to the state no more."""
        self.state.events.settings.disconnect(self._on_settings)
        self.cancel()
        self._choices.advance()
        self.state.is_resolving = False

    def run(
        self, region: Window | None = None, *, object_diameter: float | None = None
    ) -> None:
        """Decode a region, then make objects; ends the run before it.

        Tiles that were decoded already, as of a run that was cancelled, are not decoded
        again unless the decoder has to be asked something else.

        Parameters
        ----------
        region
            Part of the image; None is all of it.
        object_diameter
            Of a typical object in pixels, for this run alone.
        """
        self.cancel()
        state = self.state
        state.region, state.progress, state.message = region, None, ""
        state.is_running = True
        settings = state.settings.resolved(self.session.model.network.config)
        self._masks = fitting_masks(self.session, settings, self._masks)
        is_late = self._runs.advance()
        breathe = self._thread.breathe
        question = self.session, region, settings, self._masks, breathe
        self._thread.submit(
            Job(
                partial(decode_in_steps, *question, object_diameter=object_diameter),
                Priority.BACKGROUND,
                on_result=self._on_decoded,
                on_error=self._on_failure,
                on_steps=partial(self._on_steps, is_late),
                is_late=is_late,
            )
        )

    def cancel(self) -> None:
        """End the run between two tiles; objects that were found before stay."""
        if self.state.is_running:
            self._runs.advance()
            self.state.is_running = False

    def _on_steps(
        self, is_late: Callable[[], bool], steps: Sequence[EverythingProgress]
    ) -> None:
        done = [step.outcome for step in steps]
        self._tiles.add_stored(
            tile.key for tile in done if tile.embedded and not tile.is_changed
        )
        if not is_late():
            self.state.progress = steps[-1]

    def _on_decoded(self, decoded: DecodedEverything) -> None:
        self._decoded = decoded
        self.state.is_running = False
        self._resolve(self._choices.advance())

    def _on_failure(self, error: Exception) -> None:
        self.state.is_running = False
        self.state.message = message_of(error)

    def _on_settings(self) -> None:
        is_late = self._choices.advance()
        self.state.is_resolving = False
        if self._decoded is not None:
            self._later(DEBOUNCE_SECONDS, partial(self._resolve, is_late))

    def _resolve(self, is_late: Callable[[], bool]) -> None:
        if is_late() or self._decoded is None:
            return
        self.state.is_resolving = True
        settings, name = self.state.settings, self.image_name
        self._thread.submit(
            Job(
                partial(find_objects, self._decoded, settings, image_name=name),
                Priority.SOON,
                on_result=self._on_found,
                on_error=self._on_unresolved,
                is_late=is_late,
            )
        )

    def _on_found(self, found: FoundObjects) -> None:
        self.state.is_resolving = False
        self.state.message = found.segmentation.hint or ""
        self.state.plane = self.session.source.plane
        self.state.found = found

    def _on_unresolved(self, error: Exception) -> None:
        self.state.is_resolving = False
        self.state.message = message_of(error)
