from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tilesam import Window
from tilesam.model.refining.questions import questions_about

WINDOW = Window(3, 4, 64, 64)
SHOWN = np.random.default_rng(0).normal(size=(3, 16, 16)).astype(np.float32)
EARLIER = np.ones((16, 16), np.float32)
POINT = {"points_yx": np.array([[5.0, 6.0]]), "point_labels": np.array([1])}
NO_POINT = {"points_yx": np.zeros((0, 2)), "point_labels": np.zeros(0, np.int64)}
BOX, NO_BOX = np.array([[5.0, 6.0, 20.0, 30.0]]), np.zeros((0, 4))


def test_every_answer_to_a_point_is_asked_about():
    asked = questions_about(SHOWN, WINDOW, **POINT, boxes_yxyx=NO_BOX, earlier=None)
    for question, logits in zip(asked, SHOWN, strict=True):
        assert_array_equal(question.answer, logits)
        assert_array_equal(question.points_yx, POINT["points_yx"])
        assert question.window == WINDOW
        assert question.earlier is None


def test_the_alternatives_to_a_correction_are_other_things_than_what_is_corrected():
    asked = questions_about(SHOWN, WINDOW, **POINT, boxes_yxyx=NO_BOX, earlier=EARLIER)
    assert asked[0].earlier is EARLIER
    assert [question.earlier for question in asked[1:]] == [None, None]


@pytest.mark.parametrize("points", [POINT, NO_POINT])
@pytest.mark.parametrize("earlier", [None, EARLIER])
def test_where_a_box_says_what_is_meant_the_alternatives_stay(points, earlier):
    asked = questions_about(SHOWN, WINDOW, **points, boxes_yxyx=BOX, earlier=earlier)
    assert asked[0].earlier is earlier
    assert_array_equal(asked[0].boxes_yxyx, BOX)
    assert asked[1:] == [None, None]
