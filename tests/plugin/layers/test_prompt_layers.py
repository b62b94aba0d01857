"""Clicks and drags on an image become prompts in its own pixels."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import KeymapHandler

from napari_sam.layers.coordinates import box_to_shape
from napari_sam.layers.plane_prompts import PlanePrompts
from napari_sam.layers.polarity import COLORS
from napari_sam.layers.prompt_layers import PromptLayers
from tests.plugin.mouse import click, drag

PLACE = {
    "scale": (3, 0.5, 0.25),
    "translate": (10, 20, 30),
    "affine": np.array(
        [[1.0, 0, 0, 0], [0, 0.8, -0.6, 5], [0, 0.6, 0.8, 7], [0, 0, 0, 1]]
    ),
    "units": ("um", "um", "um"),
}


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def image(viewer):
    """Return a stack of planes that is scaled, turned and measured in micrometres."""
    image = viewer.add_image(np.zeros((4, 60, 80), np.uint8), name="cells", **PLACE)
    viewer.dims.set_current_step(0, 2)
    return image


@pytest.fixture
def prompts(viewer, image):
    prompts = PromptLayers(viewer.layers, viewer.dims, image)
    prompts.show()
    return prompts


@pytest.fixture
def told(prompts):
    told = []
    prompts.changed.connect(lambda: told.append(len(prompts.read((2,)))))
    return told


def world(viewer, image, y, x) -> tuple[float, ...]:
    """Return where the mouse is, in the units of the viewer, on a pixel of plane 2."""
    position = np.array(image.data_to_world((2, y, x)))
    factors = [
        float((1 * u).to(w).m)
        for u, w in zip(image.units, viewer.dims.units, strict=True)
    ]
    return tuple(position * factors)


def test_a_click_is_a_positive_point_on_the_pixel_under_the_mouse(
    viewer, image, prompts, told
):
    prompts.use_points()
    click(prompts.points, world(viewer, image, 12, 34))

    read = prompts.read((2,))
    np.testing.assert_allclose(read.points_yx, [[12, 34]])
    assert read.point_labels.tolist() == [1]
    assert read.boxes_yxyx.shape == (0, 4)
    assert told == [1]


def test_a_drag_is_a_box_whichever_way_it_goes(viewer, image, prompts, told):
    prompts.use_boxes()
    corners = [world(viewer, image, y, x) for y, x in [(40, 50), (30, 30), (10, 20)]]
    drag(prompts.boxes, *corners)

    np.testing.assert_allclose(prompts.read((2,)).boxes_yxyx, [[10, 20, 40, 50]])
    assert told == [1]


def test_other_units_in_the_viewer_do_not_move_what_is_clicked(viewer, image, prompts):
    viewer.add_image(np.zeros((4, 9, 9)), scale=(100,) * 3, units=("nm",) * 3)
    assert str(viewer.dims.units[-1]) == "nanometer"
    viewer.dims.set_point(0, world(viewer, image, 0, 0)[0])

    prompts.use_points()
    click(prompts.points, world(viewer, image, 12, 34))
    prompts.use_boxes()
    drag(prompts.boxes, *(world(viewer, image, *at) for at in [(5, 6), (50, 70)]))

    read = prompts.read((2,))
    np.testing.assert_allclose(read.points_yx, [[12, 34]])
    np.testing.assert_allclose(read.boxes_yxyx, [[5, 6, 50, 70]])


def test_a_click_with_the_box_tool_is_no_box(viewer, image, prompts):
    prompts.use_boxes()
    click(prompts.boxes, world(viewer, image, 12, 34))
    assert prompts.boxes.nshapes == 0

    drag(prompts.boxes, *(world(viewer, image, *at) for at in [(5, 6), (20, 30)]))
    prompts.boxes.mode = "select"
    click(prompts.boxes, world(viewer, image, 50, 70))
    assert prompts.boxes.nshapes == 1


def test_the_polarity_is_toggled_for_all_and_by_a_modifier_for_one(
    viewer, image, prompts
):
    switched = []
    prompts.polarity.changed.connect(switched.append)
    prompts.use_points()

    def add(x, *modifiers):
        click(prompts.points, world(viewer, image, 30, x), modifiers=modifiers)

    add(1)
    add(2, "Shift")
    add(3)
    prompts.polarity.toggle()
    add(4)
    add(5, "Shift")
    add(6)

    assert prompts.read((2,)).point_labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert switched == ["negative"]


def test_the_tool_may_be_changed_without_losing_the_modifier(viewer, image, prompts):
    prompts.use_points()
    prompts.points.mode = "select"
    prompts.use_points()

    click(prompts.points, world(viewer, image, 3, 4), modifiers=("Shift",))
    prompts.points.add((2, 5, 5))

    assert prompts.read((2,)).point_labels.tolist() == [0, 1]


def test_a_drag_with_the_modifier_leaves_the_polarity_alone(viewer, image, prompts):
    prompts.use_points()
    route = [world(viewer, image, y, 4) for y in (3, 20, 50)]

    drag(prompts.points, *route, modifiers=("Shift",))
    prompts.points.add((2, 5, 5))

    assert prompts.read((2,)).point_labels.tolist() == [1]


def test_selecting_an_old_point_does_not_change_what_the_next_click_means(prompts):
    prompts.polarity.current = "negative"
    prompts.points.add((2, 5, 5))
    prompts.polarity.current = "positive"
    prompts.points.add((2, 9, 9))

    prompts.points.selected_data = {0}
    prompts.points.add((2, 7, 7))

    assert prompts.polarity.current == "positive"
    assert prompts.read((2,)).point_labels.tolist() == [0, 1, 1]


def test_colours_follow_from_the_polarity(prompts):
    from napari.utils.colormaps.standardize_color import transform_color

    prompts.points.add([(2, 5, 5), (2, 6, 6)])
    features = prompts.points.features.copy()
    features["polarity"] = ["negative", "positive"]
    prompts.points.features = features
    prompts.polarity.current = "negative"
    prompts.points.add((2, 7, 7))

    expected = [COLORS[name] for name in ("negative", "positive", "negative")]
    np.testing.assert_allclose(prompts.points.face_color, transform_color(expected))


def test_only_prompts_on_the_plane_are_read(prompts):
    prompts.points.add([(1, 5, 5), (2, 6, 6), (2.2, 7, 7)])
    prompts.boxes.add_rectangles(
        [box_to_shape((1, 1, 9, 9), (1,)), box_to_shape((2, 2, 8, 8), (2,))]
    )

    here, there = prompts.read((2,)), prompts.read((1,))

    assert here.points_yx.tolist() == [[6, 6], [7, 7]]
    assert here.boxes_yxyx.tolist() == [[2, 2, 8, 8]]
    assert len(there) == 2
    assert len(prompts.read((0,))) == 0


def test_saved_prompts_come_back_and_leave_other_planes_alone(prompts, told):
    prompts.points.add((1, 5, 5))
    prompts.boxes.add_rectangles([box_to_shape((1, 1, 9, 9), (1,))])
    prompts.points.add((2, 50, 50))
    saved = PlanePrompts(
        np.array([[1.5, 2.5], [30, 40]]), np.array([0, 1]), np.array([[1.0, 2, 3, 4]])
    )
    told.clear()

    prompts.write(saved, (2,))
    read = prompts.read((2,))

    np.testing.assert_array_equal(read.points_yx, saved.points_yx)
    np.testing.assert_array_equal(read.point_labels, saved.point_labels)
    np.testing.assert_array_equal(read.boxes_yxyx, saved.boxes_yxyx)
    assert len(prompts.read((1,))) == 2
    assert told == [3]
    assert prompts.polarity.current == "positive"


def test_clearing_a_plane_and_clearing_all_are_told_once(prompts, told):
    for plane in (1, 2):
        prompts.points.add([(plane, 5, 5), (plane, 6, 6)])
        prompts.boxes.add_rectangles([box_to_shape((1, 1, 9, 9), (plane,))])
    told.clear()

    prompts.clear((2,))
    assert told == [0]
    assert len(prompts.read((1,))) == 3

    prompts.clear()
    assert len(prompts.read((1,))) == 0
    assert told == [0, 0]

    prompts.clear()
    assert told == [0, 0]


def test_every_kind_of_change_is_told_once(prompts, told):
    prompts.points.add((2, 5, 5))
    prompts.points.data = np.add(prompts.points.data, [0, 1, 1])
    features = prompts.points.features.copy()
    features["polarity"] = "negative"
    prompts.points.features = features
    prompts.boxes.add_rectangles([box_to_shape((1, 1, 9, 9), (2,))])
    prompts.boxes.data = [prompts.boxes.data[0] + [0, 1, 1]]
    prompts.boxes.remove([0])
    prompts.points.remove([0])
    assert told == [1, 1, 1, 2, 2, 1, 0]

    prompts.points.selected_data = set()
    prompts.points.size = 5
    prompts.polarity.toggle()
    prompts.points.name = prompts.boxes.name = "mine"
    assert len(told) == 7


def test_the_layers_follow_the_image(viewer, image, prompts):
    image.scale = (1, 7, 7)
    image.translate = (0, 3, 3)
    image.units = ("nm",) * 3

    for layer in (prompts.points, prompts.boxes):
        assert layer.units == viewer.dims.units
        np.testing.assert_allclose(
            layer.data_to_world((2, 3, 4)), image.data_to_world((2, 3, 4))
        )


def test_showing_takes_no_tool_out_of_the_hand_and_brings_back_what_was_deleted(
    viewer, image
):
    labels = viewer.add_labels(np.zeros((4, 60, 80), np.uint8), **PLACE)
    labels.mode = "paint"
    prompts = PromptLayers(viewer.layers, viewer.dims, image)
    prompts.show()
    assert viewer.layers.selection.active is labels
    assert set(viewer.layers.selection) == {labels}
    assert list(viewer.layers[-2:]) == [prompts.boxes, prompts.points]

    viewer.layers.remove(prompts.points)
    prompts.use_points()

    assert viewer.layers.selection.active is prompts.points
    assert prompts.points.mode == "add"
    assert list(viewer.layers).count(prompts.boxes) == 1


def test_the_tool_works_on_a_layer_that_was_hidden(prompts):
    prompts.points.visible = False

    prompts.use_points()

    assert prompts.points.mode == "add"


def test_keys_of_these_layers_come_before_those_of_napari(viewer, prompts):
    pressed = []
    # P adds points in napari.
    prompts.bind_keys({"P": lambda: pressed.append("p") or print})
    keys = KeymapHandler()

    for layer in (prompts.points, prompts.boxes):
        keys.keymap_providers = [layer, viewer]
        keys.press_key("P")
        keys.release_key("P")

    assert pressed == ["p", "p"]
    assert prompts.points.mode == "pan_zoom"


def test_closing_removes_the_layers_and_forgets_the_image(viewer, image, prompts, told):
    viewer.layers.remove(prompts.boxes)
    prompts.close()

    image.scale = (9, 9, 9)
    prompts.points.add((2, 1, 1))
    viewer.dims.units = None

    assert list(viewer.layers) == [image]
    assert prompts.points.scale.tolist() == [3, 0.5, 0.25]
    assert told == []


def test_two_images_have_prompts_of_their_own(viewer, image, prompts):
    other = viewer.add_image(np.zeros((4, 60, 80)), name="other")
    theirs = PromptLayers(viewer.layers, viewer.dims, other)
    theirs.show()

    prompts.points.add((2, 1, 1))
    theirs.polarity.toggle()

    assert len(theirs.read((2,))) == 0
    assert prompts.polarity.current == "positive"
    assert len({layer.name for layer in viewer.layers}) == 6
