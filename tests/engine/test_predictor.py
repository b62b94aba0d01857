from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam import MaskInput, PromptError, TileKey
from tilesam.predictor import bounds_beyond, choose_tile, order_of_tokens, predict
from tilesam.prompts import build_prompts
from tilesam.testing.models import tiny_random_model
from tilesam.tiling import Grid
from tilesam.types import MaskCandidate

SIZE = 64
ONE_TILE = Grid((SIZE, SIZE), SIZE)
TILE = TileKey(0, 0, 0)


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
def test_the_tile_does_not_depend_on_the_order_of_prompts(drawn, random):
    image_hw, points, boxes = drawn
    grid = Grid(image_hw, SIZE)
    tile = choose_tile(grid, build_prompts(points, None, boxes, image_hw=image_hw))
    random.shuffle(points)
    random.shuffle(boxes)
    shuffled = build_prompts(points, None, boxes, image_hw=image_hw)
    assert choose_tile(grid, shuffled) == tile


@given(images_with_prompts())
def test_no_prompt_lies_outside_of_the_chosen_tile(drawn):
    image_hw, points, boxes = drawn
    grid = Grid(image_hw, SIZE)
    prompts = build_prompts(points, None, boxes, image_hw=image_hw)
    window = grid.window(choose_tile(grid, prompts))
    assert window.contains(prompts.bounds_yxyx)
    # Whatever part of the mask had been cut off: the wider tile still shows them all.
    logits = np.full((16, 16), 4.0, np.float32)
    candidate = candidate_of(grid, choose_tile(grid, prompts), logits)
    wider = bounds_beyond(grid, candidate, prompts)
    if wider is not None:
        assert grid.window(grid.choose(wider)).contains(prompts.bounds_yxyx)


def candidate_of(grid, tile, logits, mask=None, offset_yx=None):
    """Return a candidate; by default its mask fills the visible window."""
    window = grid.window(tile)
    if mask is None:
        height = min(window.height, grid.image_hw[0] - window.y0)
        width = min(window.width, grid.image_hw[1] - window.x0)
        mask, offset_yx = np.ones((height, width), bool), (window.y0, window.x0)
    return MaskCandidate(mask, offset_yx, 0.9, 0.9, logits, tile, window, 0)


@pytest.mark.parametrize(
    ("offset_yx", "expected"),
    [
        ((250, 300), None),  # touches nothing
        ((240, 300), (232, 300, 259, 319)),  # the window's upper edge
        ((284, 332), (284, 332, 311, 359)),  # both lower edges
    ],
)
def test_a_mask_at_the_windows_edge_is_looked_for_beyond_it(offset_yx, expected):
    grid = Grid((1000, 1000), SIZE)
    tile = TileKey(0, 15, 18)  # begins at (240, 288)
    candidate = candidate_of(
        grid, tile, np.zeros((16, 16), np.float32), np.ones((20, 20), bool), offset_yx
    )
    prompts = build_prompts((260, 310), image_hw=grid.image_hw)
    found = bounds_beyond(grid, candidate, prompts)
    if expected is None:
        assert found is None
    else:
        y0, x0, y1, x1 = expected
        assert found == (min(y0, 260), min(x0, 310), max(y1, 260), max(x1, 310))


def test_a_mask_at_the_images_edge_is_not_cut():
    grid = Grid((64, 1000), SIZE)
    candidate = candidate_of(
        *(grid, TileKey(0, 0, 3), np.zeros((16, 16), np.float32)),
        *(np.ones((64, 20), bool), (0, 60)),
    )
    prompts = build_prompts((30, 70), image_hw=grid.image_hw)
    assert bounds_beyond(grid, candidate, prompts) is None


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
    return model, model.embed([pixels])[0]


def test_a_point_with_a_mask_to_refine_is_not_ambiguous(embedded):
    model, embedding = embedded
    first = build_prompts((5, 6), image_hw=(SIZE, SIZE))
    mask_input = predict(model, ONE_TILE, embedding, first, TILE)[0].mask_input
    second = build_prompts((5, 6), mask_input=mask_input, image_hw=(SIZE, SIZE))
    assert predict(model, ONE_TILE, embedding, second, TILE)[0].token == 0


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
    model, embedding = embedded
    prompts = build_prompts(**prompt, image_hw=(SIZE, SIZE))
    candidates = predict(model, ONE_TILE, embedding, prompts, TILE)
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


def test_prompts_outside_of_the_tile_are_refused(embedded):
    model, embedding = embedded
    grid = Grid((200, 200), SIZE)
    prompts = build_prompts((150, 150), image_hw=grid.image_hw)
    with pytest.raises(PromptError, match="choose the tile with choose_tile"):
        predict(model, grid, embedding, prompts, TILE)


def test_a_mask_of_another_model_is_refused(embedded):
    model, embedding = embedded
    other = MaskInput(np.zeros((32, 32), np.float32), TILE)
    prompts = build_prompts(mask_input=other, image_hw=(SIZE, SIZE))
    with pytest.raises(PromptError, match="refine a mask with the model that made it"):
        predict(model, ONE_TILE, embedding, prompts, TILE)


def test_a_mask_of_another_image_is_refused():
    other = MaskInput(np.zeros((16, 16), np.float32), TileKey(0, 3, 0))
    prompts = build_prompts(mask_input=other, image_hw=(SIZE, SIZE))
    with pytest.raises(PromptError, match="expected an answer of this session"):
        choose_tile(ONE_TILE, prompts)
