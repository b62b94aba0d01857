"""Prompts to a model with a refiner: a scripted one that knows the pixels."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.engine.model.refining.scripted import (
    ANSWER,
    EARLIER,
    bright,
    bright_in_boxes,
    cells,
    nowhere,
    only,
    paste,
    scripted_refiner,
    shown_to,
    surplus,
)
from tilesam import MaskInput, Session, TileKey
from tilesam.image import open_image
from tilesam.predictor import answer_prompts
from tilesam.prompts import build_prompts
from tilesam.testing.images import bright_rectangles, rectangle_mask
from tilesam.testing.models import bright_region_model
from tilesam.tile_answers import predict
from tilesam.tiling import Grid

HW = (64, 64)
ODD = (9, 9, 31, 39)
"""No side lies between two cells of 4 pixels: the decoder cannot find it exactly."""
ONE_TILE, TILE = Grid(HW, 64), TileKey(0, 0, 0)
POINT, BOX = {"points_yx": (20, 20)}, {"boxes_yxyx": (9, 9, 30, 38)}
POINTS = {"points_yx": [(20, 20), (25, 30)]}


class Scene:
    """An image, a model and its embeddings."""

    def __init__(self, refiner, rectangles=(ODD,), hw=HW):
        self.source = open_image(bright_rectangles(hw, rectangles), channel_axis=2)
        self.model = bright_region_model()
        self.model.refiner = refiner
        self.grid = Grid(hw, 64)
        self.hw = hw

    def embedding(self, tile):
        window = self.grid.window(tile)
        pixels = self.source.read_resampled(window, (64, 64))
        return self.model.embed([pixels])[0]

    def predict(self, tile=TILE, *, shows=True, **prompt):
        prompts = build_prompts(**prompt, image_hw=self.hw)
        source = self.source if shows else None
        return predict(
            *(self.model, self.grid, self.embedding(tile), prompts, tile), source=source
        )

    def answer(self, **prompt):
        prompts = build_prompts(**prompt, image_hw=self.hw)
        return answer_prompts(
            *(self.model, self.grid, self.embedding, prompts), source=self.source
        )

    def whole(self, candidate):
        return paste(candidate.mask, candidate.offset_yx, self.hw)


def by_token(candidate):
    return candidate.token


def assert_same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for field in fields(one):
            assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize("prompt", [POINT, POINTS])
def test_all_candidates_have_the_refiners_masks_scores_and_logits(prompt):
    scene = Scene(scripted_refiner(bright, size=128))
    plain = Scene(None).predict(**prompt)
    expected = rectangle_mask(HW, ODD)
    assert not any((scene.whole(candidate) == expected).all() for candidate in plain)
    candidates = scene.predict(**prompt)
    assert len(candidates) == 3
    for candidate in candidates:
        assert_array_equal(scene.whole(candidate), expected)
        assert candidate.mask.shape == (22, 30)  # cut to its box
        assert candidate.predicted_iou == 0.5
        assert candidate.stability_score == 1
        assert candidate.low_res_logits.shape == (16, 16)
        # Of cells whose middles lie in the mask: rows 9 to 30 and columns 9 to 38.
        found = np.argwhere(candidate.low_res_logits > 0)
        assert_array_equal(found.min(axis=0), [2, 2])
        assert_array_equal(found.max(axis=0), [7, 9])
    kept = ("tile", "window")
    for name in kept:
        assert {getattr(c, name) for c in candidates} == {
            getattr(c, name) for c in plain
        }
    assert sorted(c.token for c in candidates) == sorted(c.token for c in plain)


@pytest.mark.parametrize("prompt", [POINT, POINTS, BOX, POINT | BOX])
def test_without_a_refiner_or_an_image_nothing_changes(prompt):
    plain = Scene(None).predict(**prompt, shows=False)
    assert_same(Scene(None).predict(**prompt), plain)
    refiner = scripted_refiner(bright)
    assert_same(Scene(refiner).predict(**prompt, shows=False), plain)
    assert not refiner.network.shown


def test_answers_to_one_point_are_in_the_order_of_the_refiners_score():
    # The decoder trusts token 2 most, then 3, the narrow one, then 1, the wide one.
    refiner = scripted_refiner(bright, surplus)
    assert [c.token for c in Scene(None).predict(**POINT)] == [2, 3, 1]
    found = Scene(refiner).predict(**POINT)
    scores = [candidate.predicted_iou for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    assert [candidate.token for candidate in found] == [1, 2, 3]


def test_where_several_prompts_say_what_is_meant_the_single_mask_stays_first():
    # All refined masks are alike, and so are their scores.
    plain = Scene(None).predict(**POINTS)
    found = Scene(scripted_refiner(bright)).predict(**POINTS)
    assert [c.token for c in found] == [c.token for c in plain]
    assert found[0].token == 0


def test_an_alternative_that_is_better_by_far_comes_first():
    # The refiner likes the narrow mask, of token 3, and no other.
    refiner = scripted_refiner(bright, lambda channels: surplus(channels) == 0)
    found = Scene(refiner).predict(**POINTS)
    assert [(c.token, c.predicted_iou) for c in found] == [(3, 1), (0, 0), (2, 0)]


def test_masks_that_contradict_a_click_come_last():
    # What the decoder says is left as it is: the narrow mask lacks the corner.
    refiner = scripted_refiner(only(ANSWER), size=128)
    at_corner = {"points_yx": [(10, 10), (20, 20)]}
    found = Scene(refiner).predict(**at_corner)
    contains = [paste(c.mask, c.offset_yx, HW)[10, 10] for c in found]
    assert contains == [True, True, False]
    assert [c.token for c in found] == [0, 2, 3]
    alone = Scene(refiner).predict(points_yx=(10, 10))
    assert alone[-1].token == 3


@pytest.mark.parametrize("prompt", [BOX, POINT | BOX])
def test_a_box_has_its_first_answer_refined_and_no_other(prompt):
    plain = Scene(None).predict(**prompt)
    scene = Scene(scripted_refiner(bright_in_boxes, size=128))
    first, *others = scene.predict(**prompt)
    assert_array_equal(scene.whole(first), rectangle_mask(HW, ODD))
    assert first.predicted_iou == 0.5
    assert_same(others, plain[1:])


def test_a_mask_that_the_refiner_takes_for_nothing_is_empty():
    for candidate in Scene(scripted_refiner(nowhere)).predict(**POINT):
        assert candidate.mask.shape == (0, 0)
        assert candidate.offset_yx == (0, 0)
        assert candidate.bounds_yxyx is None
        assert candidate.stability_score == 0
        assert (candidate.low_res_logits < 0).all()


def test_an_empty_mask_without_a_positive_point_stays_as_it_is():
    refiner = scripted_refiner(bright)
    prompt = {
        "points_yx": (20, 20),
        "point_labels": [0],
        "mask_input": MaskInput(cells(0, 0, 0, 0), TILE),
    }
    plain = Scene(None).predict(**prompt)
    assert [candidate.area for candidate in plain] == [0, 0, 0]
    found = Scene(refiner).predict(**prompt)
    assert_same(sorted(found, key=by_token), sorted(plain, key=by_token))


def test_a_correction_is_refined_with_the_mask_that_it_corrects():
    scene = Scene(scripted_refiner(only(EARLIER), size=128))
    earlier = Scene(None).predict(**POINT)[2]
    found = scene.predict(**POINTS, mask_input=earlier.mask_input)
    assert_array_equal(scene.whole(found[0]), scene.whole(earlier))
    # The alternatives are other things: to them nothing earlier was shown.
    assert [candidate.area for candidate in found[1:]] == [0, 0]
    assert (shown_to(scene.model.refiner)[:, EARLIER].flatten(1).any(dim=1)).sum() == 1


def test_alternatives_to_a_correction_know_nothing_of_what_is_corrected():
    wrong, meant = (4, 4, 16, 28), (36, 8, 60, 50)
    plain = Scene(None, [wrong, meant])
    earlier = plain.predict(points_yx=(10, 10))[0]
    corrected = {"points_yx": [(48, 30), (44, 20)], "mask_input": earlier.mask_input}
    scene = Scene(scripted_refiner(only(ANSWER), size=128), [wrong, meant])
    is_wrong = rectangle_mask(HW, wrong)
    for found, has_wrong in ((plain.predict(**corrected), True),
                             (scene.predict(**corrected), False)):  # fmt: skip
        alternatives = [one for one in found if one.token]
        assert len(alternatives) == 2
        for one in alternatives:
            assert scene.whole(one)[48, 30]
            assert (scene.whole(one) & is_wrong).any() == has_wrong


def test_a_mask_is_corrected_in_another_tile_at_its_place():
    # Tiles begin at every 16th pixel of a long image.
    near, far = TileKey(0, 0, 0), TileKey(0, 0, 2)
    wide = (64, 200)
    plain = Scene(None, [(8, 40, 32, 56)], wide)
    earlier = plain.predict(near, points_yx=(20, 50))[0]
    scene = Scene(scripted_refiner(only(EARLIER), size=128), [(8, 40, 32, 56)], wide)
    corrected = {"points_yx": [(20, 50), (60, 90)], "point_labels": [1, 0]}
    found = scene.predict(far, **corrected, mask_input=earlier.mask_input)
    assert found[0].window == scene.grid.window(far) != earlier.window
    assert_array_equal(scene.whole(found[0]), scene.whole(earlier))
    assert scene.whole(earlier).sum() == pytest.approx(24 * 16, rel=0.02)


def test_an_object_is_refined_beyond_the_tile_that_answers():
    # The tile ends at column 63; the refiner sees what goes on behind it.
    scene = Scene(scripted_refiner(bright, size=128), [(9, 41, 30, 68)], (64, 200))
    found = scene.predict(points_yx=(20, 50))[0]
    assert_array_equal(scene.whole(found), rectangle_mask((64, 200), (9, 41, 30, 68)))


def test_an_object_across_tiles_is_asked_for_where_it_is_seen_as_a_whole():
    rectangle = (9, 41, 30, 74)
    scene = Scene(scripted_refiner(bright, size=128), [rectangle], (64, 200))
    found = scene.answer(points_yx=(20, 50))[0]
    window = found.window
    assert window.contains((9, 41, 29, 73))
    assert_array_equal(scene.whole(found), rectangle_mask((64, 200), rectangle))


def test_a_session_answers_with_refined_masks():
    model = bright_region_model()
    model.refiner = scripted_refiner(bright, size=128)
    image = bright_rectangles(HW, [ODD])
    session = Session.open(image, model=model)
    best = session.prompt(**POINT)[0]
    assert_array_equal(paste(best.mask, best.offset_yx, HW), rectangle_mask(HW, ODD))
    refined = session.prompt(**POINTS, mask_input=best.mask_input)[0]
    assert_array_equal(
        paste(refined.mask, refined.offset_yx, HW), rectangle_mask(HW, ODD)
    )
