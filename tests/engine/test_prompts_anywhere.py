"""Laws of prompts in images of many tiles, from end to end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam import Session
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model, tiny_random_model

SIZE = 64
IMAGE_HW = (220, 308)  # not a multiple of a stride, but of a cell of 4 pixels
CELL = 4


@st.composite
def rectangles(draw, *, smallest=CELL, largest=SIZE // 4, margin=0):
    """Draw a rectangle (y0, x0, y1, x1) on the cells of four pixels, and a click.

    The click is at least a margin away from the edges.
    """
    cells = st.integers(smallest // CELL, largest // CELL)
    height, width = (draw(cells) * CELL for _ in range(2))
    y0 = draw(st.integers(0, (IMAGE_HW[0] - height) // CELL)) * CELL
    x0 = draw(st.integers(0, (IMAGE_HW[1] - width) // CELL)) * CELL
    y = draw(st.integers(y0 + margin, y0 + height - 1 - margin))
    x = draw(st.integers(x0 + margin, x0 + width - 1 - margin))
    return (y0, x0, y0 + height, x0 + width), (y, x)


def extent(candidate):
    (y, x), (h, w) = candidate.offset_yx, candidate.mask.shape
    return y, x, y + h, x + w


@given(rectangles())
@settings(max_examples=60)
def test_a_click_gives_the_whole_object_wherever_the_tiles_lie(drawn):
    rectangle, click = drawn
    image = bright_rectangles(IMAGE_HW, [rectangle])
    tiled = Session.open(image, model=bright_region_model(input_size=SIZE))
    assert extent(tiled.prompt(points_yx=click)[0]) == rectangle


# At level 2 a cell is 16 pixels wide: one at the object's edge may count as ground.
@given(rectangles(smallest=SIZE * 5 // 8, largest=SIZE, margin=16))
@settings(max_examples=40)
def test_the_tiled_answer_is_the_untiled_one(drawn):
    rectangle, click = drawn
    image = bright_rectangles((220, 320), [rectangle])
    untiled = Session.open(image, model=bright_region_model(input_size=320))
    tiled = Session.open(image, model=bright_region_model(input_size=SIZE))
    expected = extent(untiled.prompt(points_yx=click)[0])
    assert expected == rectangle
    best = tiled.prompt(points_yx=click)[0]
    # What does not fit into a window at level 0 is seen with coarser cells.
    slack = (2**best.tile.level - 1) * CELL
    assert np.abs(np.subtract(extent(best), expected)).max() <= slack


@given(rectangles(largest=SIZE // 2))
@settings(max_examples=40)
def test_a_box_gives_the_whole_object(drawn):
    (y0, x0, y1, x1), _ = drawn
    image = bright_rectangles(IMAGE_HW, [(y0, x0, y1, x1)])
    session = Session.open(image, model=bright_region_model(input_size=SIZE))
    box = (y0 - 0.5, x0 - 0.5, y1 - 0.5, x1 - 0.5)
    assert extent(session.prompt(boxes_yxyx=box)[0]) == (y0, x0, y1, x1)


clicks = st.tuples(st.integers(0, IMAGE_HW[0] - 1), st.integers(0, IMAGE_HW[1] - 1))
NOISE = np.random.default_rng(0).integers(0, 256, (*IMAGE_HW, 3), np.uint8)
MODEL = tiny_random_model(0, input_size=SIZE)


def assert_equal_answers(first, second):
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a.mask, b.mask)
        assert_array_equal(a.low_res_logits, b.low_res_logits)
        assert (a.offset_yx, a.predicted_iou, a.tile) == (
            *(b.offset_yx, b.predicted_iou, b.tile),
        )


@given(st.lists(clicks, max_size=4), st.lists(clicks, min_size=1, max_size=3))
@settings(max_examples=8)
def test_what_was_asked_before_does_not_matter(earlier, asked):
    fresh, used = (Session.open(NOISE, model=MODEL) for _ in range(2))
    for click in earlier:
        used.prompt(points_yx=click)
    assert_equal_answers(fresh.prompt(points_yx=asked), used.prompt(points_yx=asked))


def test_what_is_stored_already_does_not_matter(tmp_path):
    path = tmp_path / "store"
    filled = Session.open(NOISE, model=MODEL, store=path)
    filled.embed()
    reopened = Session.open(NOISE, model=MODEL, store=path)
    for click in [(3, 3), (64, 64), (219, 307), (100, 40)]:
        fresh = Session.open(NOISE, model=MODEL)
        answer = fresh.prompt(points_yx=click)
        assert_equal_answers(answer, filled.prompt(points_yx=click))
        assert_equal_answers(answer, reopened.prompt(points_yx=click))


def test_a_click_in_an_embedded_image_embeds_nothing_first(monkeypatch):
    model = tiny_random_model(0, input_size=SIZE)
    session = Session.open(NOISE, model=model)
    session.embed()
    calls = []
    original = model.embed
    monkeypatch.setattr(model, "embed", lambda w: calls.append(1) or original(w))
    for y in range(0, IMAGE_HW[0], 13):
        for x in range(0, IMAGE_HW[1], 17):
            session.embeddings.get(session.grid.choose((y, x, y, x)))
    assert not calls


@pytest.mark.parametrize(
    "points", [[(0, 0), (219, 307)], [(0, 307), (219, 0), (110, 150)]]
)
def test_points_in_opposite_corners_are_all_answered(points):
    # Large enough to be seen when the whole image is shrunk to 64 pixels.
    corners = [(min(max(y - 20, 0), 180), min(max(x - 20, 0), 268)) for y, x in points]
    image = bright_rectangles(IMAGE_HW, [(y, x, y + 40, x + 40) for y, x in corners])
    session = Session.open(image, model=bright_region_model(input_size=SIZE))
    best = session.prompt(points_yx=points)[0]
    y0, x0 = best.offset_yx
    for y, x in points:
        assert best.mask[y - y0, x - x0]


@pytest.mark.parametrize("edge", [-0.5, 0.0])
def test_the_very_last_pixel_can_be_clicked_on(edge):
    image = bright_rectangles(IMAGE_HW, [(200, 288, 220, 308)])
    session = Session.open(image, model=bright_region_model(input_size=SIZE))
    last = (IMAGE_HW[0] - 1 - edge, IMAGE_HW[1] - 1 - edge)
    assert extent(session.prompt(points_yx=last)[0]) == (200, 288, 220, 308)


def test_small_objects_are_seen_enlarged():
    image = bright_rectangles(IMAGE_HW, [(10, 10, 12, 12)])
    session = Session.open(
        image, model=bright_region_model(input_size=SIZE), object_diameter=3
    )
    best = session.prompt(points_yx=(11, 11))[0]
    assert best.tile.level == -1
    assert best.window.height == SIZE // 2
    assert extent(best) == (10, 10, 12, 12)


def test_masks_of_windows_that_stick_out_end_with_the_image():
    # 219 rows are 110 pixels of level 1, which end at row 220.
    image = np.zeros((219, 301), np.uint8)
    image[100:, 150:] = 255
    session = Session.open(image, model=bright_region_model(input_size=SIZE))
    for candidate in session.prompt(boxes_yxyx=(100, 150, 218.5, 300.5)):
        _, _, bottom, right = extent(candidate)
        assert bottom <= 219
        assert right <= 301
