"""What most tests in a viewer begin with: an image, a dock, a click and its answer."""

from __future__ import annotations

from typing import Any

import numpy as np
from skimage import data
from skimage.draw import disk

from tests.plugin.fake_window import Gate
from tests.plugin.viewer.canvas import Person

COIN, OTHER_COIN, GROUND = (124.0, 45.0), (56.0, 100.0), (8.0, 8.0)
"""Rows and columns of the middles of two coins, and of a place beside them."""

COINS_HW = (303, 384)


def discs(
    *centres: tuple[float, float], hw: tuple[int, int] = (256, 256), radius: int = 24
) -> np.ndarray:
    """Return bright discs on a dark ground."""
    pixels = np.full(hw, 40, np.uint8)
    for centre in centres:
        pixels[disk(centre, radius, shape=hw)] = 220
    return pixels


def many_coins(times: int = 2) -> np.ndarray:
    """Return a picture of four tiles, or more."""
    return np.tile(data.coins(), (times, times))


def open_dock(
    viewer: Any, kind: type, pixels: Any = None, *, name: str = "coins", **options: Any
) -> tuple[Any, Person]:
    """Add an image, open a dock for it, and wait until it can be asked."""
    viewer.add_image(data.coins() if pixels is None else pixels, name=name, **options)
    dock = kind(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    person = Person(viewer)
    wait_until_open(dock, person)
    viewer.reset_view()
    return dock, person


def wait_until_open(dock: Any, person: Person) -> None:
    """Wait for the model, and for layers that are added a moment later."""
    person.wait(lambda: dock.annotator.session is not None)
    person.rest()


def state_of(dock: Any) -> Any:
    """Return the state of the object that is on its way."""
    return dock.annotator.annotation


def is_answered(dock: Any, prompts: int) -> bool:
    """Return whether the answer to so many prompts is there."""
    state = state_of(dock)
    return (
        bool(state.candidates) and not state.is_busy and len(state.answered) == prompts
    )


def click_object(dock: Any, person: Person, world_yx: tuple[float, ...]) -> Any:
    """Click on an object and return the layer of the best answer to that."""
    earlier = len(state_of(dock).prompts)
    person.click(tuple(world_yx)[-2:])
    person.wait(lambda: is_answered(dock, earlier + 1))
    return dock.annotator.candidate_layers.layer(0)


def hold_encoder(dock: Any) -> Gate:
    """Have the next tiles wait at a gate, so that work goes on until it is opened."""
    model = dock.annotator.session.model
    gate = Gate(model.embed)
    model.embed = gate
    return gate


def value_at(layer: Any, world: tuple[float, ...]) -> Any:
    """Return what napari itself says is under the mouse."""
    return layer.get_value(world, world=True)
