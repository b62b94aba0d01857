"""Many objects of one image are answered as a person is answered about each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.engine.model.refining.scripted import (
    EARLIER,
    bright,
    bright_in_boxes,
    only,
    paste,
    scripted_refiner,
    surplus,
)
from tilesam import TileKey
from tilesam.evaluation.answering import SamSubject
from tilesam.image import open_image
from tilesam.prompts import build_prompts
from tilesam.testing.images import bright_rectangles, rectangle_mask
from tilesam.testing.models import bright_region_model
from tilesam.tile_answers import predict
from tilesam.tiling import Grid
from tilesam.types import MaskInput

HW, SIZE = (128, 128), 128
# So far apart that no region shows both, and so large that all show the object.
ODD = [(5, 6, 29, 33), (89, 90, 115, 119)]
IMAGE = bright_rectangles(HW, ODD)
POINTS = np.array([[[15.0, 15.0]], [[100.0, 105.0]]])
LABELS = np.ones((2, 1), np.int64)
BOXES = np.array([[5.0, 6, 28, 32], [89, 90, 114, 118]])


def refiner_of(rule, **score):
    return scripted_refiner(rule, **score, size=256, input_size=SIZE)


def opened(refiner):
    model = bright_region_model(input_size=SIZE)
    model.refiner = refiner
    return SamSubject(model).open(IMAGE)


def asked_alone(refiner, **prompt):
    """Ask about one object, as a session does."""
    model = bright_region_model(input_size=SIZE)
    model.refiner = refiner
    return predict(
        *(model, Grid(HW, SIZE), model.embed([IMAGE])[0]),
        *(build_prompts(**prompt, image_hw=HW), TileKey(0, 0, 0)),
        source=open_image(IMAGE, channel_axis=2),
    )


def assert_same(answers, row, candidates):
    for i, candidate in enumerate(candidates):
        mask = paste(candidate.mask, candidate.offset_yx, HW)
        assert_array_equal(answers.masks[row, i], mask)
        assert answers.scores[row, i] == pytest.approx(candidate.predicted_iou)
    assert_allclose(answers.feedback[row], candidates[0].low_res_logits, atol=1e-5)


@pytest.mark.parametrize("score", [surplus, None])
def test_points(score):
    options = {} if score is None else {"score": score}
    answers = opened(refiner_of(bright, **options)).points(POINTS, LABELS)
    for row, rectangle in enumerate(ODD):
        expected = np.stack([rectangle_mask(HW, rectangle)] * 3)
        assert_array_equal(answers.masks[row], expected)
        alone = asked_alone(refiner_of(bright, **options), points_yx=POINTS[row])
        assert_same(answers, row, alone)


def test_boxes():
    answers = opened(refiner_of(bright_in_boxes)).boxes(BOXES)
    for row, rectangle in enumerate(ODD):
        assert_array_equal(answers.masks[row, 0], rectangle_mask(HW, rectangle))
        refiner = refiner_of(bright_in_boxes)
        assert_same(answers, row, asked_alone(refiner, boxes_yxyx=BOXES[row]))


def test_corrections():
    first = opened(None).points(POINTS, LABELS)
    more = np.concatenate([POINTS, POINTS + 2], axis=1)
    labels = np.ones((2, 2), np.int64)
    answers = opened(refiner_of(only(EARLIER))).points(more, labels, first.feedback)
    assert_array_equal(answers.masks[:, 0], first.masks[:, 0])
    for row in range(2):
        alone = asked_alone(
            refiner_of(only(EARLIER)),
            points_yx=more[row],
            mask_input=MaskInput(first.feedback[row], TileKey(0, 0, 0)),
        )
        assert_same(answers, row, alone)


def test_padding_is_no_point():
    padded = np.concatenate([POINTS, np.full((2, 1, 2), 127.0)], axis=1)
    labels = np.array([[1, -1], [1, -1]])
    answers = opened(refiner_of(bright)).points(padded, labels)
    for row, rectangle in enumerate(ODD):
        assert_array_equal(answers.masks[row, 0], rectangle_mask(HW, rectangle))


def test_objects_of_which_nobody_says_where_stay_as_they_are():
    refiner = refiner_of(bright)
    labels = np.array([[0], [1]])  # the first is taken away from nothing
    plain = opened(None).points(POINTS, labels)
    found = opened(refiner).points(POINTS, labels)
    assert not found.masks[0].any()
    assert_array_equal(found.masks[0], plain.masks[0])
    assert_array_equal(found.scores[0], plain.scores[0])
    assert_array_equal(found.masks[1, 0], rectangle_mask(HW, ODD[1]))


def test_without_a_refiner_nothing_changes():
    plain = opened(None).points(POINTS, LABELS)
    assert_array_equal(plain.scores[0], np.float32([0.95, 0.8, 0.7]))
    assert plain.masks[0, 0].any()
    assert (plain.masks[0, 0] != rectangle_mask(HW, ODD[0])).any()


def test_what_is_measured_says_which_refiner_it_has():
    with_one, without = (opened(r).model for r in (refiner_of(bright), None))
    first, second = SamSubject(with_one).identity, SamSubject(without).identity
    assert first["refiner_sha256"] == "a" * 64
    assert first["refiner_precision"] == "float32"
    assert second["refiner_sha256"] is second["refiner_precision"] is None
    others = [
        {k: v for k, v in one.items() if not k.startswith("refiner_")}
        for one in (first, second)
    ]
    assert others[0] == others[1]
