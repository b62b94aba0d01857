"""Objects are compared in the background; a threshold moves without doing it again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial

from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.layers.coordinates import Plane
from napari_sam.state.embedding import EmbeddingState
from napari_sam.state.similarity import Comparison, SimilarityState
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.annotation.history import EditHistory, HistoryChange
from tilesam.annotation.targets import LabelTarget
from tilesam.session import Session
from tilesam.similarity.object_vectors import ObjectVectors
from tilesam.similarity.progress import SimilarityProgress


class SimilarityController:
    """Ranks the objects of a layer by their likeness to one of them.

    A step in the layer ends what is selected: labels may be of other objects then. What
    is known of objects whose pixels stayed is kept, so that selecting again is quick.

    Parameters
    ----------
    session
        Is asked on the engine's thread alone.
    state
        What is selected.
    thread
        Of the session.
    tiles
        Is told which tiles are embedded on the way.
    """

    def __init__(
        self,
        session: Session,
        state: SimilarityState,
        thread: EngineThread,
        *,
        tiles: EmbeddingState | None = None,
    ) -> None:
        self.session, self.state = session, state
        self._thread = thread
        self._tiles = EmbeddingState() if tiles is None else tiles
        self._runs = Generation()
        self._history: EditHistory | None = None
        self._vectors: ObjectVectors | None = None

    def close(self) -> None:
        """End the run, and let go of the labels."""
        self.compare_in(None)

    def compare_in(
        self,
        history: EditHistory | None,
        target: LabelTarget | None = None,
        plane: Plane = (),
    ) -> None:
        """Choose the objects; those of the same history stay as they are.

        Parameters
        ----------
        history
            Of the labels; None if there are none any more.
        target
            The same labels, to be read on any thread.
        plane
            Of the labels.
        """
        if history is self._history:
            return
        if self._history is not None:
            self._history.changed.disconnect(self._on_change)
        self.clear()
        self._history, self._vectors = history, None
        if history is not None and target is not None:
            self._vectors = ObjectVectors(self.session, target, plane)
            history.changed.connect(self._on_change)

    def select(self, label: int) -> None:
        """Compare all objects with one; ends the run before it."""
        state, vectors = self.state, self._vectors
        if vectors is None:
            return
        self.clear()
        state.is_running = True
        self._thread.submit(
            Job(
                partial(_compare, vectors, label),
                Priority.BACKGROUND,
                on_result=self._on_compared,
                on_error=self._on_failure,
                on_steps=self._on_steps,
                is_late=self._runs.advance(),
            )
        )

    def clear(self) -> None:
        """Select nothing; end the run between a few objects and the next ones."""
        self._runs.advance()
        state = self.state
        state.is_running = False
        state.comparison = state.progress = None
        state.error = ""

    def _on_change(self, change: HistoryChange) -> None:
        if self._vectors is not None:
            self._vectors.on_change(change)
        self.clear()

    def _on_steps(self, steps: Sequence[SimilarityProgress]) -> None:
        # Tiles of a run that is not wanted any more are embedded all the same.
        self._tiles.add_stored({step.tile for step in steps if step.tile is not None})
        if self.state.is_running:
            self.state.progress = steps[-1]

    def _on_compared(self, comparison: Comparison) -> None:
        self.state.is_running = False
        self.state.comparison = comparison

    def _on_failure(self, error: Exception) -> None:
        self.state.is_running = False
        self.state.error = message_of(error)


def _compare(
    vectors: ObjectVectors, label: int
) -> Generator[SimilarityProgress, None, Comparison]:
    yield from vectors.update()
    return Comparison(vectors.rank(label), vectors.boxes)
