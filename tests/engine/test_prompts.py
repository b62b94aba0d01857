from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tilesam import MaskInput, PromptError, TileKey
from tilesam.prompts import build_prompts

HW = (100, 200)


def mask_input(*, shape=(16, 16), value=0.0):
    return MaskInput(np.full(shape, value, np.float32), TileKey(0, 0, 0))


def test_labels_are_foreground_by_default():
    prompts = build_prompts([(1, 2), (3, 4)], image_hw=HW)
    assert_array_equal(prompts.points_yx, [[1, 2], [3, 4]])
    assert_array_equal(prompts.point_labels, [1, 1])
    assert prompts.point_labels.dtype == np.int64
    assert prompts.boxes_yxyx.shape == (0, 4)


@pytest.mark.parametrize(
    "labels", [[1, 0], [True, False], [1.0, 0.0], np.uint8([1, 0])]
)
def test_labels_may_be_of_any_type(labels):
    prompts = build_prompts([(1, 2), (3, 4)], labels, image_hw=HW)
    assert_array_equal(prompts.point_labels, [1, 0])


def test_a_single_point_and_a_single_box_need_no_list():
    prompts = build_prompts((1, 2), boxes_yxyx=(1, 2, 30, 40), image_hw=HW)
    assert_array_equal(prompts.points_yx, [[1, 2]])
    assert_array_equal(prompts.boxes_yxyx, [[1, 2, 30, 40]])


def test_the_prompts_are_a_copy():
    points = np.array([[1.0, 2.0]])
    prompts = build_prompts(points, image_hw=HW)
    points[:] = 50
    assert_array_equal(prompts.points_yx, [[1, 2]])


@pytest.mark.parametrize(
    "box", [(30, 40, 1, 2), (1, 40, 30, 2), (30, 2, 1, 40), (1, 2, 30, 40)]
)
def test_swapped_corners_are_put_right(box):
    prompts = build_prompts(boxes_yxyx=[box], image_hw=HW)
    assert_array_equal(prompts.boxes_yxyx, [[1, 2, 30, 40]])


def test_a_box_is_cut_at_the_edges_of_the_image():
    prompts = build_prompts(boxes_yxyx=[(-20, 150, 50, 900)], image_hw=HW)
    assert_array_equal(prompts.boxes_yxyx, [[-0.5, 150, 50, 199.5]])


@pytest.mark.parametrize(
    "box", [(5, 5, 5, 9), (5, 5, 9, 5), (-9, -9, -2, -2), (0, 200, 50, 300)]
)
def test_a_box_without_area_in_the_image_is_refused(box):
    with pytest.raises(PromptError, match=r"box 1 is.*without area.*use a point"):
        build_prompts(boxes_yxyx=[(1, 2, 3, 4), box], image_hw=HW)


@pytest.mark.parametrize("point", [(-0.5, -0.5), (99.5, 199.5)])
def test_the_outer_edges_of_the_image_belong_to_it(point):
    assert_array_equal(build_prompts(point, image_hw=HW).points_yx, [point])


@pytest.mark.parametrize(
    "point", [(-0.6, 5), (99.6, 5), (5, 199.6), (5, -1), (150, 50)]
)
def test_a_point_outside_of_the_image_is_refused(point):
    with pytest.raises(PromptError, match=r"point 1 is at.*outside.*100 x 200"):
        build_prompts([(1, 2), point], image_hw=HW)


@pytest.mark.parametrize(
    "nothing",
    [{}, {"points_yx": []}, {"points_yx": [], "boxes_yxyx": np.empty((0, 4))}],
)
def test_no_prompt_is_refused(nothing):
    with pytest.raises(PromptError, match="no prompt was given; expected a foreground"):
        build_prompts(**nothing, image_hw=HW)


def test_background_alone_is_refused():
    with pytest.raises(PromptError, match=r"only 2 background point\(s\) were given"):
        build_prompts([(1, 2), (3, 4)], [0, 0], image_hw=HW)


def test_background_may_accompany_a_box_or_a_mask():
    build_prompts((1, 2), [0], (0, 0, 9, 9), image_hw=HW)
    build_prompts((1, 2), [0], mask_input=mask_input(), image_hw=HW)


@pytest.mark.parametrize(
    "labels", [[1, 2], [1, -1], [1, 0.5], ["a", "b"], [1, np.nan], [1, 1j]]
)
def test_other_labels_are_refused(labels):
    with pytest.raises(PromptError, match="expected 1 for foreground and 0"):
        build_prompts([(1, 2), (3, 4)], labels, image_hw=HW)


@pytest.mark.parametrize("labels", [[1], [1, 1, 0], [], 1, [[1, 0]]])
def test_every_point_has_one_label(labels):
    with pytest.raises(PromptError, match=r"2 point\(s\) and labels of shape"):
        build_prompts([(1, 2), (3, 4)], labels, image_hw=HW)


def test_ragged_labels_are_refused():
    with pytest.raises(PromptError, match=r"labels are \[\[1\], \[1, 0\]\]"):
        build_prompts([(1, 2), (3, 4)], [[1], [1, 0]], image_hw=HW)


def test_labels_without_points_are_refused():
    with pytest.raises(PromptError, match=r"0 point\(s\) and labels"):
        build_prompts(None, [1], (0, 0, 9, 9), image_hw=HW)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("what", ["points", "boxes"])
def test_coordinates_are_finite(value, what):
    rows = {"points": [(1, 2), (3, value)], "boxes": [(1, 2, 3, 4), (1, 2, value, 4)]}
    name = {"points": "points_yx", "boxes": "boxes_yxyx"}[what]
    with pytest.raises(PromptError, match=f"number 1 of the {what}.*finite"):
        build_prompts(**{name: rows[what]}, image_hw=HW)


@pytest.mark.parametrize(
    "points",
    [[(1, 2, 3)], 5, [[[1, 2]]], [(1, 2), (3,)], ["ab"], [(1, 2j)], {"y": 1}],
)
def test_malformed_points_are_refused(points):
    with pytest.raises(PromptError, match=r"points .*expected \(y, x\) for each"):
        build_prompts(points, image_hw=HW)


def test_malformed_boxes_are_refused():
    with pytest.raises(
        PromptError, match=r"shape \(1, 3\); expected \(y0, x0, y1, x1\)"
    ):
        build_prompts(boxes_yxyx=[(1, 2, 3)], image_hw=HW)


def test_a_mask_alone_is_enough():
    assert build_prompts(mask_input=mask_input(), image_hw=HW).mask_input is not None


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((16, 16), np.float32), "mask_input is a ndarray"),
        (mask_input(shape=(16,)), "logits of shape"),
        (mask_input(shape=(0, 0)), "logits of shape"),
        (mask_input(value=np.nan), "finite"),
    ],
)
def test_a_malformed_mask_input_is_refused(bad, message):
    with pytest.raises(PromptError, match=message):
        build_prompts((1, 2), mask_input=bad, image_hw=HW)


def test_messages_are_one_line():
    with pytest.raises(PromptError) as caught:
        build_prompts(np.full((50, 3), 7.0), image_hw=HW)
    assert "\n" not in str(caught.value)
    with pytest.raises(PromptError) as caught:
        build_prompts(np.zeros((50, 2)), np.full(50, 7), image_hw=HW)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200
