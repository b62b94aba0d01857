from __future__ import annotations

import numpy as np
import pytest

from tilesam import MaskInput, PromptError, TileKey
from tilesam.prompts import build_prompts
from tilesam.testing.models import tiny_random_model
from tilesam.tile_answers import order_of_tokens, predict
from tilesam.tiling import Grid

SIZE = 64
ONE_TILE = Grid((SIZE, SIZE), SIZE)
TILE = TileKey(0, 0, 0)


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
