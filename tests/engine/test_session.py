"""Coordinates from end to end, with a network whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tilesam import ImageError, PromptError, Session, Window
from tilesam.testing.images import bright_rectangles
from tilesam.testing.models import bright_region_model, tiny_random_model

SIZE = 64


@pytest.fixture(scope="module")
def model():
    return bright_region_model(input_size=SIZE)


def extent(candidate):
    """Return the bounding box of a mask as slices have it."""
    (y, x), (h, w) = candidate.offset_yx, candidate.mask.shape
    return y, x, y + h, x + w


@pytest.mark.parametrize("axes", ["yx", "xy"])
def test_a_click_gives_the_object_at_its_place(model, axes):
    rectangle = (8, 20, 24, 52) if axes == "yx" else (20, 8, 52, 24)
    session = Session.open(bright_rectangles((SIZE, SIZE), [rectangle]), model=model)
    y0, x0, y1, x1 = rectangle
    for click in [(y0, x0), (y1 - 1, x1 - 1), (y0 + 5, x0 + 5)]:
        best = session.prompt(points_yx=[click])[0]
        assert extent(best) == rectangle
        assert best.mask.mean() > 0.98
        assert best.window == Window(0, 0, SIZE, SIZE)


@pytest.mark.parametrize("image_hw", [(32, 32), (32, 20), (16, 32)])
def test_an_image_smaller_than_the_input_is_enlarged(model, image_hw):
    # Enlarged by two, even edges lie on the network's cells of four pixels.
    rectangle = (4, 6, 12, 16)
    session = Session.open(bright_rectangles(image_hw, [rectangle]), model=model)
    assert extent(session.prompt(points_yx=(4, 6))[0]) == rectangle


@pytest.mark.parametrize("image_hw", [(50, 41), (37, 60), (23, 23)])
def test_any_resizing_keeps_the_place_to_about_a_cell(model, image_hw):
    rectangle = (5, 8, 17, 20)
    session = Session.open(bright_rectangles(image_hw, [rectangle]), model=model)
    best = session.prompt(points_yx=(11, 14))[0]
    cell = 4 * max(image_hw) / SIZE
    assert np.abs(np.subtract(extent(best), rectangle)).max() <= np.ceil(cell / 2)


@pytest.mark.parametrize("place", [(0, 0), (100, 200), (168, 272), (172, 20)])
def test_in_a_large_image_the_object_is_found_in_its_tile(model, place):
    # Tiles begin at multiples of 16, so edges at multiples of 4 lie on cells.
    y, x = place
    rectangle = (y, x, y + 16, x + 24)
    image = bright_rectangles((188, 296), [rectangle])
    best = Session.open(image, model=model).prompt(points_yx=(y + 8, x + 12))[0]
    assert extent(best) == rectangle
    assert (best.window.height, best.window.width) == (SIZE, SIZE)


def test_an_object_larger_than_the_input_is_seen_at_lower_resolution(model):
    rectangle = (64, 64, 192, 192)
    session = Session.open(bright_rectangles((256, 256), [rectangle]), model=model)
    best = session.prompt(boxes_yxyx=(63.5, 63.5, 191.5, 191.5))[0]
    assert max(best.window.height, best.window.width) > SIZE
    cell = 4 * best.window.height / SIZE
    assert np.abs(np.subtract(extent(best), rectangle)).max() <= np.ceil(cell / 2)


def test_two_points_far_apart_give_one_mask_with_both_objects(model):
    rectangles = [(32, 32, 64, 64), (160, 192, 192, 224)]
    session = Session.open(bright_rectangles((256, 256), rectangles), model=model)
    best = session.prompt(points_yx=[(48, 48), (176, 208)])[0]
    y0, x0, y1, x1 = extent(best)
    assert np.abs(np.subtract((y0, x0, y1, x1), (32, 32, 192, 224))).max() <= 16
    assert best.mask[48 - y0, 48 - x0]
    assert best.mask[176 - y0, 208 - x0]


def test_a_background_point_takes_an_object_away(model):
    rectangles = [(8, 8, 24, 24), (40, 40, 56, 56)]
    session = Session.open(bright_rectangles((SIZE, SIZE), rectangles), model=model)
    both = session.prompt(boxes_yxyx=(0, 0, 63, 63))[0]
    assert extent(both) == (8, 8, 56, 56)
    one = session.prompt(
        points_yx=(48, 48), point_labels=[0], boxes_yxyx=(0, 0, 63, 63)
    )[0]
    assert extent(one) == rectangles[0]


def test_a_box_excludes_what_lies_outside_of_it(model):
    rectangles = [(8, 8, 24, 24), (40, 40, 56, 56)]
    session = Session.open(bright_rectangles((SIZE, SIZE), rectangles), model=model)
    best = session.prompt(boxes_yxyx=(55.5, 55.5, 39.5, 39.5))[0]
    assert extent(best) == rectangles[1]


def test_refining_a_mask_adds_to_it(model):
    rectangles = [(8, 8, 24, 24), (40, 40, 56, 56)]
    session = Session.open(bright_rectangles((SIZE, SIZE), rectangles), model=model)
    first = session.prompt(points_yx=(16, 16))[0]
    refined = session.prompt(points_yx=(48, 48), mask_input=first.mask_input)[0]
    assert extent(refined) == (8, 8, 56, 56)
    assert extent(session.prompt(mask_input=first.mask_input)[0]) == rectangles[0]


def test_refinement_keeps_its_tile_while_all_prompts_lie_in_it(model):
    image = bright_rectangles((256, 256), [(100, 100, 116, 116)])
    session = Session.open(image, model=model)
    first = session.prompt(points_yx=(108, 108))[0]
    again = session.prompt(
        points_yx=(97, 97), point_labels=[0], mask_input=first.mask_input
    )[0]
    assert session.grid.choose((97, 97, 97, 97)) != first.tile
    assert again.tile == first.tile
    assert extent(again) == extent(first)


def test_refinement_from_outside_takes_the_mask_along(model):
    rectangles = [(96, 96, 112, 112), (160, 160, 176, 176)]
    session = Session.open(bright_rectangles((256, 256), rectangles), model=model)
    first = session.prompt(points_yx=(104, 104))[0]
    both = session.prompt(points_yx=(168, 168), mask_input=first.mask_input)[0]
    assert both.window.contains((96, 96, 175, 175))
    assert np.abs(np.subtract(extent(both), (96, 96, 176, 176))).max() <= 4


def test_an_empty_mask_is_taken_along_too(model):
    image = bright_rectangles((256, 256), [(160, 160, 176, 176)])
    session = Session.open(image, model=model)
    nothing = session.prompt(boxes_yxyx=(10, 10, 20, 20))[0]
    assert nothing.area == 0
    assert nothing.mask.shape == (0, 0)
    assert nothing.stability_score == 0
    found = session.prompt(points_yx=(168, 168), mask_input=nothing.mask_input)[0]
    assert extent(found) == (160, 160, 176, 176)


def test_a_second_click_in_a_window_costs_only_the_decoder(monkeypatch):
    model = tiny_random_model(0)
    embedded = []
    original = model.embed
    monkeypatch.setattr(
        model, "embed", lambda windows: embedded.append(1) or original(windows)
    )
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    session = Session.open(image, model=model)
    session.prompt(points_yx=(100, 100))
    first = len(embedded)
    for click in [(100, 100), (100, 100)]:
        session.prompt(points_yx=click)
    assert len(embedded) == first
    session.prompt(points_yx=(280, 280))
    assert len(embedded) > first


def test_equal_prompts_give_equal_answers(model):
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    session = Session.open(image, model=tiny_random_model(1))
    first, second = (session.prompt(points_yx=(20, 30)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert_array_equal(a.mask, b.mask)
        assert (a.offset_yx, a.predicted_iou) == (b.offset_yx, b.predicted_iou)


def test_one_pixel_can_be_clicked_on():
    session = Session.open(np.ones((1, 1)), model=tiny_random_model(0))
    candidates = session.prompt(points_yx=(0, 0))
    assert all(candidate.mask.shape in [(0, 0), (1, 1)] for candidate in candidates)


@pytest.mark.parametrize("image_hw", [(1, 500), (500, 1), (3, 65)])
def test_narrow_images_can_be_clicked_on(image_hw):
    session = Session.open(np.ones(image_hw), model=tiny_random_model(0))
    y, x = image_hw[0] - 1, image_hw[1] - 1
    for candidate in session.prompt(points_yx=(y, x)):
        top, left, bottom, right = extent(candidate)
        assert 0 <= top <= bottom <= image_hw[0]
        assert 0 <= left <= right <= image_hw[1]


def test_options_reach_the_image(model):
    image = np.zeros((7, 20, 30), np.uint16)
    session = Session.open(
        image, model=model, channels=(1, 2), channel_axis=0, contrast_limits=(0, 9)
    )
    assert session.image_hw == (20, 30)


def test_errors_reach_the_caller(model):
    with pytest.raises(ImageError):
        Session.open(np.zeros((5, 5), complex), model=model)
    with pytest.raises(PromptError):
        Session.open(np.zeros((5, 5)), model=model).prompt()
