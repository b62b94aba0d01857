"""Lines are seen at any zoom and never cover what they are drawn around."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Shapes

from napari_sam.layers.line_width import CANVAS_PX, TOLERANCE, LineWidths, fit_lines

BOX = [(10, 10), (10, 90), (60, 90), (60, 10)]


@given(st.floats(1e-3, 1e3), st.floats(1e-2, 1e2), st.floats(0, 90))
def test_lines_are_as_wide_on_the_screen_at_any_zoom(zoom, pixel_size, angle):
    layer = Shapes([BOX], scale=(pixel_size, pixel_size), rotate=angle)
    fit_lines(layer, zoom)
    on_screen = np.array([*layer.edge_width, layer.current_edge_width])
    np.testing.assert_allclose(on_screen * pixel_size * zoom, CANVAS_PX, rtol=TOLERANCE)


def test_lines_follow_the_camera_until_the_end():
    viewer, layer = ViewerModel(), Shapes([BOX])
    lines = LineWidths(viewer.scene.camera, lambda: [layer])
    viewer.scene.camera.zoom = 0.01
    assert layer.edge_width == pytest.approx([200])
    layer.add([np.add(BOX, 5)])
    assert layer.edge_width == pytest.approx([200, 200])
    viewer.scene.camera.zoom = 4
    assert layer.edge_width == pytest.approx([0.5, 0.5])
    lines.close()
    viewer.scene.camera.zoom = 1
    assert layer.edge_width == pytest.approx([0.5, 0.5])


def test_small_steps_redraw_nothing():
    layer = Shapes([BOX])
    fit_lines(layer, 1.0)
    drawn = []
    layer.events.edge_width.connect(drawn.append)
    fit_lines(layer, 1.05)
    assert drawn == []
