"""The window's thread without a window: deliveries in a queue, and time by hand."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0
"""Seconds after which something that has to happen is taken not to happen."""
PATIENCE_MS = round(1000 * PATIENCE)


class FakeWindow:
    """Gives controllers `deliver` and `later`, on the thread of the test."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._delivered: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def deliver(self, function: Callable[[], None]) -> None:
        self._delivered.put(function)

    def later(self, seconds: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._timers, (self.now + seconds, next(self._order), function))

    def pass_time(self, seconds: float) -> None:
        """Let timers fire; nothing is delivered meanwhile."""
        until = self.now + seconds
        while self._timers and self._timers[0][0] <= until:
            self.now, _, function = heapq.heappop(self._timers)
            function()
        self.now = until

    def wait_for(self, is_there: Callable[[], object]) -> None:
        """Have deliveries made, one after the other, until something is there."""
        while not is_there():
            self._delivered.get(timeout=PATIENCE)()

    def take_deliveries(self, count: int) -> list[Callable[[], None]]:
        """Wait for deliveries and return them instead of making them."""
        return [self._delivered.get(timeout=PATIENCE) for _ in range(count)]

    def make_deliveries(self) -> int:
        """Make those that are there now; return how many."""
        count = 0
        while not self._delivered.empty():
            self._delivered.get()()
            count += 1
        return count


class Gate:
    """A function that waits at its door until it is let in."""

    def __init__(self, function: Callable[..., Any] = lambda: None) -> None:
        self._function = function
        self._arrived, self._permits = threading.Semaphore(0), threading.Semaphore(0)
        self.calls = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        self._arrived.release()
        if not self._permits.acquire(timeout=PATIENCE):
            raise TimeoutError("nobody opened the gate")
        return self._function(*args, **options)

    def wait_until_reached(self) -> None:
        if not self._arrived.acquire(timeout=PATIENCE):
            raise TimeoutError("nobody came to the gate")

    def is_reached(self) -> bool:
        """Return whether somebody came, once for each; does not wait.

        For tests on the window's own thread, which has to go on for that to happen.
        """
        return self._arrived.acquire(blocking=False)

    def open(self, times: int = 1) -> None:
        self._permits.release(times)


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for something that another thread does without a delivery."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen")
        time.sleep(0.001)
