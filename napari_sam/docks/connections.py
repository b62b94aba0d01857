"""Connections of a widget to what lives longer, such as layers and annotators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Connections:
    """Remembers what was connected, to end it all at once.

    No widget, so that its `end` can be called when a widget is destroyed: then Qt calls
    no method of the widget itself any more, while signals of others go on to do so.
    """

    def __init__(self) -> None:
        self._all: list[tuple[Any, Callable[..., Any]]] = []

    def add(self, signal: Any, callback: Callable[..., Any]) -> None:
        """Connect a callback to a signal of psygnal or an event of napari."""
        signal.connect(callback)
        self._all.append((signal, callback))

    def end(self) -> None:
        """Disconnect all callbacks."""
        while self._all:
            signal, callback = self._all.pop()
            signal.disconnect(callback)
