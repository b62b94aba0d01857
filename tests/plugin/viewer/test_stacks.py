"""Planes of a stack: what is asked and accepted on one stays there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam.controllers.embedding import EmbeddingController
from napari_sam.docks.prompt_docks import PointPrompts
from tests.plugin.viewer.annotating import (
    click_object,
    discs,
    hold_encoder,
    is_answered,
    open_dock,
    state_of,
    wait_until_open,
)
from tests.plugin.viewer.canvas import Person

pytestmark = pytest.mark.gui

LEFT, RIGHT, DOWN = (80.0, 70.0), (80.0, 180.0), (190.0, 120.0)
CENTRES = [LEFT, RIGHT, DOWN]
"""Of the one disc on each plane."""

SECONDS_PER_PLANE, MICROMETRES = 30.0, 0.5


def open_film(viewer: Any) -> tuple[Any, Person]:
    """Return dock and person before the first plane of a stack in time."""
    dock, person = open_dock(
        viewer,
        PointPrompts,
        np.stack([discs(centre) for centre in CENTRES]),
        name="film",
        scale=(SECONDS_PER_PLANE, MICROMETRES, MICROMETRES),
        translate=(100, 0, 0),
    )
    go_to(viewer, 0)
    wait_until_open(dock, person)
    return dock, person


def go_to(viewer: Any, plane: int) -> None:
    viewer.dims.set_current_step(0, plane)


def label_at(layer: Any, world: Any) -> int:
    """Return the label at a place of the world, also of a plane that is not shown."""
    index = np.rint(layer.world_to_data(world)).astype(int)
    is_inside = (index >= 0).all() and (index < layer.data.shape).all()
    return int(layer.data[tuple(index)]) if is_inside else 0


def world_of(dock: Any, plane: int, place: tuple[float, float]) -> Any:
    return dock.annotator.image.data_to_world((plane, *place))


def test_prompts_and_objects_stay_on_their_plane(viewer: Any) -> None:
    dock, person = open_film(viewer)
    annotator = dock.annotator
    candidate = click_object(dock, person, world_of(dock, 0, LEFT))
    assert annotator.prompt_layers.points.data[0, 0] == 0
    assert label_at(candidate, world_of(dock, 0, LEFT)) == 1
    person.press(Qt.Key.Key_Q)

    # The slider, as the arrow key moves it.
    person.press(Qt.Key.Key_Right)
    person.wait(lambda: annotator.plane == (1,))
    wait_until_open(dock, person)
    candidate = click_object(dock, person, world_of(dock, 1, RIGHT))
    assert label_at(candidate, world_of(dock, 1, RIGHT)) == 1
    assert not label_at(candidate, world_of(dock, 0, RIGHT))
    person.press(Qt.Key.Key_Q)

    objects = annotator.objects.current.layer
    labels = {plane: set(np.unique(objects.data[plane])) for plane in range(3)}
    assert labels == {0: {0, 1}, 1: {0, 2}, 2: {0}}
    assert label_at(objects, world_of(dock, 0, LEFT)) == 1
    assert label_at(objects, world_of(dock, 1, RIGHT)) == 2
    # Undo takes back what was done last, on whichever plane somebody looks meanwhile.
    go_to(viewer, 0)
    wait_until_open(dock, person)
    person.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert set(np.unique(objects.data)) == {0, 1}


def test_an_answer_for_the_plane_before_is_not_shown(viewer: Any) -> None:
    dock, person = open_film(viewer)
    annotator = dock.annotator
    gate = hold_encoder(dock)
    person.click(world_of(dock, 0, LEFT)[-2:])
    person.wait(gate.is_reached)
    go_to(viewer, 1)
    person.rest()
    assert not state_of(dock).candidates
    gate.open(times=1000)
    wait_until_open(dock, person)
    assert annotator.plane == (1,)
    assert not state_of(dock).candidates
    assert not state_of(dock).is_busy
    # No point of plane 0 is on this one, in whatever state the slider has left it.
    assert len(state_of(dock).prompts) == 0
    candidate = click_object(dock, person, world_of(dock, 1, RIGHT))
    assert label_at(candidate, world_of(dock, 1, RIGHT)) == 1


def test_prompts_are_there_again_when_their_plane_is(viewer: Any) -> None:
    dock, person = open_film(viewer)
    points = dock.annotator.prompt_layers.points
    click_object(dock, person, world_of(dock, 0, LEFT))
    go_to(viewer, 1)
    wait_until_open(dock, person)
    assert len(state_of(dock).prompts) == 0
    assert points.data[:, 0].tolist() == [0]
    go_to(viewer, 0)
    wait_until_open(dock, person)
    assert len(state_of(dock).prompts) == 1
    person.wait(lambda: is_answered(dock, 1))
    layer = dock.annotator.candidate_layers.layer(0)
    assert label_at(layer, world_of(dock, 0, LEFT)) == 1


def test_the_slider_is_moved_again_and_again_during_work(viewer: Any) -> None:
    dock, person = open_film(viewer)
    annotator = dock.annotator
    model = annotator.session.model
    annotator.controller(EmbeddingController).start()
    for plane in (1, 2, 0, 2, 1, 2):
        person.click(world_of(dock, plane, CENTRES[plane])[-2:])
        go_to(viewer, plane)
        person.rest(0.02)
    wait_until_open(dock, person)
    assert annotator.plane == (2,)
    assert annotator.session.model is model  # not loaded once for each plane
    assert not annotator.embedding.is_running
    annotator.prompt_layers.clear()
    candidate = click_object(dock, person, world_of(dock, 2, DOWN))
    assert label_at(candidate, world_of(dock, 2, DOWN)) == 1
    assert len(np.unique(annotator.prompt_layers.points.data[:, 0])) == 1
