from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam.state.prompts import PromptSet
from tilesam import PromptError

coordinates = st.floats(0, 50)
points = st.tuples(coordinates, coordinates)
boxes = st.tuples(*[coordinates] * 4)


@st.composite
def prompt_sets(draw):
    prompts = PromptSet()
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            prompts = prompts.with_point(draw(points), draw(st.integers(0, 1)))
        else:
            prompts = prompts.with_box(draw(boxes))
    return prompts


def test_arrays_of_layers_become_plain_values_that_compare():
    made = PromptSet.of(
        np.array([[1, 2], [3, 4]], np.float32),
        np.array([1, 0]),
        np.array([[5, 6, 7, 8]]),
    )
    assert made == PromptSet(((1.0, 2.0), (3.0, 4.0)), (1, 0), ((5.0, 6.0, 7.0, 8.0),))
    assert {made: "can be a key"}
    assert PromptSet.of(np.empty((0, 2)), None, np.empty((0, 4))) == PromptSet()


def test_points_are_positive_unless_it_is_said():
    assert PromptSet.of([(1, 2), (3, 4)]).point_labels == (1, 1)


@given(prompt_sets(), points, st.integers(0, 1))
def test_one_more_prompt_extends_and_one_less_does_not(prompts, point, label):
    more = prompts.with_point(point, label)
    assert more.extends(prompts)
    assert not prompts.extends(more)
    assert not prompts.extends(prompts)


def test_a_moved_point_or_another_polarity_does_not_extend():
    before = PromptSet().with_point((1, 1))
    assert not PromptSet().with_point((1, 2)).with_point((9, 9)).extends(before)
    assert not PromptSet().with_point((1, 1), 0).with_point((9, 9)).extends(before)


def test_order_does_not_matter_but_number_does():
    twice = PromptSet().with_point((1, 1)).with_point((1, 1))
    mixed = PromptSet().with_point((2, 2)).with_point((1, 1))
    assert not mixed.with_point((3, 3)).extends(twice)
    assert mixed.with_point((1, 1)).extends(twice)


def test_the_engine_checks_what_it_is_given():
    prompts = PromptSet().with_point((3, 4)).with_box((9, 9, 2, 2)).to_engine((20, 20))
    np.testing.assert_array_equal(prompts.points_yx, [[3, 4]])
    np.testing.assert_array_equal(prompts.boxes_yxyx, [[2, 2, 9, 9]])
    with pytest.raises(PromptError, match="outside of the image"):
        PromptSet().with_point((30, 4)).to_engine((20, 20))


def test_points_beside_the_image_are_left_out_with_their_labels():
    points = [(-0.6, 3), (-0.5, 0), (9.4, 19.4), (9.5, 3), (3, 19.5), (4, 4)]
    drawn = PromptSet.of(points, [1, 0, 1, 0, 1, 0], [(0, 0, 99, 99)])
    inside = drawn.within((10, 20))
    assert inside.points_yx == ((-0.5, 0), (9.4, 19.4), (4, 4))
    assert inside.point_labels == (0, 1, 0)
    assert inside.boxes_yxyx == drawn.boxes_yxyx
