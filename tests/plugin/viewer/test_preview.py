"""The outline under a real mouse."""

from __future__ import annotations

from typing import Any

import pytest

from napari_sam.docks.prompt_docks import PointPrompts
from tests.plugin.viewer.annotating import COIN, OTHER_COIN, click_object, open_dock

pytestmark = pytest.mark.gui


def test_a_mouse_over_an_embedded_tile_outlines_what_a_click_would_find(
    viewer: Any,
) -> None:
    dock, person = open_dock(viewer, PointPrompts)
    click_object(dock, person, COIN)
    dock.prompts.next_object.click()
    preview, state = dock.annotator.preview, dock.annotator.annotation
    dock.prompts.preview.click()
    before = state.generation

    person.hover(OTHER_COIN)
    person.wait(lambda: preview.layer.visible)

    outline = preview.layer
    y, x = (round(value) for value in outline.world_to_data(OTHER_COIN))
    assert outline.data[y, x] > 0
    person.rest()
    assert any(is_yellow(person.color_at(place)) for place in edge_of(outline))
    assert (state.generation, state.candidates) == (before, ())

    answer = click_object(dock, person, OTHER_COIN)
    assert not outline.visible
    assert (answer.data > 0).sum() == (outline.data > 0).sum()

    dock.prompts.preview.click()
    assert outline not in viewer.layers
    assert preview.layer is None


def edge_of(outline: Any) -> list[tuple[float, float]]:
    """Return places of the world around the line, at the left of the mask."""
    row = outline.data.shape[0] // 2
    column = (outline.data[row] > 0).argmax()
    # A canvas has no whole number of pixels for one of the image.
    return [outline.data_to_world((row, column + by)) for by in (-0.5, 0, 0.5)]


def is_yellow(color: tuple[int, int, int]) -> bool:
    red, green, blue = color
    return min(red, green) - blue > 100
