"""Mouse callbacks that run after those of the layer's own tool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Layer

CLICK_PX = 5.0
"""Of the canvas: what the mouse may move between press and release of one click."""

MouseCallback = Callable[[Any, Any], Any]


def run_last(layer: Layer, callback: MouseCallback) -> Callable[[], None]:
    """Have a drag callback called after the tool's; return what takes it away.

    The order of the list is the order of press, move and release alike. A change of
    tool puts the new one at the end.
    """
    callbacks = layer.mouse_drag_callbacks

    def put_last(_event: Any = None) -> None:
        take_away()
        callbacks.append(callback)

    def take_away() -> None:
        if callback in callbacks:
            callbacks.remove(callback)

    def end() -> None:
        layer.events.mode.disconnect(put_last)
        take_away()

    put_last()
    layer.events.mode.connect(put_last)
    return end


def is_click(start_pos: Any, end_pos: Any) -> bool:
    """Return whether two positions on the canvas are a click, not a drag."""
    return bool(np.linalg.norm(np.subtract(start_pos, end_pos)) < CLICK_PX)
