"""Whether the next point says "this belongs to it" or "this does not"."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from napari.layers import Points
from psygnal import Signal

from napari_sam.layers.mouse_order import run_last

Polarity = Literal["positive", "negative"]

FEATURE = "polarity"
"""Column of the points' features; a colour only follows from it."""

COLORS: dict[Polarity, str] = {"positive": "#2ecc40", "negative": "#ff4136"}

MODIFIER = "Shift"
"""Key that gives a click the other polarity."""


class PointPolarity:
    """The polarity of points that are added to a layer by mouse.

    Parameters
    ----------
    points
        A layer with the feature `FEATURE`.

    Attributes
    ----------
    changed
        Emitted with the polarity that was switched to; not for a single click with the
        modifier.
    """

    changed = Signal(str)

    def __init__(self, points: Points) -> None:
        self._points = points
        self._current: Polarity = "positive"
        self._next: Polarity = "positive"
        self._end_mouse = run_last(points, self._during_click)
        points.events.feature_defaults.connect(self._restore)
        self._restore()

    @property
    def current(self) -> Polarity:
        """Of the next point."""
        return self._current

    @current.setter
    def current(self, polarity: Polarity) -> None:
        if polarity == self._current:
            return
        self._current = polarity
        self._set_next(polarity)
        self.changed.emit(polarity)

    def toggle(self) -> None:
        """Switch between positive and negative."""
        self.current = other(self._current)

    def close(self) -> None:
        """Let go of the layer."""
        self._end_mouse()
        self._points.events.feature_defaults.disconnect(self._restore)

    def _set_next(self, polarity: Polarity) -> None:
        self._next = polarity
        self._restore()

    def _restore(self) -> None:
        # napari takes over the features of points that are selected, so moving an old
        # point would silently change what the next click means.
        defaults = self._points.feature_defaults
        if defaults[FEATURE].tolist() != [self._next]:
            self._points.feature_defaults = {FEATURE: self._next}

    def _during_click(self, _points: Points, event: Any) -> Generator[None]:
        # The tool adds the point on release, before this goes on: see `run_last`.
        if MODIFIER in event.modifiers:
            self._set_next(other(self._current))
        yield
        while event.type == "mouse_move":
            yield
        self._set_next(self._current)


def other(polarity: Polarity) -> Polarity:
    """Return the opposite."""
    return "negative" if polarity == "positive" else "positive"
