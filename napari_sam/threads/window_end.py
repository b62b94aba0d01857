"""The end of a viewer's window, of which napari tells nobody.

`Viewer.close` removes all layers first, and so is heard of. The cross in the corner of
the window does not: layers, sessions and threads would go on without a window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject


def on_window_end(viewer: Any, act: Callable[[], None]) -> None:
    """Call a function when the window of a viewer goes, while all of it is still there.

    Parameters
    ----------
    viewer
        A viewer, or the proxy that napari hands to plugins; nothing is ever called for
        one without a window.
    act
        Is called once, on the window's thread.
    """
    window = getattr(viewer, "window", None)
    if window is not None:
        _EndFilter(window.main_menu.window(), act)


class _EndFilter(QObject):
    """Sees what Qt tells a window, and lets all of it pass."""

    def __init__(self, window: QObject, act: Callable[[], None]) -> None:
        super().__init__(window)  # and so lives as long as that
        self._act: Callable[[], None] | None = act
        window.installEventFilter(self)

    def eventFilter(self, _window: QObject, event: QEvent) -> bool:  # noqa: N802
        # Not on closing, which may be refused, nor on hiding, which is no end.
        if event.type() == QEvent.Type.DeferredDelete and self._act is not None:
            act, self._act = self._act, None
            act()
        return False
