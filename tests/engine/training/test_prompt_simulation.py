from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tilesam.model.mask_decoder import MaskDecoderOutput
from tilesam.training.prompt_simulation import (
    PromptState,
    build_first_prompt,
    choose_feedback,
    draw_plan,
    sample_boxes,
    sample_error_point,
    sample_points,
    simulate_rounds,
    tight_boxes,
)

SIDE = 32


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rectangle(y0: int, x0: int, y1: int, x1: int) -> Tensor:
    """One object, (1, 1, SIDE, SIDE), corners included."""
    mask = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.bool)
    mask[..., y0 : y1 + 1, x0 : x1 + 1] = True
    return mask


def low_res(mask: Tensor) -> Tensor:
    """Logits of a mask at a quarter of the resolution, (B, N, h, w)."""
    return torch.where(mask[:, :, ::4, ::4], 5.0, -5.0)


@given(st.integers(0, 10_000))
@settings(max_examples=30)
def test_points_lie_on_their_own_masks(seed: int) -> None:
    generator = seeded(seed)
    masks = torch.rand(2, 3, SIDE, SIDE, generator=generator) < 0.05
    masks[:, :, 4, 7] = True
    points = sample_points(masks, generator).long()
    for image in range(2):
        for prompt in range(3):
            x, y = points[image, prompt, 0]
            assert masks[image, prompt, y, x]


def test_points_are_uniform_over_the_mask() -> None:
    mask = rectangle(0, 0, 0, 3).expand(1, 4000, SIDE, SIDE)
    columns = sample_points(mask, seeded(0))[0, :, 0, 0].long()
    counts = torch.bincount(columns, minlength=4)
    assert counts.min() > 900  # 1000 expected each, standard deviation 27


def test_tight_boxes_are_inclusive_pixel_indices() -> None:
    boxes = tight_boxes(rectangle(3, 5, 10, 20))
    assert boxes.flatten().tolist() == [5, 3, 20, 10]


@given(
    st.integers(0, 10_000),
    st.integers(0, SIDE - 1),
    st.integers(0, SIDE - 1),
)
@settings(max_examples=50)
def test_noisy_boxes_keep_their_corners_in_order_and_inside(
    seed: int, y: int, x: int
) -> None:
    x0, y0, x1, y1 = sample_boxes(rectangle(y, x, y, x), seeded(seed)).flatten()
    assert 0 <= x0 < x1 <= SIDE - 1
    assert 0 <= y0 < y1 <= SIDE - 1


def test_a_missed_pixel_gets_a_positive_point() -> None:
    mask = rectangle(8, 8, 15, 15)
    nothing = torch.full((1, 1, 8, 8), -5.0)
    (x, y), label = (
        part.flatten().tolist() for part in sample_error_point(mask, nothing, seeded(1))
    )
    assert label == [1]
    assert 8 <= x <= 15
    assert 8 <= y <= 15


def test_a_superfluous_pixel_gets_a_negative_point() -> None:
    mask = rectangle(8, 8, 15, 15)
    larger = low_res(rectangle(8, 8, 15, 23))
    (x, y), label = (
        part.flatten().tolist() for part in sample_error_point(mask, larger, seeded(1))
    )
    assert label == [0]
    assert 16 <= x <= 23
    assert 8 <= y <= 15


def test_a_perfect_mask_gets_one_more_positive_point() -> None:
    mask = rectangle(8, 8, 15, 15)
    point, label = sample_error_point(mask, low_res(mask), seeded(1))
    assert label.item() == 1
    x, y = point.flatten().long().tolist()
    assert mask[0, 0, y, x]


def test_after_one_point_the_most_confident_of_three_is_fed_back() -> None:
    logits = torch.arange(4.0).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 2, 2)
    # The single mask has the highest score of all, and is not among the three.
    output = MaskDecoderOutput(logits, torch.tensor([[[0.9, 0.1, 0.8, 0.2]]]))
    point = build_first_prompt(rectangle(1, 1, 5, 5), "point", seeded(0))
    assert choose_feedback(output, point).unique().tolist() == [2.0]
    box = build_first_prompt(rectangle(1, 1, 5, 5), "box", seeded(0))
    assert choose_feedback(output, box).unique().tolist() == [0.0]


@given(st.integers(0, 8), st.integers(0, 4), st.integers(0, 100))
def test_the_plan_has_every_round_and_ends_without_a_new_point(
    points: int, repeats: int, seed: int
) -> None:
    plan = draw_plan(points, repeats, seeded(seed))
    assert plan.count(True) == points
    assert plan.count(False) == repeats
    assert not repeats or plan[-1] is False


def test_a_second_point_ends_the_ambiguity() -> None:
    state = build_first_prompt(rectangle(1, 1, 5, 5), "point", seeded(0))
    assert state.is_single_point
    more = state.with_point(torch.zeros(1, 1, 1, 2), torch.zeros(1, 1, 1).long())
    assert not more.is_single_point
    assert more.points_xy is not None
    assert more.points_xy.shape == (1, 1, 2, 2)
    assert not PromptState().is_single_point


class Recorder:
    """Answers every object with the whole image, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Tensor | None]] = []

    def decode(self, _: Tensor, **prompts: Tensor | None) -> MaskDecoderOutput:
        self.asked.append(prompts)
        # Token t of round r is everywhere 10 r + t + 1: a mask that is too large.
        round_ = 10.0 * (len(self.asked) - 1)
        tokens = torch.arange(1.0, 5.0).reshape(1, 1, 4, 1, 1) + round_
        iou = torch.tensor([[[0.9, 0.1, 0.8, 0.2]]])
        return MaskDecoderOutput(tokens.expand(1, 1, 4, 8, 8), iou)


def ask(first: str, **options: bool) -> list[dict[str, Tensor | None]]:
    network = Recorder()
    rounds = simulate_rounds(
        network,
        torch.zeros(1, 256, 2, 2),
        rectangle(8, 8, 15, 15),
        first=first,
        error_points=2,
        repeats=0,
        generator=seeded(0),
        **options,
    )
    assert len(list(rounds)) == 3
    return network.asked


def fed_back(asked: list[dict[str, Tensor | None]]) -> list[float | None]:
    given = [prompts["mask_input"] for prompts in asked]
    return [None if logits is None else logits.unique().item() for logits in given]


def test_the_usual_rounds_are_given_what_they_correct() -> None:
    # After a point the most confident of three, then the single mask.
    assert fed_back(ask("point")) == [None, 3.0, 11.0]
    assert fed_back(ask("box")) == [None, 1.0, 11.0]


def test_with_one_output_the_single_mask_is_given_back() -> None:
    assert fed_back(ask("point", multimask_output=False)) == [None, 1.0, 11.0]


def test_without_feedback_every_round_has_points_alone() -> None:
    asked = ask("point", mask_feedback=False)
    assert fed_back(asked) == [None, None, None]
    counts = [prompts["point_labels"].shape[-1] for prompts in asked]
    assert counts == [1, 2, 3]
    # The mask covers too much all the same, and both corrections say so.
    assert asked[-1]["point_labels"].flatten().tolist() == [1, 0, 0]


def test_whether_masks_are_fed_back_changes_no_point() -> None:
    one, other = ask("point"), ask("point", mask_feedback=False)
    for first, second in zip(one, other, strict=True):
        assert torch.equal(first["points_xy"], second["points_xy"])
