from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tilesam import ImageError, Window
from tilesam.image import open_image
from tilesam.image.axes import resolve_layout

LIMITS = (0, 255)


@pytest.mark.parametrize(
    ("shape", "channel_axis"),
    [
        ((9, 8), None),
        ((9, 8, 3), 2),
        ((3, 9, 8), 0),
        ((4, 9, 8), 0),
        ((1, 9, 8), 0),
        ((2, 9, 3), 2),
    ],
)
def test_the_channel_axis_follows_from_the_shape(shape, channel_axis):
    assert resolve_layout(shape).channel_axis == channel_axis


def test_channels_first_show_the_same_as_channels_last(whole):
    image = np.random.default_rng(0).integers(0, 256, (3, 30, 40), np.uint8)
    first, last = open_image(image), open_image(np.moveaxis(image, 0, -1))
    assert first.hw == (30, 40)
    assert_array_equal(whole(first), whole(last))


@pytest.mark.parametrize(
    ("shape", "plane", "expected"),
    [
        ((5, 60, 70), 2, (2,)),
        ((5, 60, 70), np.int64(2), (2,)),
        ((5, 60, 70), [2], (2,)),
        ((6, 5, 60, 70), (1, 4), (1, 4)),
        ((6, 5, 60, 70), [1, 4], (1, 4)),
    ],
)
def test_a_plane_of_a_stack_is_shown(shape, plane, expected, whole):
    image = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    seen = open_image(image, plane=plane, contrast_limits=LIMITS)
    assert_array_equal(whole(seen)[..., 0], image[expected])


@pytest.mark.parametrize(
    ("shape", "options", "index"),
    [
        ((5, 60, 70, 3), {"plane": 4}, np.s_[4]),
        ((5, 3, 60, 70), {"plane": 4}, np.s_[4]),
        ((5, 7, 60, 70), {"plane": 4, "channel_axis": 1, "channels": (6, 0, 1)}, None),
        ((2, 3, 5, 60, 70), {"plane": (1, 4), "channel_axis": 1}, np.s_[1, :, 4]),
        ((2, 3, 5, 60, 70), {"plane": (1, 4), "channel_axis": -4}, np.s_[1, :, 4]),
    ],
)
def test_a_plane_may_have_channels(shape, options, index, whole):
    image = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    expected = image[4, [6, 0, 1]] if index is None else image[index]
    if expected.shape[0] == 3:
        expected = np.moveaxis(expected, 0, -1)
    assert_array_equal(whole(open_image(image, **options)), expected)


def test_only_the_plane_is_read(record):
    array = record(np.zeros((4, 6, 50, 60), np.uint8))
    source = open_image(array, plane=(3, 1), contrast_limits=LIMITS)
    source.read_window(Window(10, 20, 5, 6))
    touched = array.touched()
    assert touched.sum() == 30
    assert touched[3, 1, 10:15, 20:26].all()


@pytest.mark.parametrize(
    ("shape", "plane"),
    [
        ((5, 60, 70), 5),
        ((5, 60, 70), -1),
        ((5, 60, 70), 1.5),
        ((5, 60, 70), True),
        ((5, 60, 70), "a"),
        ((6, 5, 60, 70), (0, 5)),
    ],
)
def test_a_plane_that_is_not_there_is_refused(shape, plane):
    with pytest.raises(ImageError, match=r"plane is .*from 0 to"):
        open_image(np.zeros(shape, np.uint8), plane=plane)


@pytest.mark.parametrize(
    ("shape", "plane"),
    [((60, 70), 0), ((5, 60, 70), (0, 0)), ((6, 5, 60, 70), None), ((9, 9), (0,) * 5)],
)
def test_too_few_or_too_many_positions_are_refused(shape, plane):
    with pytest.raises(ImageError, match=r"dimensions.*plane="):
        open_image(np.zeros(shape, np.uint8), plane=plane)


def test_axes_of_arrays_have_no_names():
    with pytest.raises(ImageError, match="no names"):
        open_image(np.zeros((5, 60, 70), np.uint8), plane={"z": 0})


NAMED = {"shape": (4, 2, 6, 60, 70), "names": ("t", "c", "z", "y", "x")}


@pytest.mark.parametrize(
    ("plane", "t", "z"),
    [
        (None, 0, 0),
        ((3, 5), 3, 5),
        ({"z": 5}, 0, 5),
        ({"T": 1, "z": 2}, 1, 2),
        ({}, 0, 0),
    ],
)
def test_named_axes_start_at_0(plane, t, z):
    layout = resolve_layout(**NAMED, plane=plane)
    assert layout.channel_axis == 1
    assert dict(layout.plane) == {0: t, 2: z}


def test_a_single_number_means_the_only_axis_that_is_long():
    layout = resolve_layout((1, 2, 6, 60, 70), names=NAMED["names"], plane=4)
    assert dict(layout.plane) == {0: 0, 2: 4}


@pytest.mark.parametrize(
    "plane", [3, {"q": 0}, {"t": 4}, (0, 6), (0, 0, 0), {"t": "0"}]
)
def test_named_positions_that_do_not_exist_are_listed(plane):
    with pytest.raises(ImageError, match="t from 0 to 3, z from 0 to 5"):
        resolve_layout(**NAMED, plane=plane)


def test_a_plane_of_a_single_named_plane_is_refused():
    with pytest.raises(ImageError, match="single plane; leave it out"):
        resolve_layout((60, 70), names=("y", "x"), plane=0)
    assert resolve_layout((60, 70), names=("y", "x"), plane=()).plane == ()


def test_columns_before_rows_are_refused():
    with pytest.raises(ImageError, match="expected y before x"):
        resolve_layout((60, 70), names=("x", "y"))


def test_the_user_knows_channels_better_than_the_file():
    layout = resolve_layout((3, 60, 70), names=("z", "y", "x"), channel_axis=0)
    assert (layout.channel_axis, layout.plane) == (0, ())
    layout = resolve_layout((60, 70, 3), names=("z", "y", "x"), channel_axis=-1)
    assert (layout.y_axis, layout.x_axis, layout.channel_axis) == (0, 1, 2)
