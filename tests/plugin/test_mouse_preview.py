"""The outline under the mouse, from events of the mouse to pixels of its layer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.interactions import mouse_move_callbacks

from napari_sam.controllers.previewing import REST_SECONDS
from napari_sam.layers.prompt_layers import PromptLayers
from napari_sam.mouse_preview import MousePreview
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.prompts import PromptSet
from napari_sam.threads.engine_thread import EngineThread
from tests.plugin.controllers.scene import SQUARES, middle, open_session
from tests.plugin.fake_window import FakeWindow
from tests.plugin.mouse import click
from tilesam.testing.images import bright_rectangles

HW = (256, 256)
A, B, C, D = map(middle, SQUARES)

GEOMETRY = {
    "scale": (0.5, 0.25),
    "rotate": 30,
    "shear": [0.2],
    "translate": (7, -3),
    "units": ("um", "um"),
}


class Room:
    """A viewer, without a window, over whose image a mouse moves."""

    def __init__(self, window, engine, image_options, *, planes=0):
        self.window = window
        self.viewer = ViewerModel()
        pixels = bright_rectangles(HW, SQUARES)[..., 0]
        if planes:
            pixels = np.stack([pixels] * planes)
        self.image = self.viewer.add_image(pixels, name="cells", **image_options)
        if "units" in image_options:
            # The world is in the smaller unit then.
            other = np.zeros(HW, np.uint8)
            self.viewer.add_labels(other, units=("nm", "nm"), scale=(100, 100))
        self.prompts = PromptLayers(self.viewer.layers, self.viewer.dims, self.image)
        self.prompts.use_points()
        self.state = AnnotationState()
        self.preview = MousePreview(
            *(self.viewer, self.image, self.prompts, self.state, engine),
            later=window.later,
        )
        session = open_session()
        session.prompt(points_yx=[A])
        self.plane = (1,) if planes else ()
        self.preview.follow(session, self.plane)
        self.said = []
        self.preview.switched.connect(self.said.append)

    def move(self, yx, modifiers=()):
        """Move the mouse to a pixel of the image, as napari tells the active layer."""
        active = self.viewer.layers.selection.active
        position = self.prompts.points.data_to_world((*self.plane, *yx))
        event = SimpleNamespace(
            type="mouse_move",
            position=position,
            modifiers=modifiers,
            is_dragging=False,
            handled=False,
        )
        if active is not None:
            mouse_move_callbacks(active, event)

    def see(self, yx=A):
        """Rest at a pixel until it is answered."""
        self.move(yx)
        self.window.pass_time(REST_SECONDS)
        (answer,) = self.window.take_deliveries(1)
        answer()

    @property
    def is_shown(self):
        return self.preview.layer is not None and self.preview.layer.visible


@pytest.fixture
def make_room(window, engine):
    rooms = []

    def make(image_options=None, **options):
        rooms.append(Room(window, engine, image_options or {}, **options))
        rooms[-1].preview.is_on = True
        return rooms[-1]

    yield make
    for room in rooms:
        room.preview.close()
        room.prompts.close()


@pytest.fixture
def window():
    return FakeWindow()


@pytest.fixture
def engine(window):
    engine = EngineThread(window.deliver)
    yield engine
    assert engine.stop()


def outlined(room):
    """Return the pixels of the image, bounds as slices have them, that are covered."""
    layer = room.preview.layer
    inside = np.argwhere(layer.data > 0)
    ends = [inside.min(axis=0), inside.max(axis=0)]
    corners = [room.image.world_to_data(layer.data_to_world(end)) for end in ends]
    (y0, x0), (y1, x1) = (np.rint(corner[-2:]).astype(int) for corner in corners)
    return y0, x0, y1 + 1, x1 + 1


@pytest.mark.parametrize("options", [{}, GEOMETRY], ids=["plain", "turned"])
def test_the_outline_lies_on_the_object_under_the_mouse(make_room, options):
    room = make_room(options)

    room.see(B)

    assert room.is_shown
    assert outlined(room) == SQUARES[1]


def test_in_a_stack_it_lies_on_the_plane_that_is_shown(make_room):
    room = make_room(planes=3)

    room.see(A)

    layer = room.preview.layer
    assert layer.data.ndim == 3
    assert layer.data_to_world((0, 0, 0))[0] == 1


def test_it_comes_and_goes_without_anybody_noticing(make_room):
    room = make_room()
    heard = []
    room.state.events.connect(heard.append)
    selected = room.viewer.layers.selection.active

    room.see()
    room.preview.is_on = False

    assert heard == []
    assert room.viewer.layers.selection.active is selected
    assert [layer.name for layer in room.viewer.layers] == [
        *("cells", "boxes: cells", "points: cells")
    ]


def test_prompts_are_not_covered(make_room):
    room = make_room()

    names = [layer.name for layer in room.viewer.layers]

    assert names == ["cells", "preview: cells", "boxes: cells", "points: cells"]


def leave_image(room):
    room.move((-5, 20))


def press(room):
    click(room.prompts.points, room.prompts.points.data_to_world(A))


def ask(room):
    room.state.prompts = PromptSet().with_point(A)


def choose_other_layer(room):
    room.viewer.layers.selection.active = room.image


def leave_canvas(room):
    room.viewer.mouse_over_canvas = True
    room.viewer.mouse_over_canvas = False


def pan(room):
    room.prompts.points.mode = "pan_zoom"


def turn_negative(room):
    room.prompts.polarity.toggle()


def hold_the_modifier(room):
    room.move(B, modifiers=("Shift",))


def switch_off(room):
    room.preview.is_on = False


def change_session(room):
    room.preview.follow(None)


ENDS = [
    *(leave_image, press, ask, choose_other_layer, leave_canvas, pan, turn_negative),
    *(hold_the_modifier, switch_off, change_session),
]


@pytest.mark.parametrize("end", ENDS)
def test_it_is_gone_when_a_click_would_not_find_it(make_room, end):
    room = make_room()
    room.see()
    assert room.is_shown

    end(room)

    assert not room.is_shown


@pytest.mark.parametrize("end", ENDS)
def test_nor_does_it_come_back_late(make_room, end):
    room = make_room()
    room.move(A)
    room.window.pass_time(REST_SECONDS)
    (answer,) = room.window.take_deliveries(1)

    end(room)
    answer()

    assert not room.is_shown


@pytest.mark.parametrize(
    "hinder", [ask, choose_other_layer, pan, turn_negative, switch_off, change_session]
)
def test_meanwhile_nothing_is_asked(make_room, engine, monkeypatch, hinder):
    asked = []
    monkeypatch.setattr(engine, "submit", asked.append)
    room = make_room()
    hinder(room)

    room.move(A)
    room.window.pass_time(REST_SECONDS)

    assert asked == []


def test_a_layer_that_is_deleted_switches_it_off(make_room):
    room = make_room()
    room.see()

    room.viewer.layers.remove(room.preview.layer)

    assert (room.preview.is_on, room.said) == (False, [True, False])
    room.preview.is_on = True
    room.see(B)
    assert outlined(room) == SQUARES[1]


def test_it_moves_with_the_image(make_room):
    room = make_room()
    room.see()

    room.image.translate = (100, 50)

    corner = room.preview.layer.data_to_world((0, 0))
    assert corner == (SQUARES[0][0] - 1 + 100, SQUARES[0][1] - 1 + 50)


def test_it_survives_the_deletion_of_the_points(make_room):
    room = make_room()
    room.see()

    room.viewer.layers.remove(room.prompts.points)

    assert not room.is_shown


def test_nobody_can_paint_on_it(make_room):
    room = make_room()
    room.see()

    assert not room.preview.layer.editable
