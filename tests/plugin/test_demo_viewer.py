"""The demo's results in a real viewer."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels, Points, Shapes

from napari_sam.demo import build_layers, show

pytestmark = pytest.mark.gui


@pytest.fixture
def viewer(make_napari_viewer_proxy, write_result, tmp_path):
    """Return a viewer that shows two results."""
    write_result(tmp_path / "a", name="first")
    write_result(tmp_path / "b", name="second")
    viewer = make_napari_viewer_proxy(show=True)
    show(viewer, build_layers(tmp_path))
    return viewer


def test_every_result_has_an_image_three_answers_and_its_prompts(viewer):
    kinds = [type(layer) for layer in viewer.layers]

    assert kinds == 2 * [Image, Labels, Labels, Labels, Shapes, Points]
    assert "1st, IoU 0.91, 0.76: second" in viewer.layers


def test_labels_lie_on_their_own_image(viewer):
    image = viewer.layers["second"]
    labels = viewer.layers["1st, IoU 0.91, 0.76: second"]
    points = viewer.layers["points: second"]

    np.testing.assert_array_equal(image.extent.world[:, -2:], labels.extent.world)
    # The click at (1, 1) is on object 1, wherever the image stands.
    world = points.data_to_world(points.data[0])
    assert labels.get_value(world, world=True) == 1


def test_scores_of_the_object_under_the_mouse_are_shown(viewer):
    labels = viewer.layers["1st, IoU 0.91, 0.76: first"]

    status = labels.get_status((3, 6), world=True)

    assert "predicted_iou: 0.756" in status["value"]


def test_it_is_drawn(viewer):
    drawn = viewer.screenshot(canvas_only=True, flash=False)

    # Black canvas, grey image, two labels, points and boxes.
    assert len(np.unique(drawn.reshape(-1, 4), axis=0)) > 5
