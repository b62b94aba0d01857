"""What is shown under the mouse: only what is embedded, only where it rests."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam.controllers.previewing import (
    REST_SECONDS,
    PreviewController,
    preview_at,
)
from napari_sam.controllers.prompting import DEBOUNCE_SECONDS, PromptingController
from napari_sam.state.annotation import AnnotationState
from napari_sam.state.prompts import PromptSet
from tests.plugin.controllers.scene import (
    SIZE,
    SQUARES,
    gate_decoder,
    middle,
    open_session,
)
from tilesam import Session
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model

A, B, C, D = map(middle, SQUARES)
"""A and B lie in one tile, C and D in others."""


def covered(outline):
    """Return the bounding box, as slices have it, of all that an outline fills."""
    rows, columns = np.nonzero(outline.picture)
    y, x = outline.offset_yx
    return y + rows.min(), x + columns.min(), y + rows.max() + 1, x + columns.max() + 1


class Room:
    """A session whose first two objects lie in a tile that is embedded."""

    def __init__(self, window, engine):
        self.window, self.engine = window, engine
        self.session = open_session()
        self.session.prompt(points_yx=[A])
        self.state = AnnotationState()
        self.preview = PreviewController(
            self.session, self.state, engine, later=window.later
        )
        self.found = []
        self.preview.found.connect(self.found.append)

    def rest(self, seconds=REST_SECONDS):
        self.window.pass_time(seconds)

    def see(self):
        self.rest()
        count = len(self.found)
        self.window.wait_for(lambda: len(self.found) > count)
        return self.found[-1]


@pytest.fixture
def room(window, engine):
    return Room(window, engine)


def test_the_object_under_the_mouse_is_outlined(room):
    room.preview.look_at(B)

    assert covered(room.see()) == SQUARES[1]


def test_nothing_is_embedded_for_a_preview(room):
    before = room.session.store.keys(), room.session.embeddings.embedded_count

    room.preview.look_at(C)

    assert room.see() is None
    after = room.session.store.keys(), room.session.embeddings.embedded_count
    assert after == before


def test_a_tile_that_was_embedded_meanwhile_is_asked(room):
    room.preview.look_at(C)
    assert room.see() is None
    room.session.prompt(points_yx=[C])

    room.preview.look_at((C[0] + 1, C[1]))

    assert covered(room.see()) == SQUARES[2]


def test_what_is_stored_of_an_image_that_has_changed_is_not_believed():
    image = bright_rectangles((64, 64), SQUARES[:1])
    session = Session.open(image, model=bright_region_model(input_size=SIZE))
    session.prompt(points_yx=[A])
    session.embeddings.cache.clear()
    assert covered(preview_at(session, A)) == SQUARES[0]

    session.embeddings.cache.clear()
    image[:8] = 255

    assert preview_at(session, A) is None


def test_a_mouse_on_its_way_asks_nothing(room):
    decoder = gate_decoder(room.session)
    for x in range(16, 32):
        room.preview.look_at((24, x))
        room.rest(REST_SECONDS / 4)
    decoder.open(10)

    assert covered(room.see()) == SQUARES[0]
    assert decoder.calls == 1


def test_a_mouse_that_trembles_within_a_pixel_rests(room):
    room.preview.look_at((24.0, 24.0))
    room.rest(REST_SECONDS / 2)
    room.preview.look_at((24.2, 23.8))
    room.rest(REST_SECONDS / 2)
    room.window.wait_for(lambda: room.found)

    assert covered(room.found[-1]) == SQUARES[0]


def test_what_comes_late_is_dropped(room):
    room.preview.look_at(A)
    room.rest()
    (late,) = room.window.take_deliveries(1)
    room.preview.look_at(B)
    late()
    assert room.found == []

    assert covered(room.see()) == SQUARES[1]


@pytest.mark.parametrize("beside", [(-1, 24), (24, -1), (256, 24), (24, 256)])
def test_beside_the_image_is_nothing(room, beside):
    room.preview.look_at(A)
    room.see()

    room.preview.look_at(beside)

    assert room.found[-1] is None


def test_a_click_ends_the_preview_and_is_answered_first(room):
    prompting = PromptingController(
        *(room.session, room.state, room.engine),
        later=room.window.later,
        embeds_neighbours=False,
    )
    decoder = gate_decoder(room.session)
    room.preview.look_at(A)
    room.rest()
    decoder.wait_until_reached()
    room.state.prompts = PromptSet().with_point(B)
    assert set(room.found) == {None}
    room.window.pass_time(DEBOUNCE_SECONDS)
    decoder.open(10)
    room.window.wait_for(lambda: room.state.candidates)

    room.preview.look_at(A)
    room.rest()

    # With an answer on the screen there are no previews, nor late ones.
    assert set(room.found) == {None}
    assert decoder.calls == 2
    prompting.close()


def test_previews_leave_no_trace_in_the_state(room):
    heard = []
    room.state.events.connect(heard.append)

    room.preview.look_at(A)
    room.see()
    room.preview.look_away()

    assert heard == []


def test_closing_drops_what_is_on_its_way(room):
    room.preview.look_at(A)
    room.rest()
    (late,) = room.window.take_deliveries(1)

    room.preview.close()
    late()
    room.state.prompts = PromptSet().with_point(A)

    assert room.found == [None]


def test_a_failure_is_no_message(room, caplog):
    def fail(*_args, **_options):
        raise RuntimeError("no memory")

    room.session.model.decode = fail
    room.preview.look_at(A)
    room.rest()
    (failed,) = room.window.take_deliveries(1)
    failed()

    assert room.found == []
    assert room.state.message == ""
    assert "no memory" in caplog.text


def test_where_the_next_tile_is_missing_the_part_in_this_one_is_shown(window):
    across = (20, SIZE - 24, 36, SIZE + 40)
    session = open_session(squares=[across])
    first = session.grid.choose((28, 50, 28, 50), finest_level=0)
    session.embeddings.get(first)
    assert session.store.keys() == {first}

    outline = preview_at(session, (28, 50))

    y0, x0, y1, x1 = covered(outline)
    assert (y0, x0, y1) == across[:3]
    assert x1 == min(session.grid.window(first).x0 + SIZE, across[3])
