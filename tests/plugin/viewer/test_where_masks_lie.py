"""Masks lie under the click, however the image lies and whatever holds its pixels."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from qtpy.QtCore import Qt
from skimage import data

from napari_sam.docks.prompt_docks import BoxPrompts, PointPrompts
from napari_sam.layers.candidate_layers import COLORS
from tests.plugin.viewer.annotating import (
    COIN,
    COINS_HW,
    OTHER_COIN,
    click_object,
    is_answered,
    many_coins,
    open_dock,
    state_of,
    value_at,
    wait_until_open,
)

pytestmark = pytest.mark.gui

COIN_RADIUS = 24.0

SHEARED = {"scale": (0.5, 0.3), "rotate": 30, "shear": [0.4], "translate": (7, -20)}
MIRRORED = {"scale": (2.0, 2.0), "affine": [[0, -1, 50], [-1, 0, -9], [0, 0, 1]]}


def beside(image: Any, place: tuple[float, float], rows: float) -> np.ndarray:
    """Return the place in the world of a pixel so many rows beside another one."""
    return np.array(image.data_to_world((place[0] + rows, place[1])))[-2:]


def check_lies_under(dock: Any, layer: Any, place: tuple[float, float]) -> None:
    """Check a mask of a coin by its centre of gravity in the world, and its edge."""
    image = dock.annotator.image
    pixels = np.argwhere(layer.data == layer.data.max())
    middle = layer.data_to_world(pixels.mean(axis=0))
    np.testing.assert_allclose(image.world_to_data(middle), place, atol=6)
    assert value_at(layer, image.data_to_world(place)) == layer.data.max()
    for rows in (-2 * COIN_RADIUS, 2 * COIN_RADIUS):
        assert not value_at(layer, beside(image, place, rows))


@pytest.mark.parametrize("geometry", [SHEARED, MIRRORED], ids=["sheared", "mirrored"])
def test_click_and_accept_wherever_the_image_lies(
    viewer: Any, geometry: dict[str, Any]
) -> None:
    dock, person = open_dock(viewer, PointPrompts, units=("um", "um"), **geometry)
    annotator, image = dock.annotator, dock.annotator.image
    world = image.data_to_world(COIN)
    beside_point = tuple(beside(image, COIN, COIN_RADIUS / 2))
    earlier = person.color_at(beside_point)
    candidate = click_object(dock, person, world)
    # A pixel of the canvas is nearly one of the image.
    points = annotator.prompt_layers.points
    np.testing.assert_allclose(points.data[0], COIN, atol=2)
    check_lies_under(dock, candidate, COIN)
    # It is seen there, in its colour: more red than before, and no blue.
    assert COLORS[0] == "#ffb000"
    red, _, blue = person.color_at(beside_point)
    assert red > earlier[0]
    assert blue < earlier[2]

    # Nothing of it is left behind when somebody moves the image.
    image.rotate, image.translate = 100, (-300, 40)
    viewer.reset_view()
    check_lies_under(dock, candidate, COIN)
    person.press(Qt.Key.Key_Q)
    objects = annotator.objects.current.layer
    check_lies_under(dock, objects, COIN)
    click_object(dock, person, image.data_to_world(OTHER_COIN))
    person.press(Qt.Key.Key_Q)
    check_lies_under(dock, objects, OTHER_COIN)
    assert objects.units == image.units


def test_a_box_is_drawn_around_a_coin_that_is_scaled(viewer: Any) -> None:
    dock, person = open_dock(
        viewer, BoxPrompts, scale=(0.5, 0.25), translate=(70, 3), units=("um", "um")
    )
    image = dock.annotator.image
    corners = [image.data_to_world(at) for at in ((95.0, 20.0), (147.0, 72.0))]
    person.drag(*corners)
    person.wait(lambda: is_answered(dock, 1))
    (box,) = state_of(dock).prompts.boxes_yxyx
    np.testing.assert_allclose(box, (95, 20, 147, 72), atol=3)
    check_lies_under(dock, dock.annotator.candidate_layers.layer(0), COIN)


def lazy(kind: str, pixels: np.ndarray, folder: Any) -> Any:
    """Return pixels that are read in parts, when they are needed."""
    if kind == "dask":
        return da.from_array(pixels, chunks=(100, 150))
    array = zarr.create_array(
        str(folder / "pixels.zarr"),
        shape=pixels.shape,
        chunks=(100, 150),
        dtype=pixels.dtype,
    )
    array[:] = pixels
    return array


@pytest.mark.parametrize("kind", ["dask", "zarr"])
def test_lazy_pixels(viewer: Any, tmp_path: Any, kind: str) -> None:
    # napari has to know what is black and white, or else it reads a part for it.
    dock, person = open_dock(
        viewer,
        PointPrompts,
        lazy(kind, data.coins(), tmp_path),
        scale=(0.5, 0.5),
        contrast_limits=(0, 255),
    )
    image = dock.annotator.image
    assert not isinstance(image.data, np.ndarray)
    check_lies_under(dock, click_object(dock, person, image.data_to_world(COIN)), COIN)


def test_an_image_of_several_levels(viewer: Any) -> None:
    pixels = many_coins(6)
    levels = [pixels, pixels[::2, ::2], pixels[::4, ::4], pixels[::8, ::8]]
    dock, person = open_dock(viewer, PointPrompts, levels, scale=(0.25, 0.25))
    image = dock.annotator.image
    far = tuple(np.add(COIN, np.multiply(COINS_HW, 4)).tolist())
    assert image.data_level > 0  # a coarse one is on the screen
    # Clicked from far away; of 11 pixels of a coin on the screen the middle one.
    world = image.data_to_world(COIN)
    click_object(dock, person, world)
    person.press(Qt.Key.Key_Q)

    viewer.scene.camera.center = image.data_to_world(far)
    viewer.scene.camera.zoom = 12
    person.wait(lambda: image.data_level == 0)
    candidate = click_object(dock, person, image.data_to_world(far))
    check_lies_under(dock, candidate, far)
    assert max(candidate.data.shape) < 100
    person.press(Qt.Key.Key_Q)
    objects = dock.annotator.objects.current.layer
    assert objects.data.shape == pixels.shape
    assert value_at(objects, world) == 1
    assert value_at(objects, image.data_to_world(far)) == 2


def test_points_far_apart_are_answered_across_tiles(viewer: Any) -> None:
    dock, person = open_dock(viewer, PointPrompts, many_coins(3), scale=(0.1, 0.1))
    wait_until_open(dock, person)
    annotator, image = dock.annotator, dock.annotator.image
    finest = annotator.session.finest_level
    far = tuple(np.add(OTHER_COIN, np.multiply(COINS_HW, 2)).tolist())
    click_object(dock, person, image.data_to_world(COIN))
    (near,) = {candidate.tile for candidate in state_of(dock).candidates}
    # No tile of that level shows both: the answer comes from a coarser one.
    click_object(dock, person, image.data_to_world(far))
    (both,) = {candidate.tile for candidate in state_of(dock).candidates}
    assert near.level == finest
    assert both.level > finest
    assert {near, both} <= annotator.embedding.stored

    # A person who goes on there instead is answered in a tile there.
    person.press(Qt.Key.Key_N)
    assert len(annotator.prompt_layers.points.data) == 0
    candidate = click_object(dock, person, image.data_to_world(far))
    (there,) = {candidate.tile for candidate in state_of(dock).candidates}
    assert there.level == finest
    assert (there.iy, there.ix) > (near.iy, near.ix)
    check_lies_under(dock, candidate, far)
