"""What is asked by text: bad phrases get words, corrections are checked."""

from __future__ import annotations

import numpy as np
import pytest

from tilesam.errors import PromptError, TextError
from tilesam.text.query import build_query

HW = (40, 60)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [("", "is empty"), (" \n\t ", "is empty"), ("x" * 10_000, "10000 letters"),
     (None, "NoneType"), (7, "int")],
)  # fmt: skip
def test_bad_phrases_say_what_to_do(phrase, words):
    with pytest.raises(TextError, match=words) as caught:
        build_query(phrase, image_hw=HW)
    assert "nuclei" in str(caught.value)
    assert len(str(caught.value)) < 200


def test_negative_phrases_are_checked_too_and_one_may_come_alone():
    with pytest.raises(TextError, match="negative phrase is empty"):
        build_query("nuclei", negative_phrases=["leaf", ""], image_hw=HW)
    assert build_query(
        "nuclei", negative_phrases="leaf", image_hw=HW
    ).negative_phrases == ("leaf",)


def test_corrections_may_be_points_on_the_background_alone():
    query = build_query(
        "  dark  nuclei ", points_yx=[3, 4], point_labels=[0], image_hw=HW
    )
    assert query.phrase == "dark nuclei"
    np.testing.assert_array_equal(query.points_yx, [[3, 4]])
    np.testing.assert_array_equal(query.point_labels, [0])
    assert query.exemplar_boxes_yxyx.shape == (0, 4)


def test_places_outside_of_the_image_are_refused():
    with pytest.raises(PromptError):
        build_query("nuclei", points_yx=[[50, 10]], image_hw=HW)
    with pytest.raises(PromptError):
        build_query("nuclei", exemplar_boxes=[[50, 70, 60, 90]], image_hw=HW)
