"""A phrase is answered in the background; a threshold moves without looking again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from napari_sam.controllers.decoding import paint_objects
from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.controllers.prompting import Later
from napari_sam.controllers.text_finding import TextFinder
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.everything import FoundObjects
from napari_sam.state.prompts import PromptSet
from napari_sam.state.text import TextQuestion, TextState
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.everything.progress import EverythingProgress
from tilesam.session import Session
from tilesam.text.scored import ScoredMasks
from tilesam.types import Window

DEBOUNCE_SECONDS = 0.1
"""A slider that is dragged changes more often than objects can be made."""

CORRECTION_SECONDS = 0.3
"""A point or a box that is being moved is not meant yet."""


class TextingController:
    """Looks for a phrase when told to, and makes objects anew as a threshold moves.

    Parameters
    ----------
    session
        Is asked, on the engine's thread alone.
    state
        Gets the threshold that the backend recommends.
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
        state: TextState,
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
        self._finder = TextFinder(session, thread.breathe)
        self._runs, self._choices = Generation(), Generation()
        self._corrections = Generation()
        self._scored: ScoredMasks | None = None
        self._answered: tuple[TextQuestion, Window | None] | None = None
        # What an earlier session has found may be accepted still, but not chosen anew.
        state.masks = 0
        state.events.threshold.connect(self._on_threshold)

    def close(self) -> None:
        """End the run and listen to the state no more."""
        self.state.events.threshold.disconnect(self._on_threshold)
        self.cancel()
        self._choices.advance()
        self._corrections.advance()
        self.state.is_resolving = False

    def run(self, question: TextQuestion, region: Window | None = None) -> None:
        """Look for a phrase, then make objects; ends the run before it.

        Parameters
        ----------
        question
            What is looked for; the engine says what is wrong with it.
        region
            Part of the image; None is all of it.
        """
        self.cancel()
        state = self.state
        state.question, state.region, state.progress = question, region, None
        state.notice = state.error = ""
        state.is_running = True
        is_late = self._runs.advance()
        tell = partial(self._tell_from_engine, is_late)
        self._thread.submit(
            Job(
                partial(self._finder.find, question, region, tell),
                Priority.BACKGROUND,
                on_result=partial(self._on_scored, question, region),
                on_error=self._on_failure,
                is_late=is_late,
            )
        )

    def correct(self, corrections: PromptSet) -> None:
        """Ask the same with other points and boxes, once they have come to rest.

        Nothing happens if nothing was asked, or what was asked was cancelled or failed.
        """
        is_late = self._corrections.advance()
        self._later(CORRECTION_SECONDS, partial(self._correct, corrections, is_late))

    def cancel(self) -> None:
        """End the run between two batches of points; what was found before stays."""
        self._corrections.advance()
        if self.state.is_running:
            self._runs.advance()
            self.state.is_running = False

    def _correct(self, corrections: PromptSet, is_late: Callable[[], bool]) -> None:
        question, answered = self.state.question, self._answered
        is_answered = answered is not None and answered[0] is question
        if is_late() or question is None or question.corrections == corrections:
            return
        if self.state.is_running or is_answered:
            self.run(replace(question, corrections=corrections), self.state.region)

    def _tell_from_engine(
        self, is_late: Callable[[], bool], step: EverythingProgress
    ) -> None:
        """Have the window hear of a tile, and let through what is more urgent.

        Called in the midst of a job: a job of its own carries the news.
        """
        self._thread.submit(
            Job(
                lambda: step,
                Priority.SOON,
                on_result=partial(self._on_step, is_late),
                on_error=self._on_failure,
            )
        )
        self._thread.breathe()

    def _on_step(self, is_late: Callable[[], bool], step: EverythingProgress) -> None:
        tile = step.outcome
        if tile.embedded and not tile.is_changed:
            self._tiles.add_stored([tile.key])
        if not is_late():
            self.state.progress = step

    def _on_scored(
        self, question: TextQuestion, region: Window | None, scored: ScoredMasks
    ) -> None:
        state, earlier = self.state, self._scored
        self._scored = None  # the threshold that is set here is no wish of a person
        if earlier is None or earlier.threshold != scored.threshold:
            state.threshold = scored.threshold
        self._scored, self._answered = scored, (question, region)
        state.is_running = False
        state.masks = len(scored)
        state.count = scored.count(state.threshold)
        self._resolve(self._choices.advance())

    def _on_failure(self, error: Exception) -> None:
        self.state.is_running = False
        self.state.error = message_of(error)

    def _on_threshold(self) -> None:
        is_late = self._choices.advance()
        self.state.is_resolving = False
        if self._scored is not None and self.state.threshold is not None:
            self.state.count = self._scored.count(self.state.threshold)
            self._later(DEBOUNCE_SECONDS, partial(self._resolve, is_late))

    def _resolve(self, is_late: Callable[[], bool]) -> None:
        if is_late() or self._scored is None or self._answered is None:
            return
        self.state.is_resolving = True
        question, region = self._answered
        words = " ".join(question.phrase.split())
        scored, threshold = self._scored, self.state.threshold
        self._thread.submit(
            Job(
                partial(_objects, scored, threshold, words, region, self.image_name),
                Priority.SOON,
                on_result=self._on_found,
                on_error=self._on_unresolved,
                is_late=is_late,
            )
        )

    def _on_found(self, found: FoundObjects) -> None:
        state, segmentation = self.state, found.segmentation
        state.is_resolving = False
        state.notice = segmentation.notice or segmentation.hint or ""
        state.plane = self.session.source.plane
        state.found = found

    def _on_unresolved(self, error: Exception) -> None:
        self.state.is_resolving = False
        self.state.error = message_of(error)


def _objects(
    scored: ScoredMasks,
    threshold: float | None,
    phrase: str,
    region: Window | None,
    image_name: str,
) -> FoundObjects:
    """Make objects of all masks that reach a threshold."""
    segmentation = replace(scored.resolve(threshold), image_name=image_name)
    return paint_objects(segmentation, region, phrase=phrase)
