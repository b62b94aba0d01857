"""A person in front of a viewer: real mouse and key events on its canvas."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

CANVAS = "CanvasBackendDesktop"
"""Class of the widget that vispy draws on."""

_ROUNDS = 10
"""Of events that are a moment at least: drawing in software makes a single one long."""


class Person:
    """Clicks, drags and types; places are in world coordinates, rows first.

    Parameters
    ----------
    viewer
        Shown, with at least one layer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.window: QWidget = viewer.window.main_menu.window()
        (self.canvas,) = [
            widget
            for widget in self.window.findChildren(QWidget)
            if type(widget).__name__ == CANVAS
        ]
        self.wait(lambda: self.canvas.isVisible() and self.canvas.width() > 100)

    def wait(self, condition: Callable[[], object], seconds: float = 90.0) -> None:
        """Let the program go on until something holds."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("what was waited for did not come")
            QApplication.processEvents()
            time.sleep(0.005)

    def rest(self, seconds: float = 0.1) -> None:
        """Let the program go on for a moment, and several times on a slow machine."""
        end, rounds = time.monotonic() + seconds, itertools.count()
        self.wait(lambda: next(rounds) >= _ROUNDS and time.monotonic() > end)

    def place(self, world_yx: tuple[float, float]) -> QPoint:
        """Return where on the canvas a place of the world is."""
        camera = self.viewer.scene.camera
        offset = (np.array(world_yx) - camera.center[-2:]) * camera.zoom
        middle = np.array([self.canvas.height(), self.canvas.width()]) / 2
        y, x = np.rint(middle + offset).astype(int).tolist()
        return QPoint(x, y)

    def click(
        self,
        world_yx: tuple[float, float],
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Click with the left button."""
        place = self.place(world_yx)
        self._mouse(QEvent.Type.MouseMove, place, modifier, held=False)
        self._mouse(QEvent.Type.MouseButtonPress, place, modifier)
        self._mouse(QEvent.Type.MouseButtonRelease, place, modifier)

    def drag(self, start_yx: tuple[float, float], end_yx: tuple[float, float]) -> None:
        """Press, move and release the left button."""
        start, end = self.place(start_yx), self.place(end_yx)
        none = Qt.KeyboardModifier.NoModifier
        self._mouse(QEvent.Type.MouseMove, start, none, held=False)
        self._mouse(QEvent.Type.MouseButtonPress, start, none)
        for share in (0.25, 0.5, 0.75, 1.0):
            self.rest(0.03)  # napari takes moves in quick succession for one
            between = start + (end - start) * share
            self._mouse(QEvent.Type.MouseMove, between, none)
        self._mouse(QEvent.Type.MouseButtonRelease, end, none)

    def hover(self, world_yx: tuple[float, float]) -> None:
        """Move the mouse to a place without pressing anything."""
        none = Qt.KeyboardModifier.NoModifier
        self._mouse(QEvent.Type.MouseMove, self.place(world_yx), none, held=False)

    def color_at(self, world_yx: tuple[float, float]) -> tuple[int, int, int]:
        """Return the red, green and blue that are seen at a place."""
        place = self.place(world_yx)
        seen = self.viewer.screenshot(canvas_only=True, flash=False)
        scale = seen.shape[0] / self.canvas.height()
        red, green, blue = seen[round(place.y() * scale), round(place.x() * scale), :3]
        return int(red), int(green), int(blue)

    def press(
        self,
        key: Qt.Key,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Press and release a key above the canvas."""
        QTest.keyClick(self.canvas, key, modifier)
        QApplication.processEvents()

    def _mouse(
        self,
        kind: QEvent.Type,
        place: QPoint,
        modifier: Qt.KeyboardModifier,
        *,
        held: bool = True,
    ) -> None:
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        button = none if kind == QEvent.Type.MouseMove else left
        is_down = held and kind != QEvent.Type.MouseButtonRelease
        event = QMouseEvent(
            *(kind, QPointF(place), QPointF(self.canvas.mapToGlobal(place))),
            *(button, left if is_down else none, modifier),
        )
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()
