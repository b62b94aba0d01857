from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam import PromptError, Window
from tilesam.predictor import (
    choose_recent_window,
    choose_window,
    order_of_tokens,
    predict,
)
from tilesam.prompts import build_prompts
from tilesam.testing.models import tiny_random_model

SIZE = 64


@st.composite
def images_with_prompts(draw):
    """Draw an image size with points and boxes inside of it."""
    height, width = draw(st.integers(1, 500)), draw(st.integers(1, 500))
    y = st.floats(-0.5, height - 0.5, width=32)
    x = st.floats(-0.5, width - 0.5, width=32)
    points = draw(st.lists(st.tuples(y, x), min_size=1, max_size=5))
    corners = draw(st.lists(st.tuples(y, x, y, x), max_size=3))
    boxes = [box for box in corners if box[0] != box[2] and box[1] != box[3]]
    return (height, width), points, boxes


@given(images_with_prompts(), st.randoms(use_true_random=False))
def test_the_window_does_not_depend_on_the_order_of_prompts(drawn, random):
    image_hw, points, boxes = drawn
    prompts = build_prompts(points, boxes_yxyx=boxes, image_hw=image_hw)
    random.shuffle(points)
    random.shuffle(boxes)
    shuffled = build_prompts(points, boxes_yxyx=boxes, image_hw=image_hw)
    assert choose_window(prompts.bounds_yxyx, image_hw, SIZE) == choose_window(
        shuffled.bounds_yxyx, image_hw, SIZE
    )


@given(images_with_prompts())
def test_the_window_lies_in_the_image_and_holds_all_prompts(drawn):
    image_hw, points, boxes = drawn
    prompts = build_prompts(points, boxes_yxyx=boxes, image_hw=image_hw)
    window = choose_window(prompts.bounds_yxyx, image_hw, SIZE)
    assert window.contains(prompts.bounds_yxyx)
    assert 0 <= window.y0 < window.y0 + window.height <= image_hw[0]
    assert 0 <= window.x0 < window.x0 + window.width <= image_hw[1]
    assert max(window.height, window.width) >= min(SIZE, max(image_hw))


def test_an_image_no_larger_than_the_input_is_one_window():
    assert choose_window((3, 3, 3, 3), (64, 10), SIZE) == Window(0, 0, 64, 10)


def test_a_point_is_in_the_middle_of_its_window():
    window = choose_window((200, 300, 200, 300), (500, 600), SIZE)
    assert window == Window(168, 268, 64, 64)


@pytest.mark.parametrize(
    ("point", "origin"),
    [((0, 0), (0, 0)), ((499, 599), (436, 536)), ((-0.5, 599.5), (0, 536))],
)
def test_a_window_at_the_edge_stays_inside_of_the_image(point, origin):
    assert choose_window((*point, *point), (500, 600), SIZE) == Window(*origin, 64, 64)


def test_an_axis_shorter_than_the_input_is_taken_whole():
    window = choose_window((10, 300, 10, 300), (40, 600), SIZE)
    assert window == Window(0, 268, 40, 64)


def test_a_wide_prompt_takes_a_larger_window_with_a_margin():
    # 120 pixels are three quarters of 160.
    window = choose_window((200, 200, 319, 210), (1000, 1000), SIZE)
    assert window == Window(180, 125, 160, 160)


def test_the_largest_prompt_that_fits_takes_the_input_size():
    assert choose_window((200, 200, 247, 200), (1000, 1000), SIZE).height == 64
    assert choose_window((200, 200, 248, 200), (1000, 1000), SIZE).height > 64


def test_a_recent_window_serves_while_the_prompt_lies_well_inside():
    hw = (500, 500)
    recent = [Window(100, 100, 64, 64)]
    best = choose_window((140, 140, 140, 140), hw, SIZE)
    assert choose_recent_window((140, 140, 140, 140), best, recent, hw) == recent[0]
    # An eighth of 64 is 8: rows 108 to 155 are well inside.
    for y, expected in [(107, None), (108, recent[0]), (155, recent[0]), (156, None)]:
        point = (y, 140, y, 140)
        best = choose_window(point, hw, SIZE)
        assert choose_recent_window(point, best, recent, hw) == expected


def test_a_recent_window_needs_no_margin_at_the_edge_of_the_image():
    recent = [Window(0, 436, 64, 64)]
    point = (0.0, 499.0, 0.0, 499.0)
    best = choose_window(point, (500, 500), SIZE)
    assert choose_recent_window(point, best, recent, (500, 500)) == recent[0]


def test_a_recent_window_of_another_size_does_not_serve():
    recent = [Window(100, 100, 128, 128)]
    point = (160.0, 160.0, 160.0, 160.0)
    best = choose_window(point, (500, 500), SIZE)
    assert choose_recent_window(point, best, recent, (500, 500)) is None


def test_the_nearest_of_several_recent_windows_is_taken():
    recent = [Window(90, 100, 64, 64), Window(104, 100, 64, 64), Window(0, 0, 64, 64)]
    point = (135.0, 132.0, 135.0, 132.0)
    best = choose_window(point, (500, 500), SIZE)
    assert choose_recent_window(point, best, recent, (500, 500)) == recent[1]


def test_an_ambiguous_prompt_shows_the_three_of_multimask_by_score():
    iou = np.array([0.99, 0.5, 0.9, 0.7])
    assert order_of_tokens(iou, is_ambiguous=True) == [2, 3, 1]


def test_several_prompts_show_the_single_mask_first():
    iou = np.array([0.1, 0.5, 0.9, 0.7])
    assert order_of_tokens(iou, is_ambiguous=False) == [0, 2, 3]


@pytest.fixture(scope="module")
def embedded():
    model = tiny_random_model(3)
    pixels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    return model, model.embed([pixels])[0], Window(0, 0, SIZE, SIZE)


def test_a_point_with_a_mask_to_refine_is_not_ambiguous(embedded):
    model, embedding, window = embedded
    first = build_prompts((5, 6), image_hw=(SIZE, SIZE))
    mask_input = predict(model, embedding, first, window)[0].mask_input
    second = build_prompts((5, 6), mask_input=mask_input, image_hw=(SIZE, SIZE))
    assert predict(model, embedding, second, window)[0].token == 0


@pytest.mark.parametrize(
    ("prompt", "has_single_mask"),
    [
        ({"points_yx": (5, 6)}, False),
        ({"points_yx": [(5, 6), (7, 8)]}, True),
        ({"boxes_yxyx": (5, 6, 20, 30)}, True),
        ({"points_yx": (9, 9), "boxes_yxyx": (5, 6, 20, 30)}, True),
    ],
)
def test_each_candidate_has_its_own_scores(embedded, prompt, has_single_mask):
    model, embedding, window = embedded
    prompts = build_prompts(**prompt, image_hw=(SIZE, SIZE))
    candidates = predict(model, embedding, prompts, window)
    assert len(candidates) == 3
    assert (0 in [candidate.token for candidate in candidates]) == has_single_mask
    for candidate in candidates:
        full = (
            model.logits_to_window(
                model.network.decode(
                    embedding[None], **as_tensors(prompts)
                ).low_res_logits,
                (SIZE, SIZE),
            )[0, 0, candidate.token]
            .detach()
            .numpy()
        )
        expected = (full > 1).sum() / (full > -1).sum()
        assert candidate.stability_score == pytest.approx(expected, abs=0.002)
        assert candidate.area == pytest.approx((full > 0).sum(), abs=3)
        assert candidate.low_res_logits.shape == (16, 16)


def as_tensors(prompts):
    import torch

    tensors = {}
    if len(prompts.points_yx):
        points_xy = prompts.points_yx[:, ::-1].copy()
        tensors["points_xy"] = torch.tensor(points_xy, dtype=torch.float32)[None, None]
        tensors["point_labels"] = torch.tensor(prompts.point_labels)[None, None]
    if len(prompts.boxes_yxyx):
        boxes_xyxy = prompts.boxes_yxyx[:, [1, 0, 3, 2]]
        tensors["boxes_xyxy"] = torch.tensor(boxes_xyxy, dtype=torch.float32)[
            None, None
        ]
    return tensors


def test_prompts_outside_of_the_window_are_refused(embedded):
    model, embedding, _ = embedded
    prompts = build_prompts((50, 50), image_hw=(SIZE, SIZE))
    with pytest.raises(PromptError, match="choose the window with choose_window"):
        predict(model, embedding, prompts, Window(0, 0, 40, 40))


def test_a_mask_of_another_model_is_refused(embedded):
    from tilesam import MaskInput

    model, embedding, window = embedded
    other = MaskInput(np.zeros((32, 32), np.float32), window)
    prompts = build_prompts(mask_input=other, image_hw=(SIZE, SIZE))
    with pytest.raises(PromptError, match="refine a mask with the model that made it"):
        predict(model, embedding, prompts, window)
