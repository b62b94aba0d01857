"""A mouse for layers without a window."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from napari.layers import Layer
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

PX_PER_UNIT = 10


def drag(layer: Layer, *positions, modifiers=()) -> None:
    """Press at the first position of the world, move along, release at the last one."""

    def at(position, kind: str):
        event.type, event.position = kind, tuple(position)
        event.pos = PX_PER_UNIT * np.asarray(position[-2:])
        return event

    event = SimpleNamespace(
        modifiers=modifiers,
        button=1,
        is_dragging=True,
        handled=False,
        view_direction=None,
        up_direction=None,
        dims_displayed=[len(positions[0]) - 2, len(positions[0]) - 1],
    )
    mouse_press_callbacks(layer, at(positions[0], "mouse_press"))
    for position in positions[1:]:
        mouse_move_callbacks(layer, at(position, "mouse_move"))
    mouse_release_callbacks(layer, at(positions[-1], "mouse_release"))


def click(layer: Layer, position, *, modifiers=()) -> None:
    drag(layer, position, modifiers=modifiers)
