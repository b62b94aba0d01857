"""Layers that share a geometry lie at the same places of the world."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points

from napari_sam.layers.geometry import (
    apply_geometry,
    crop_geometry,
    follow_geometry,
    layer_geometry,
    linear_matrix,
    unit_factors,
)

any_place = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
"""napari warns of stacks that are turned out of the screen, which laws hold for too."""

UNITS = {"nanometer": 1e-9, "micrometer": 1e-6, "meter": 1.0}


def numbers(low: float, high: float, count: int):
    return st.lists(st.floats(low, high), min_size=count, max_size=count)


@st.composite
def placed_images(draw, ndims=(2, 3, 4)):
    """Return an image layer that lies anyhow in the world."""
    ndim = draw(st.sampled_from(ndims))
    scale = [s * draw(st.sampled_from([1, -1])) for s in draw(numbers(0.01, 50, ndim))]
    rotate = draw(st.floats(-180, 180)) if ndim == 2 else None
    if ndim == 3:
        rotate = tuple(draw(numbers(-180, 180, 3)))
    affine = np.eye(ndim + 1)
    affine[:-1] += np.reshape(
        draw(numbers(-0.3 / ndim, 0.3 / ndim, ndim * (ndim + 1))), (ndim, ndim + 1)
    )
    unit = draw(st.sampled_from(sorted(UNITS)))
    return Image(
        np.zeros((3,) * (ndim - 2) + (6, 7)),
        scale=scale,
        translate=draw(numbers(-100, 100, ndim)),
        rotate=rotate,
        shear=draw(numbers(-1, 1, ndim * (ndim - 1) // 2)),
        affine=affine,
        units=(unit,) * ndim,
        axis_labels=tuple("tzyx"[-ndim:]),
    )


def in_metres(layer, position) -> np.ndarray:
    """Return where in the world an element of a layer is, in one unit for all."""
    factors = [UNITS[str(unit)] for unit in layer.units]
    return np.array(layer.data_to_world(position)) * factors


def assert_same_place(layer, position, other, other_position):
    there = in_metres(other, other_position)
    size = np.abs(there).max() + np.abs(linear_matrix(other)).max()
    np.testing.assert_allclose(
        in_metres(layer, position), there, rtol=0, atol=1e-9 * size
    )


@any_place
@settings(max_examples=30)
@given(placed_images(), st.data())
def test_a_pixel_of_a_crop_lies_where_it_lies_in_the_image(image, data):
    offset = [data.draw(st.integers(-5, 5000)) for _ in range(image.ndim)]
    inside = [data.draw(st.integers(0, 3)) for _ in range(image.ndim)]
    crop = np.zeros((1,) * (image.ndim - 2) + (4, 4), np.uint8)

    layer = Labels(crop, **crop_geometry(image, offset))

    assert layer.units == image.units
    assert layer.axis_labels == image.axis_labels
    assert_same_place(layer, inside, image, np.add(inside, offset))


@any_place
@settings(max_examples=30)
@given(placed_images(), st.sampled_from(sorted(UNITS)), st.data())
def test_the_place_does_not_depend_on_the_units_it_is_said_in(image, unit, data):
    position = data.draw(numbers(-1000, 1000, image.ndim))
    # A viewer may have axes that the layer does not have.
    world_units = tuple(Points(ndim=5, units=(unit,) * 5).units[: image.ndim + 1])

    layer = Points(ndim=image.ndim, **layer_geometry(image, world_units=world_units))

    assert [str(u) for u in layer.units] == [unit] * image.ndim
    assert_same_place(layer, position, image, position)


def test_a_new_layer_shares_nothing_that_can_be_changed():
    image = Image(np.zeros((4, 4)), affine=np.diag([2.0, 2, 1]))
    layer = Points(ndim=2, **layer_geometry(image))

    layer.affine = np.diag([5.0, 5, 1])
    layer.translate = (9, 9)

    np.testing.assert_array_equal(image.affine.affine_matrix, np.diag([2, 2, 1]))
    np.testing.assert_array_equal(image.translate, (0, 0))


def test_fewer_units_than_axes_say_nothing():
    image = Image(np.zeros((2, 4, 4)), units=("s", "um", "um"))

    geometry = layer_geometry(image, world_units=image.units[:2])

    assert geometry["units"] == image.units


def test_units_of_one_kind_are_converted():
    metres, micro, seconds = Points(ndim=3, units=("m", "um", "s")).units

    factors = unit_factors((metres, micro, seconds), (micro, metres, seconds))

    np.testing.assert_allclose(factors, [1e6, 1e-6, 1])


def test_an_existing_layer_is_moved_and_only_where_it_differs():
    image = Image(np.zeros((4, 4)), scale=(2, 3), rotate=30, units=("um", "um"))
    layer = Points(ndim=2, translate=(5, 5), scale=(2, 3))
    told = []
    for name in ("scale", "translate", "units"):
        layer.events[name].connect(lambda event: told.append(event.type))

    apply_geometry(layer, layer_geometry(image))
    apply_geometry(layer, layer_geometry(image))

    assert sorted(told) == ["translate", "units"]
    np.testing.assert_allclose(layer.data_to_world((1, 2)), image.data_to_world((1, 2)))
    assert layer.units == image.units


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scale", (2, 2)),
        ("translate", (1, 0)),
        ("rotate", 30),
        ("shear", (0.5,)),
        ("affine", np.diag([2.0, 2, 1])),
        ("units", ("um", "um")),
        ("axis_labels", ("y", "x")),
    ],
)
def test_whatever_moves_an_image_is_told_until_it_is_let_go(name, value):
    image = Image(np.zeros((4, 4)))
    told = []
    end = follow_geometry(image, lambda: told.append(name))

    before = getattr(image, name)
    setattr(image, name, value)
    assert told == [name]

    end()
    setattr(image, name, before)
    assert told == [name]


def test_layers_of_a_viewer_with_several_units_keep_their_place():
    viewer = ViewerModel()
    image = viewer.add_image(np.zeros((9, 9)), scale=(2, 2), units=("um", "um"))
    viewer.add_image(np.zeros((9, 9)), scale=(10, 10), units=("nm", "nm"))

    points = Points(ndim=2, **layer_geometry(image, world_units=viewer.dims.units))

    # What napari's tools do with the position of the mouse, which is in nm here.
    np.testing.assert_allclose(points.world_to_data((6000, 8000)), (3, 4))
