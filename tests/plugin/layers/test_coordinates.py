"""Positions go from napari to the engine and back unchanged."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_sam.layers.coordinates import (
    box_to_shape,
    crop_offset,
    crop_to_layer,
    is_on_plane,
    points_from_engine,
    points_to_engine,
    shape_to_box,
)

PLACES = st.floats(-1e6, 1e6)
PLANES = st.lists(st.integers(0, 1000), max_size=3).map(tuple)


@given(
    hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(2)), elements=PLACES),
    PLANES,
)
def test_points_survive_the_way_there_and_back(points_yx, plane):
    data = points_from_engine(points_yx, plane)
    back, planes = points_to_engine(data)

    assert data.shape == (len(points_yx), len(plane) + 2)
    np.testing.assert_array_equal(back, points_yx)
    assert is_on_plane(planes, plane).all()


@given(st.lists(PLACES, min_size=4, max_size=4), PLANES)
def test_boxes_survive_whichever_corner_came_first(corners, plane):
    y, x = sorted(corners[:2]), sorted(corners[2:])
    box = np.array([y[0], x[0], y[1], x[1]])

    for drawn in (box, box[[2, 3, 0, 1]], box[[0, 3, 2, 1]]):
        back, on = shape_to_box(box_to_shape(drawn, plane))
        np.testing.assert_array_equal(back, box)
        assert on == plane


def test_the_last_two_axes_are_rows_and_columns_and_the_others_the_nearest_plane():
    points_yx, planes = points_to_engine([[1, 2.4, 10, 20], [0, 2.6, 11.5, 21.5]])

    np.testing.assert_array_equal(points_yx, [[10, 20], [11.5, 21.5]])
    np.testing.assert_array_equal(planes, [[1, 2], [0, 3]])
    assert is_on_plane(planes, (0, 3)).tolist() == [False, True]


def test_a_turned_rectangle_is_the_box_around_it():
    diamond = [[4, 0, 5], [4, 5, 10], [4, 10, 5], [4, 5, 0]]

    box, plane = shape_to_box(diamond)

    assert box.tolist() == [0, 0, 10, 10]
    assert plane == (4,)


def test_a_shape_across_planes_is_on_none():
    _, plane = shape_to_box([[0, 1, 1], [1, 1, 5], [1, 5, 5], [0, 5, 1]])

    assert plane is None


def test_a_crop_has_an_axis_and_an_offset_for_each_axis_of_the_layer():
    crop = np.arange(6).reshape(2, 3)

    assert crop_offset((7, 8), (4, 5)) == (4, 5, 7, 8)
    assert crop_to_layer(crop, (4, 5)).shape == (1, 1, 2, 3)
    assert crop_to_layer(crop, ()) is not None
    np.testing.assert_array_equal(crop_to_layer(crop, (4, 5))[0, 0], crop)
