"""What a click would find where the mouse rests, of tiles that are embedded already."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_sam.controllers.asking import first_tile
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.prompting import Later
from napari_sam.layers.outline import Outline, draw_outline
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.embedding.on_demand import to_tensor
from tilesam.embedding.work import look_up
from tilesam.predictor import answer_prompts
from tilesam.session import Session
from tilesam.tile_answers import predict
from tilesam.torch_threads import sparing_a_core
from tilesam.types import MaskCandidate, Prompts, TileKey

if TYPE_CHECKING:
    from torch import Tensor

logger = logging.getLogger(__name__)

REST_SECONDS = 0.06
"""For which the mouse has to rest, so that nobody decodes what is only passed."""


class NotEmbeddedError(Exception):
    """Ends a preview that would need a tile that is not embedded."""


class PreviewController:
    """Tells what is under the mouse while nothing was asked yet.

    The state is only looked at: a preview is no answer, and leaves no trace.

    Parameters
    ----------
    session
        Is asked on the engine's thread alone.
    state
        While it has prompts, answers or awaits one, there is no preview.
    thread
        Of the session; prompts come before previews.
    later
        Where time comes from.

    Attributes
    ----------
    found
        Emitted with an `Outline`, or with None if there is nothing to show any more.
    """

    found = Signal(object)

    def __init__(
        self,
        session: Session,
        state: AnnotationState,
        thread: EngineThread,
        *,
        later: Later,
    ) -> None:
        self.session, self.state = session, state
        self._thread, self._later = thread, later
        self._places = Generation()
        self._at: tuple[int, int] | None = None
        state.events.prompts.connect(self._on_state)
        state.events.is_busy.connect(self._on_state)

    def look_at(self, yx: tuple[float, float]) -> None:
        """Note that the mouse is at a place of the image, or beside it."""
        pixel = round(yx[0]), round(yx[1])
        if not self._is_inside(pixel) or not self._is_free():
            self.look_away()
        elif pixel != self._at:
            self._at = pixel
            self._later(REST_SECONDS, partial(self._ask, yx, self._places.advance()))

    def look_away(self) -> None:
        """Show nothing, until the mouse is somewhere else."""
        self._at = None
        self._places.advance()
        self.found.emit(None)

    def close(self) -> None:
        """Listen to the state no more; show nothing."""
        self.state.events.prompts.disconnect(self._on_state)
        self.state.events.is_busy.disconnect(self._on_state)
        self.look_away()

    def _is_inside(self, pixel: tuple[int, int]) -> bool:
        pairs = zip(pixel, self.session.image_hw, strict=True)
        return all(0 <= place < size for place, size in pairs)

    def _is_free(self) -> bool:
        state = self.state
        return not (state.is_busy or len(state.prompts) or state.candidates)

    def _on_state(self) -> None:
        if not self._is_free():
            self.look_away()

    def _ask(self, yx: tuple[float, float], is_late: Callable[[], bool]) -> None:
        if is_late():
            return
        self._thread.submit(
            Job(
                partial(preview_at, self.session, yx),
                Priority.SOON,
                on_result=self.found.emit,
                on_error=lambda error: logger.warning("no preview: %s", error),
                is_late=is_late,
            )
        )


def preview_at(session: Session, yx: tuple[float, float]) -> Outline | None:
    """Return the outline of the best answer to one click, without embedding anything.

    Where the answer would take a second tile that is missing, the part of it in the
    first one is shown. None if that is missing too, or nothing is there.
    """
    prompts = PromptSet().with_point(yx).to_engine(session.image_hw)
    with sparing_a_core():
        best = _best_at(session, prompts)
    return None if best is None or not best.area else draw_outline(best)


def _best_at(session: Session, prompts: Prompts) -> MaskCandidate | None:
    """Return the first answer by embedded tiles alone; None if there is no tile."""
    embedding_of = partial(_embedded, session)
    try:
        return answer_prompts(
            *(session.model, session.grid, embedding_of, prompts),
            finest_level=session.finest_level,
            source=session.source,
        )[0]
    except NotEmbeddedError:
        tile = first_tile(session, prompts)
        try:
            embedding = embedding_of(tile)
        except NotEmbeddedError:
            return None
        return predict(
            *(session.model, session.grid, embedding, prompts, tile),
            source=session.source,
        )[0]


def _embedded(session: Session, key: TileKey) -> Tensor:
    embeddings = session.embeddings
    cached = embeddings.cache.get(key)
    if cached is not None:
        return cached
    if key not in session.store:
        raise NotEmbeddedError
    found = look_up(key, embeddings.job)
    if found.stored is None or not found.is_valid:
        raise NotEmbeddedError
    tensor = to_tensor(found.stored, embeddings.job)
    embeddings.cache.put(key, tensor)
    return tensor
