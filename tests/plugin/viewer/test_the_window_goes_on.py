"""The window never waits for the engine, however long that takes.

`bench_viewer.py` measures how well; these tests find a window that is blocked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import Qt

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.controllers.everything import EverythingController
from napari_sam.docks.prompt_docks import PointPrompts
from tests.plugin.fake_window import PATIENCE, wait_until
from tests.plugin.viewer.annotating import (
    COIN,
    OTHER_COIN,
    click_object,
    hold_encoder,
    is_answered,
    many_coins,
    open_dock,
    state_of,
    value_at,
)
from tests.plugin.viewer.heartbeat import Heart

pytestmark = pytest.mark.gui

BLOCKED = PATIENCE / 2
"""Seconds; a window that waits for the network stands still for `PATIENCE`."""


class WaitingForBeats:
    """A function that does not begin before the window has gone on."""

    def __init__(self, function: Callable[..., Any], heart: Heart) -> None:
        self._function, self._heart = function, heart
        self.calls = 0

    def __call__(self, *args: Any, **options: Any) -> Any:
        self.calls += 1
        earlier = self._heart.beats
        # The first beat may have been on its way; in a blocked window none comes.
        wait_until(lambda: self._heart.beats > earlier + 1)
        return self._function(*args, **options)


def test_it_can_be_used_while_a_tile_takes_for_ever(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts, many_coins())
    annotator = dock.annotator
    gate = hold_encoder(dock)
    person.click(COIN)
    person.wait(gate.is_reached)
    # As long as the gate is closed, nothing can be answered; all else goes on.
    zoom = viewer.scene.camera.zoom
    person.click(OTHER_COIN)
    person.press(Qt.Key.Key_T)
    viewer.scene.camera.zoom = 2 * zoom
    person.rest()
    assert len(annotator.prompt_layers.points.data) == 2
    assert annotator.prompt_layers.polarity.current == "negative"
    assert "Looking" in dock.prompts.message.text()
    assert state_of(dock).is_busy
    annotator.next_object()
    annotator.prompt_layers.polarity.current = "positive"
    viewer.scene.camera.zoom = zoom
    person.click(COIN)
    assert not state_of(dock).candidates

    gate.open(times=1000)
    # Only what was asked last is answered.
    person.wait(lambda: is_answered(dock, 1))
    assert value_at(annotator.candidate_layers.layer(0), COIN) == 1


def test_it_is_never_blocked_while_work_is_done(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts, many_coins())
    annotator = dock.annotator
    click_object(dock, person, COIN)  # layers that are new take long to be drawn
    heart, network = Heart(), annotator.session.model
    network.embed = WaitingForBeats(network.embed, heart)
    network.decode_points = decode = WaitingForBeats(network.decode_points, heart)
    annotator.use_model("tiny")  # loaded already, opened anew
    person.wait(lambda: annotator.session is not None)
    annotator.controller(EmbeddingController).start()
    everything = annotator.controller(EverythingController)
    annotator.everything.settings = type(annotator.everything.settings)(
        points_per_side=4
    )
    everything.run()
    person.wait(lambda: annotator.everything.found is not None)
    person.wait(lambda: not annotator.embedding.is_running)
    assert heart.stop() < BLOCKED
    # Tiles around the click may have been embedded before.
    assert decode.calls > 0
