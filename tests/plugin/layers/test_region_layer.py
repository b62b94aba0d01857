from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_sam.layers.region_layer import RegionLayer
from tests.plugin.layers.test_geometry import assert_same_place
from tests.plugin.mouse import drag
from tilesam.types import Window

HW = (60, 80)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def image(viewer):
    return viewer.add_image(
        np.zeros((3, *HW)),
        scale=(2, 0.5, 0.5),
        rotate=(0, 0, 20),
        units=("micrometer",) * 3,
    )


@pytest.fixture
def region(viewer, image):
    return RegionLayer(viewer.layers, image)


def rectangle(y0, x0, y1, x1):
    return np.array([(1, y0, x0), (1, y0, x1), (1, y1, x1), (1, y1, x0)], float)


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_the_next_drag_draws_a_rectangle_on_the_image(viewer, image, region):
    region.draw()

    assert viewer.layers.selection.active is region.layer
    assert region.layer.mode == "add_rectangle"
    assert_same_place(region.layer, (1, 5, 6), image, (1, 5, 6))
    image.scale = (1, 3, 3)
    assert_same_place(region.layer, (1, 5, 6), image, (1, 5, 6))


@pytest.mark.parametrize(
    ("drawn", "window"),
    [
        ((9.6, 19.4, 30.2, 40.4), Window(10, 19, 21, 22)),
        ((-50, -50, 500, 500), Window(0, 0, *HW)),
        ((70, 10, 90, 20), None),
    ],
)
def test_the_pixels_of_the_rectangle(region, drawn, window):
    assert region.window(HW) is None
    region.draw()
    assert region.window(HW) is None
    region.layer.add_rectangles(rectangle(*drawn))
    assert region.window(HW) == window


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_it_is_told_when_the_mouse_is_released(viewer, image, region):
    told = []
    region.changed.connect(lambda: told.append(region.window(HW)))
    region.draw()
    places = [image.data_to_world((1, y, x)) for y, x in ((10, 10), (15, 20), (20, 30))]
    drag(region.layer, *places, places[-1])
    assert told[-1] == Window(10, 10, 11, 21)


def test_drawing_again_and_deleting(viewer, image, region):
    told = []
    region.changed.connect(lambda: told.append(region.window(HW)))
    region.draw()
    region.layer.add_rectangles(rectangle(10, 10, 20, 20))
    assert told[-1] == Window(10, 10, 11, 11)
    region.draw()
    assert told[-1] is None
    viewer.layers.remove(region.layer)
    assert region.layer is None
    region.draw()
    region.close()
    assert list(viewer.layers) == [image]
