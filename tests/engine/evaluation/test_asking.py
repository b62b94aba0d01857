from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch

from tilesam.evaluation.asking import Asked, ask_with_boxes, ask_with_points
from tilesam.model.runtime import Decoded


@dataclass
class ScriptedModel:
    """Gives prepared answers, cell by cell, and remembers what it was asked.

    Input size is 8; each of 2 x 2 low-resolution cells stands for 4 x 4 pixels.
    """

    answers: list[tuple[list[list[list[int]]], list[float]]]
    input_size: int = 8
    refiner: None = None
    calls: list[dict[str, np.ndarray | None]] = field(default_factory=list)

    def decode(self, _image_embedding, **prompts) -> Decoded:
        masks, iou = self.answers[len(self.calls)]
        self.calls.append(prompts)
        count = len(next(x for x in prompts.values() if x is not None))
        logits = torch.tensor(masks).float().reshape(1, 4, 2, 2) * 2 - 1
        return Decoded(
            logits.expand(count, 4, 2, 2), torch.tensor([iou]).expand(count, 4)
        )

    def logits_to_window(self, low_res_logits, window_hw):
        assert window_hw == (8, 8)
        fine = low_res_logits.repeat_interleave(4, dim=-1)
        return fine.repeat_interleave(4, dim=-2)


NONE = [[0, 0], [0, 0]]
LEFT = [[1, 0], [1, 0]]
TOP_LEFT = [[1, 0], [0, 0]]
TOP = [[1, 1], [0, 0]]
ALL = [[1, 1], [1, 1]]


def about_left_half(model: ScriptedModel) -> Asked:
    truth = np.zeros((1, 8, 8), dtype=np.bool_)
    truth[..., :4] = True
    return Asked(model, torch.zeros(256, 1, 1), truth)


def test_points_by_hand():
    model = ScriptedModel(
        [
            # The third mask is trusted most (4 of 8 pixels each way), the second is
            # best. Token 0 is not among the answers to a single point.
            ([LEFT, TOP_LEFT, LEFT, TOP], [0.99, 0.1, 0.2, 0.9]),
            ([ALL, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
            ([TOP_LEFT, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9]),
        ]
    )
    scores = ask_with_points(about_left_half(model))
    # TOP shares 16 pixels with the truth, of 48 in either.
    assert scores["point"] == pytest.approx([1 / 3])
    assert scores["oracle"] == [1.0]
    assert scores["three_points"] == [0.5]


def test_points_correct_the_mask_that_was_shown():
    model = ScriptedModel(
        [
            ([NONE, NONE, NONE, TOP], [0.0, 0.1, 0.2, 0.9]),
            ([ALL, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
            ([LEFT, NONE, NONE, NONE], [0.1, 0.9, 0.9, 0.9]),
        ]
    )
    ask_with_points(about_left_half(model))
    first, second, third = model.calls
    # The deepest pixel of the left half, as (x, y); rows 1 to 6 tie.
    np.testing.assert_array_equal(first["points_xy"], [[[1, 1]]])
    np.testing.assert_array_equal(first["point_labels"], [[1]])
    assert "mask_input" not in first
    # TOP lacks the lower left and has the upper right too much: equally deep.
    np.testing.assert_array_equal(second["points_xy"], [[[1, 1], [1, 5]]])
    np.testing.assert_array_equal(second["point_labels"], [[1, 1]])
    np.testing.assert_array_equal(second["mask_input"], [[[1, 1], [-1, -1]]])
    # ALL has the right half too much.
    np.testing.assert_array_equal(third["points_xy"], [[[1, 1], [1, 5], [5, 1]]])
    np.testing.assert_array_equal(third["point_labels"], [[1, 1, 0]])
    np.testing.assert_array_equal(third["mask_input"], [[[1, 1], [1, 1]]])


def test_perfect_answers_need_no_correction():
    perfect = ([LEFT, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9])
    model = ScriptedModel([perfect] * 3)
    scores = ask_with_points(about_left_half(model))
    assert {float(score) for (score,) in scores.values()} == {1.0}
    np.testing.assert_array_equal(model.calls[2]["point_labels"], [[1, -1, -1]])


def test_box_by_hand():
    model = ScriptedModel([([TOP, LEFT, LEFT, LEFT], [0.1, 0.9, 0.9, 0.9])])
    scores = ask_with_boxes(about_left_half(model))
    assert list(scores) == ["box"]
    assert scores["box"] == pytest.approx([1 / 3])
    np.testing.assert_array_equal(model.calls[0]["boxes_xyxy"], [[[0, 0, 3, 7]]])
