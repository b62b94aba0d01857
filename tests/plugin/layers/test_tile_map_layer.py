"""The map lies on the pixels that its tiles answer, wherever the image lies."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_sam.layers.tile_map import TileMark
from napari_sam.layers.tile_map_layer import MOST_TILES, SECONDS, TileMapLayer
from napari_sam.state.embedding import EmbeddingState
from tests.plugin.fake_window import FakeWindow
from tests.plugin.layers.test_geometry import (
    any_place,
    assert_same_place,
    placed_images,
)
from tilesam.tiling import Grid
from tilesam.types import TileKey

LEFT, MIDDLE, *_ = Grid((64, 200), 64).coverage(0)


def session_of(hw, *, input_size=64, level=0):
    return SimpleNamespace(grid=Grid(hw, input_size), finest_level=level)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def image(viewer):
    return viewer.add_image(np.zeros((2, 64, 200), np.uint8), name="cells")


@pytest.fixture
def state():
    return EmbeddingState()


@pytest.fixture
def window():
    return FakeWindow()


@pytest.fixture
def shown(viewer, image, state, window):
    return TileMapLayer(viewer.layers, image, state, window.later)


@any_place
@settings(max_examples=30)
@given(placed_images(), st.sampled_from([0, 1]), st.data())
def test_a_cell_is_centred_on_its_pixels(image, level, data):
    viewer = ViewerModel()
    viewer.add_layer(image)
    shown = TileMapLayer(viewer.layers, image, EmbeddingState(), FakeWindow().later)
    plane = tuple(data.draw(st.integers(0, 2)) for _ in range(image.ndim - 2))
    shown.show()
    shown.follow(session_of((500, 600), level=level), plane)

    cell = 8 << level
    index = np.array([data.draw(st.integers(0, 20)) for _ in range(2)])
    centre = (*plane, *((index + 0.5) * cell - 0.5))
    assert_same_place(shown.layer, (*(0,) * len(plane), *index), image, centre)
    assert shown.layer.units == image.units

    image.scale = np.array(image.scale) * 3
    assert_same_place(shown.layer, (*(0,) * len(plane), *index), image, centre)


def test_it_is_drawn_between_the_image_and_what_lies_on_it(viewer, image, shown):
    above = viewer.add_labels(np.zeros((2, 64, 200), int), name="objects")

    shown.show()

    assert [layer.name for layer in viewer.layers] == [
        "cells",
        "tiles: cells",
        "objects",
    ]
    assert viewer.layers.selection.active is above


def test_tiles_are_drawn_as_they_come_and_not_more_often(shown, state, window):
    shown.show()
    shown.follow(session_of((64, 200)), (1,))
    assert shown.layer.data.shape == (1, 8, 25)
    assert (shown.layer.data == TileMark.MISSING).all()

    drawings = []
    shown.layer.events.data.connect(drawings.append)
    state.begin_work([MIDDLE])
    state.add_stored([LEFT])
    window.pass_time(SECONDS)
    assert len(drawings) == 1
    row = shown.layer.data[0, 0]
    assert row[:7].tolist() == [TileMark.STORED] * 7
    assert row[7:13].tolist() == [TileMark.IN_WORK] * 6
    assert row[-1] == TileMark.MISSING

    state.add_stored([MIDDLE])
    window.pass_time(SECONDS)
    assert (shown.layer.data[0, 0, :13] == TileMark.STORED).all()

    state.stored = frozenset([MIDDLE])
    window.pass_time(SECONDS)
    assert shown.layer.data[0, 0, 0] == TileMark.MISSING


def test_a_level_that_was_changed_meanwhile_is_drawn_from_the_beginning(
    shown, state, window
):
    session = session_of((64, 200))
    state.add_stored([LEFT])
    shown.show()
    shown.follow(session, (0,))
    session.finest_level = 1
    state.add_stored([TileKey(1, 0, 0)])
    window.pass_time(SECONDS)

    assert shown.layer.data.shape[-2:] == (4, 13)
    assert shown.layer.data[..., 0, 0].item() == TileMark.STORED


def test_a_slide_full_of_tiles_is_drawn_bit_by_bit(shown, state, window):
    session = session_of((2_500, 2_500))
    tiles = session.grid.coverage(0)
    assert 2 * MOST_TILES < len(tiles) < 3 * MOST_TILES
    state.add_stored(tiles)
    shown.show()
    shown.follow(session, (0,))
    shares = [np.mean(shown.layer.data == TileMark.STORED)]
    for _ in range(3):
        window.pass_time(SECONDS)
        shares.append(np.mean(shown.layer.data == TileMark.STORED))
    assert 0 < shares[0] < shares[1] < shares[2] == shares[3] == 1


def test_colours_tell_the_states_apart_and_let_the_image_through(shown):
    shown.show()
    colors = [shown.layer.get_color(mark) for mark in TileMark if mark]
    grey, green, orange = (np.asarray(color)[:3] for color in colors)

    assert np.ptp(grey) < 0.01
    assert green.argmax() == 1
    assert orange[0] > orange[1] > orange[2]
    assert shown.layer.opacity < 0.5


def test_hiding_deleting_and_closing(viewer, image, shown, state, window):
    told = []
    shown.shown.connect(told.append)
    shown.show()
    shown.follow(session_of((64, 200)), (0,))
    shown.hide()
    shown.show()
    assert shown.layer.data.shape == (1, 8, 25)
    state.add_stored([LEFT])
    viewer.layers.remove(shown.layer)
    window.pass_time(SECONDS)
    assert told == [True, False, True, False]

    shown.show()
    state.add_stored([MIDDLE])
    shown.close()
    window.pass_time(SECONDS)
    image.scale = (2, 2, 2)
    assert list(viewer.layers) == [image]
