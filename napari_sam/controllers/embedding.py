"""Embedding the view, a region or the whole image in the background."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from functools import partial
from typing import Any, NamedTuple

from napari_sam.controllers.generation import Generation
from napari_sam.controllers.messages import message_of
from napari_sam.state.embedding import EmbeddingState
from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tilesam.embedding.estimate import EmbeddingEstimate
from tilesam.embedding.progress import EmbeddingProgress
from tilesam.embedding.run import embed_tiles
from tilesam.session import Session
from tilesam.types import TileKey, Window


class EmbeddingController:
    """Estimates, starts and cancels runs; one at a time.

    Parameters
    ----------
    session
        Keeps the embeddings; is asked on the engine's thread alone.
    state
        What it does, and which tiles there are.
    thread
        Of the session.
    """

    def __init__(
        self, session: Session, state: EmbeddingState, thread: EngineThread
    ) -> None:
        self.session = session
        self.state = state
        self._thread = thread
        self._runs, self._estimates = Generation(), Generation()
        self._looks = Generation()
        self._tiles: Sequence[TileKey] = ()
        self._in_work: Sequence[TileKey] = ()

    def close(self) -> None:
        """End the run; whatever is on its way is dropped."""
        self.cancel()
        self._estimates.advance()
        self._looks.advance()

    def refresh(self) -> None:
        """Look which tiles are stored."""
        self._submit(
            self.session.store.keys,
            on_result=self._on_stored,
            is_late=self._looks.advance(),
        )

    def estimate(
        self,
        region: Window | None = None,
        *,
        near_yx: tuple[float, float] | None = None,
    ) -> None:
        """Find out what it will take to embed a region.

        Parameters
        ----------
        region
            Part of the image; None is all of it.
        near_yx
            Where a run will begin, see `start`.
        """
        is_late = self._estimates.advance()
        self.state.estimate = None
        self.state.message = ""
        self._submit(
            partial(_estimate, self.session, region, near_yx),
            on_result=self._on_estimate,
            is_late=is_late,
        )

    def start(
        self,
        region: Window | None = None,
        *,
        near_yx: tuple[float, float] | None = None,
        skip_background: bool = False,
    ) -> None:
        """Embed all tiles of a region that are missing; ends the run before it.

        Parameters
        ----------
        region
            Part of the image; None is all of it.
        near_yx
            Where to begin, for example the middle of the view.
        skip_background
            Leave out tiles that certainly show nothing.
        """
        self.cancel()
        self.state.message = ""
        self.state.progress = None
        self.state.is_running = True
        is_late = self._runs.advance()
        self._thread.submit(
            Job(
                partial(_embed, self.session, region, near_yx, skip_background),
                Priority.BACKGROUND,
                on_result=self._on_end,
                on_error=self._on_failure,
                on_steps=partial(self._on_steps, is_late),
                is_late=is_late,
            )
        )

    def cancel(self) -> None:
        """End the run between two tiles; what is stored stays, and `start` goes on."""
        if self.state.is_running:
            self._runs.advance()
            self._leave()

    def _submit(
        self,
        work: Callable[[], object],
        *,
        on_result: Callable[[Any], None],
        is_late: Callable[[], bool],
    ) -> None:
        """Have a question about the store answered soon."""
        self._thread.submit(
            Job(
                *(work, Priority.SOON),
                on_result=on_result,
                on_error=self._on_unanswered,
                is_late=is_late,
            )
        )

    def _on_stored(self, keys: Iterable[TileKey]) -> None:
        self.state.stored = frozenset(keys)
        self.state.end_work(keys)

    def _on_estimate(self, found: tuple[_Work, EmbeddingEstimate]) -> None:
        work, estimate = found
        self._on_stored(work.stored)
        if not self.state.is_running:
            self.state.planned = frozenset(work.tiles)
        self.state.estimate = estimate

    def _on_unanswered(self, error: Exception) -> None:
        self.state.message = message_of(error)

    def _on_steps(
        self,
        is_late: Callable[[], bool],
        steps: Sequence[_Work | EmbeddingProgress],
    ) -> None:
        told = [step for step in steps if not isinstance(step, _Work)]
        outcomes = [step.outcome for step in told]
        self.state.add_stored(o.key for o in outcomes if o.status != "skipped")
        if is_late():
            return
        if isinstance(steps[0], _Work):
            self._begin(steps[0])
        if told:
            self.state.progress = told[-1]
            self._note_in_work(self._tiles[told[-1].done : told[-1].done + 1])

    def _begin(self, work: _Work) -> None:
        self._on_stored(work.stored)
        self.state.planned = frozenset(work.tiles)
        self._tiles = work.tiles
        self._note_in_work(work.tiles[:1])

    def _note_in_work(self, tiles: Sequence[TileKey]) -> None:
        self.state.end_work(self._in_work)
        self._in_work = tiles
        self.state.begin_work(tiles)

    def _on_end(self, _: object) -> None:
        self._leave()

    def _on_failure(self, error: Exception) -> None:
        self._leave()
        self.state.message = message_of(error)

    def _leave(self) -> None:
        self._note_in_work(())
        self.state.is_running = False


class _Work(NamedTuple):
    """The tiles of a region as a run takes them, those that are missing first."""

    tiles: tuple[TileKey, ...]
    stored: frozenset[TileKey]


def _look(
    session: Session, region: Window | None, near_yx: tuple[float, float] | None
) -> _Work:
    plan = session.plan(region, near_yx=near_yx)
    stored = frozenset(session.store.keys())
    return _Work(tuple(sorted(plan, key=stored.__contains__)), stored)


def _estimate(
    session: Session, region: Window | None, near_yx: tuple[float, float] | None
) -> tuple[_Work, EmbeddingEstimate]:
    work = _look(session, region, near_yx)
    return work, session.estimate(work.tiles)


def _embed(
    session: Session,
    region: Window | None,
    near_yx: tuple[float, float] | None,
    skip_background: bool,
) -> Generator[_Work | EmbeddingProgress, None, None]:
    work = _look(session, region, near_yx)
    yield work
    run = embed_tiles(
        *(work.tiles, session.grid, session.source, session.store, session.model),
        skip_background=skip_background,
    )
    with closing(run):
        yield from run
