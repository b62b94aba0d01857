"""One thread for the work of one session, the most urgent first; without Qt.

Networks and images are only touched here, so that a window never waits for them, and
callers only hear of results on their own thread. A job is a function, or a generator
that is advanced one step at a time: between two steps everything more urgent is done.
A step that takes long can let it through in its midst, see `EngineThread.breathe`.
"""

from __future__ import annotations

import atexit
import heapq
import itertools
import logging
import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

logger = logging.getLogger(__name__)


class Priority(IntEnum):
    """What is done first."""

    PROMPT = 0
    """Somebody clicked and waits for the answer."""
    SOON = 1
    """What is looked at next: tiles near a click, thresholds that were moved."""
    BACKGROUND = 2
    """Runs over many tiles."""


class JobAbandonedError(Exception):
    """Ends a step whose result nobody wants any more; no caller ever sees it."""


@dataclass(frozen=True, eq=False)
class Job:
    """What to do, and whom to tell.

    Parameters
    ----------
    work
        Is called on the engine's thread. Returns the result, or a generator, which is
        advanced step by step there and whose return value is the result.
    priority
        Jobs of equal priority take turns, step by step.
    on_result, on_error
        Called on the caller's thread, one of them once.
    on_steps
        Called there with what the generator yielded since the last call, so that a slow
        caller gets longer lists instead of more calls. Late steps are told as well:
        what they tell of has happened.
    is_late
        Whether the answer is not wanted any more; then neither result nor error is
        told. Asked on both threads; what it depends on has to change on the caller's
        alone, and once late is late for ever.
    """

    work: Callable[[], Any]
    priority: Priority
    on_result: Callable[[Any], None]
    on_error: Callable[[Exception], None]
    on_steps: Callable[[Sequence[Any]], None] | None = None
    is_late: Callable[[], bool] = bool  # which is False


class EngineThread:
    """A thread that is started by the first job and ends with `stop`.

    Parameters
    ----------
    deliver
        Is handed functions without arguments by the engine's thread, has to return at
        once, and to call them on the caller's thread in the order in which they came.
        In the plugin a Qt signal, in tests a list.
    name
        Of the thread.
    """

    def __init__(
        self,
        deliver: Callable[[Callable[[], None]], None],
        *,
        name: str = "napari-sam-engine",
    ) -> None:
        self._deliver = deliver
        self._has_news = threading.Condition()
        self._waiting: list[_Task] = []  # a heap
        self._turns = itertools.count()
        self._is_stopped = False
        self._current: _Task | None = None
        # A daemon, since the interpreter would wait for another one without end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs, working or waiting."""
        return self._thread.is_alive()

    def submit(self, job: Job) -> None:
        """Have something done; forgotten without a word after `stop`."""
        with self._has_news:
            if self._is_stopped:
                return
            if not self._thread.is_alive():
                self._thread.start()
                # A daemon that is cut off in the midst of torch can abort the process.
                atexit.register(self.stop)
            heapq.heappush(self._waiting, _Task(job.priority, next(self._turns), job))
            self._has_news.notify()

    def stop(self, timeout: float | None = None) -> bool:
        """Drop all jobs and wait until the current step is done.

        From here on nothing is delivered any more; generators are closed.

        Parameters
        ----------
        timeout
            Seconds to wait at most; by default as long as it takes.

        Returns
        -------
        bool
            Whether the thread has ended.
        """
        with self._has_news:
            self._is_stopped = True
            self._has_news.notify()
        atexit.unregister(self.stop)
        is_itself = threading.current_thread() is self._thread
        if self._thread.is_alive() and not is_itself:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def breathe(self) -> None:
        """Do all that is more urgent than the job that calls this.

        For jobs, in the midst of a step that takes seconds, where what they left half
        done is not touched by others.

        Raises
        ------
        JobAbandonedError
            If the job is late by now or the engine is stopped; it has to pass through.
        """
        current = self._current
        if current is None or threading.current_thread() is not self._thread:
            return
        while (task := self._next_before(current.priority)) is not None:
            self._advance(task)
        if self._is_stopped or current.job.is_late():
            raise JobAbandonedError

    def _run(self) -> None:
        while (task := self._next()) is not None:
            self._advance(task)
        for task in self._waiting:
            task.close()
        self._waiting.clear()

    def _next(self) -> _Task | None:
        with self._has_news:
            self._has_news.wait_for(lambda: self._is_stopped or self._waiting)
            return None if self._is_stopped else heapq.heappop(self._waiting)

    def _next_before(self, priority: Priority) -> _Task | None:
        with self._has_news:
            is_there = self._waiting and self._waiting[0].priority < priority
            can_begin = is_there and not self._is_stopped
            return heapq.heappop(self._waiting) if can_begin else None

    def _advance(self, task: _Task) -> None:
        """Take one step of a job, within one of another job if that breathes."""
        interrupted, self._current = self._current, task
        if task.job.is_late():
            task.close()
        elif self._has_more(task):
            self._take_turns(task)
        self._current = interrupted

    def _take_turns(self, task: _Task) -> None:
        with self._has_news:
            task.turn = next(self._turns)
            heapq.heappush(self._waiting, task)

    def _has_more(self, task: _Task) -> bool:
        """Take one step of a job; return whether there is more to do."""
        try:
            is_done, value = task.advance()
        except JobAbandonedError:
            return False
        except Exception as error:  # noqa: BLE001 - handed to who asked for the job
            self._hand_over(task.job.on_error, error, is_late=task.job.is_late)
            return False
        if is_done:
            self._hand_over(task.job.on_result, value, is_late=task.job.is_late)
        elif task.has_to_tell(value):
            self._hand_over(task.tell_steps)
        return not is_done

    def _hand_over(
        self,
        tell: Callable[..., None],
        *news: object,
        is_late: Callable[[], bool] = bool,
    ) -> None:
        def on_callers_thread() -> None:
            # Asked here, where nothing can become late between question and answer.
            if self._is_stopped or is_late():
                _note_what_is_dropped(news)
            else:
                tell(*news)

        try:
            self._deliver(on_callers_thread)
        except Exception:
            logger.exception("what the engine found could not be delivered")


@dataclass(order=True)
class _Task:
    """A job on its way."""

    priority: Priority
    turn: int
    job: Job = field(compare=False)

    def __post_init__(self) -> None:
        self._generator: Generator[Any, None, Any] | None = None
        self._untold: list[Any] = []
        self._lock = threading.Lock()

    def advance(self) -> tuple[bool, Any]:
        """Return whether this was the last step, and the result or what was yielded."""
        if self._generator is None:
            found = self.job.work()
            if not isinstance(found, Generator):
                return True, found
            self._generator = found
        try:
            return False, next(self._generator)
        except StopIteration as end:
            return True, end.value

    def has_to_tell(self, step: Any) -> bool:
        """Note a step; return whether the caller is not on the way to hear of it."""
        if self.job.on_steps is None:
            return False
        with self._lock:
            self._untold.append(step)
            return len(self._untold) == 1

    def tell_steps(self) -> None:
        with self._lock:
            steps, self._untold = self._untold, []
        if steps and self.job.on_steps is not None:
            self.job.on_steps(steps)

    def close(self) -> None:
        """End the generator where it stands, on the engine's thread."""
        if self._generator is None:
            return
        try:
            self._generator.close()
        except Exception:
            logger.exception("a job that is not wanted any more did not end cleanly")


def _note_what_is_dropped(news: Sequence[object]) -> None:
    for dropped in news:
        if isinstance(dropped, Exception):
            logger.warning(
                "a job failed that was not wanted any more", exc_info=dropped
            )
