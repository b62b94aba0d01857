"""Prompts of the state -> the engine -> candidates of the state."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

from napari_sam.controllers.asking import answer_in_steps, embed_around, first_tile
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.errors import PromptError
from tilesam.session import Session
from tilesam.types import MaskCandidate, MaskInput, Prompts, TileKey

Later: TypeAlias = Callable[[float, Callable[[], None]], None]
"""Calls a function on the window's thread after so many seconds."""

DEBOUNCE_SECONDS = 0.03
"""A point that is dragged changes more often than that; only where it rests counts."""

IDLE_SECONDS = 0.5
"""Neighbours are embedded once nobody clicked for so long: a click has to wait for the
tile that is being embedded."""


class PromptingController:
    """Answers the prompts of a state whenever they change.

    Parameters
    ----------
    session
        Is asked, on the engine's thread alone.
    state
        Its prompts are answered by its candidates.
    thread
        Of the session.
    later
        Where time comes from.
    tiles
        Is told which tiles are embedded on the way.
    embeds_neighbours
        Whether tiles around a click are embedded afterwards.
    """

    def __init__(
        self,
        session: Session,
        state: AnnotationState,
        thread: EngineThread,
        *,
        later: Later,
        tiles: EmbeddingState | None = None,
        embeds_neighbours: bool = True,
    ) -> None:
        self.session = session
        self.state = state
        self.embeds_neighbours = embeds_neighbours
        self._thread = thread
        self._later = later
        self._tiles = EmbeddingState() if tiles is None else tiles
        self._clicks, self._neighbourhoods = Generation(), Generation()
        self._is_interrupted = self._clicks.advance()
        self._middle: TileKey | None = None
        self._asked_tile: TileKey | None = None
        state.events.prompts.connect(self._on_prompts)
        state.events.generation.connect(self._on_generation)
        state.events.refines.connect(self._on_refines)

    def close(self) -> None:
        """Listen to the state no more; answers that are on their way are dropped."""
        self.state.events.prompts.disconnect(self._on_prompts)
        self.state.events.refines.disconnect(self._on_refines)
        self.state.drop_request()
        self.state.events.generation.disconnect(self._on_generation)
        self._clicks.advance()
        self._neighbourhoods.advance()

    def ask_again(self) -> None:
        """Ask what was asked before, for example after an error that may be gone."""
        if len(self.state.prompts):
            self._request()

    def refine(self) -> None:
        """Ask the same again, together with the mask of the chosen candidate."""
        chosen = self.state.chosen_candidate
        if chosen is None or not chosen.area:
            self.state.message = "there is no mask to refine; click on an object first"
            return
        self.state.base = chosen.mask_input
        self.ask_again()

    def _on_prompts(self, prompts: PromptSet, earlier: PromptSet) -> None:
        self.state.base = choose_base(self.state, prompts, earlier)
        if len(prompts):
            self._request()
        else:
            self.state.begin_object()

    def _on_refines(self, refines: bool) -> None:
        if not refines and self.state.base is not None:
            self.state.base = None
            self.ask_again()

    def _on_generation(self) -> None:
        if self._asked_tile is not None:
            self._tiles.end_work([self._asked_tile])
            self._asked_tile = None

    def _request(self) -> None:
        self._is_interrupted = self._clicks.advance()
        self._later(DEBOUNCE_SECONDS, partial(self._ask, self.state.begin_request()))

    def _ask(self, generation: int) -> None:
        state = self.state
        if generation != state.generation:
            return
        try:
            asked = state.prompts.to_engine(self.session.image_hw, state.base)
            tile = first_tile(self.session, asked)
        except PromptError as error:
            state.fail(message_of(error))
            return
        self._asked_tile = tile
        self._tiles.begin_work([tile])
        self._thread.submit(
            Job(
                partial(answer_in_steps, self.session, asked),
                Priority.PROMPT,
                on_result=partial(self._show, state.prompts, asked, tile),
                on_error=partial(self._fail, tile),
                on_steps=self._tiles.add_stored,
                is_late=lambda: generation != state.generation,
            )
        )

    def _show(
        self,
        prompts: PromptSet,
        asked: Prompts,
        tile: TileKey,
        candidates: tuple[MaskCandidate, ...],
    ) -> None:
        self._tiles.add_stored({tile, candidates[0].tile})
        self._plan_neighbours(tile, asked)
        self.state.show(candidates, prompts)

    def _fail(self, tile: TileKey, error: Exception) -> None:
        self._tiles.end_work([tile])
        self.state.fail(message_of(error))

    def _plan_neighbours(self, tile: TileKey, asked: Prompts) -> None:
        if self.embeds_neighbours:
            y0, x0, y1, x1 = asked.bounds_yxyx
            near_yx = (y0 + y1) / 2, (x0 + x1) / 2
            task = partial(self._embed_around, tile, near_yx, self._is_interrupted)
            self._later(IDLE_SECONDS, task)

    def _embed_around(
        self,
        tile: TileKey,
        near_yx: tuple[float, float],
        is_interrupted: Callable[[], bool],
    ) -> None:
        if is_interrupted() or tile == self._middle:
            return
        self._middle = tile
        self._thread.submit(
            Job(
                partial(embed_around, self.session, tile, near_yx),
                Priority.SOON,
                on_result=_nothing_more,
                on_error=self._fail_beside,
                on_steps=self._tiles.add_stored,
                is_late=self._neighbourhoods.advance(),
            )
        )

    def _fail_beside(self, error: Exception) -> None:
        # The candidates stay: they answer what was asked.
        self._middle = None
        self.state.message = message_of(error)


def choose_base(
    state: AnnotationState, prompts: PromptSet, earlier: PromptSet
) -> MaskInput | None:
    """Return the logits that new prompts refine; None to ask from scratch.

    Parameters
    ----------
    state
        Its candidates may still answer prompts before the earlier ones.
    prompts, earlier
        After and before the change. Where something was moved or taken away, the mask
        may show what is not wanted any more.
    """
    if not state.refines or not prompts.extends(earlier):
        return None
    shown = state.chosen_candidate
    if shown is None or state.answered != earlier:
        return state.base
    return shown.mask_input if shown.area else None


def _nothing_more(_: object) -> None:
    """Do nothing: every tile was told of already."""
