"""Which plane of a stack is shown, and clear words where none is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_sam.layers.shown_plane import plane_of
from tilesam import ImageError


@settings(max_examples=30)
@given(
    st.lists(st.floats(0.01, 1000), min_size=4, max_size=4),
    st.lists(st.floats(-1e4, 1e4), min_size=4, max_size=4),
    st.integers(0, 4),
    st.integers(0, 6),
    st.floats(-90, 90),
)
def test_the_sliders_name_the_plane_wherever_the_stack_lies(
    scale, translate, t, z, angle
):
    viewer = ViewerModel()
    turned = np.eye(5)
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned[2:4, 2:4] = [[cos, -sin], [sin, cos]]
    layer = viewer.add_image(
        np.zeros((5, 7, 4, 6), np.uint8),
        scale=scale,
        translate=translate,
        affine=turned,
        units=("s", "um", "um", "um"),
    )

    viewer.dims.point = layer.data_to_world((t, z, 0, 0))

    assert plane_of(layer, viewer.dims) == (t, z)


def test_the_plane_is_the_one_that_napari_draws():
    viewer = ViewerModel()
    stack = np.arange(9, dtype=np.uint8)[:, None, None] * np.ones((1, 4, 4), np.uint8)
    layer = viewer.add_image(stack, scale=(0.3, 1, 1), translate=(5, 0, 0))
    points = viewer.add_points(ndim=3)

    for step in range(9):
        viewer.dims.set_current_step(0, step)
        (plane,) = plane_of(layer, viewer.dims)
        centre = [*viewer.dims.point[:1], 1, 1]
        assert layer.get_value(centre, world=True) == plane == step
    assert points.ndim == 3


def test_an_image_of_two_dimensions_has_no_plane_in_any_viewer():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 4)))
    assert plane_of(layer, viewer.dims) == ()

    viewer.add_image(np.zeros((3, 5, 4, 4)))
    assert plane_of(layer, viewer.dims) == ()


def test_a_shorter_stack_takes_the_last_sliders():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 4, 4)))
    viewer.add_image(np.zeros((3, 5, 4, 4)))
    viewer.dims.set_point((0, 1), (2, 4))

    assert plane_of(layer, viewer.dims) == (4,)


def test_sliders_in_other_units_than_the_layer_are_converted():
    viewer = ViewerModel()
    micro = viewer.add_image(
        np.zeros((5, 4, 4)), scale=(2, 1, 1), units=("um", "um", "um")
    )
    nano = viewer.add_image(
        np.zeros((5, 4, 4)), scale=(500, 1, 1), units=("nm", "nm", "nm")
    )
    assert str(viewer.dims.units[0]) == "nanometer"

    viewer.dims.set_point(0, 2000)

    assert plane_of(micro, viewer.dims) == (1,)
    assert plane_of(nano, viewer.dims) == (4,)


def test_an_image_that_is_transposed_is_still_rows_and_columns():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 4, 6)))
    viewer.dims.set_point(0, 3)
    viewer.dims.order = (0, 2, 1)

    assert plane_of(layer, viewer.dims) == (3,)


def test_a_volume_is_refused():
    viewer = ViewerModel(ndisplay=3)
    layer = viewer.add_image(np.zeros((5, 4, 6)), name="cells")

    with pytest.raises(ImageError, match="shows 'cells' in 3-D; expected a plane"):
        plane_of(layer, viewer.dims)


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_rolled_axes_are_refused_by_their_names(order):
    viewer = ViewerModel()
    layer = viewer.add_image(
        np.zeros((5, 4, 6)), name="cells", axis_labels=("t", "y", "x")
    )
    viewer.dims.order = order

    with pytest.raises(ImageError, match=r"axes t and [xy]; .*'cells', y and x; roll"):
        plane_of(layer, viewer.dims)


def test_a_plane_beyond_the_end_is_refused():
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 4, 6)), name="short")
    viewer.add_image(np.zeros((9, 4, 6)))
    viewer.dims.set_point(0, 7)

    with pytest.raises(ImageError, match=r"position 7 .*'short' .*expected 0 to 4"):
        plane_of(layer, viewer.dims)


def test_a_layer_of_another_viewer_is_refused():
    layer = ViewerModel().add_image(np.zeros((5, 4, 6)), name="elsewhere")

    with pytest.raises(ImageError, match="'elsewhere' has 3 dimensions and the viewer"):
        plane_of(layer, ViewerModel().dims)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@pytest.mark.parametrize(
    "place", [{"rotate": (0, 10, 0)}, {"shear": (0, 0.1, 0)}, {"shear": (0.1, 0, 0)}]
)
def test_a_stack_that_is_turned_out_of_the_screen_is_refused(place):
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 4, 6)), name="oblique", **place)

    with pytest.raises(ImageError, match="planes of 'oblique' are rotated or sheared"):
        plane_of(layer, viewer.dims)
