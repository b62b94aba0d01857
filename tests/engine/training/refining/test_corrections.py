from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.model.refining.scripted import BOX, EARLIER, NEGATIVE, POSITIVE
from tests.engine.training.refining.regions_by_hand import SIZE, batch
from tilesam.training.refining.corrections import (
    CorrectionDraw,
    coarsen,
    corrected_inputs,
    first_inputs,
)

PLAIN = CorrectionDraw(answer_kept=1.0, earlier_shown=1.0, coarsest=1)


def correct(logits, draw=PLAIN, seed=0, inputs=None):
    generator = torch.Generator().manual_seed(seed)
    regions = batch()
    first = first_inputs(regions) if inputs is None else inputs
    return corrected_inputs(first, logits, regions.mask, generator, draw)


def test_the_first_prompt_is_a_point_or_a_box():
    inputs = first_inputs(batch())
    assert inputs.point_labels.tolist() == [[1], [-1]]
    assert inputs.points_yx[0].tolist() == [[7, 9]]
    shown = inputs.channels()
    assert [bool(shown[i, POSITIVE].any()) for i in (0, 1)] == [True, False]
    assert [int(shown[i, BOX].sum()) for i in (0, 1)] == [0, 20 * 10]
    assert not shown[:, EARLIER].any()
    assert not shown.isnan().any()
    assert torch.equal(inputs.answer, batch().answer)


@given(seed=st.integers(0, 10_000))
def test_a_click_lies_in_the_error_and_says_what_is_there(seed):
    noise = torch.Generator().manual_seed(seed)
    mask = batch().mask
    logits = torch.randn(mask.shape, generator=noise) + 2.0 * mask - 1.0
    inputs = correct(logits, seed=seed)
    assert inputs.points_yx.shape == (2, 2, 2)
    for i in (0, 1):
        y, x = inputs.points_yx[i, 1].long().tolist()
        assert mask[i, y, x] != (logits[i, y, x] > 0)
        assert inputs.point_labels[i, 1] == int(mask[i, y, x])
    assert torch.equal(inputs.points_yx[:, 0], first_inputs(batch()).points_yx[:, 0])


def test_what_is_missing_is_clicked_and_what_is_too_much_is_taken_away():
    mask = batch().mask
    missing, too_much = mask.clone(), mask.clone()
    missing[:, :, 10:] = False
    too_much[:, 0] = True
    for wrong, label in ((missing, 1), (too_much, 0)):
        inputs = correct(wrong * 2.0 - 1.0)
        assert inputs.point_labels[:, 1].tolist() == [label, label]
        channel = POSITIVE if label else NEGATIVE
        assert inputs.channels()[:, channel].flatten(1).any(dim=1).all()


def test_a_perfect_mask_gets_one_more_point_on_the_object():
    mask = batch().mask
    inputs = correct(mask * 2.0 - 1.0)
    for i in (0, 1):
        y, x = inputs.points_yx[i, 1].long().tolist()
        assert mask[i, y, x]
        assert inputs.point_labels[i, 1] == 1


def test_the_mask_that_is_corrected_is_shown_and_not_learned_through():
    logits = torch.randn(2, SIZE, SIZE).requires_grad_()
    inputs = correct(logits)
    assert torch.equal(inputs.earlier, logits.detach())
    assert not inputs.earlier.requires_grad
    assert torch.equal(inputs.answer, batch().answer)


@pytest.mark.parametrize(
    ("draw", "shows_answer", "shows_earlier"),
    [
        (CorrectionDraw(answer_kept=0.0, earlier_shown=1.0), False, True),
        (CorrectionDraw(answer_kept=1.0, earlier_shown=1.0), True, True),
        (CorrectionDraw(answer_kept=1.0, earlier_shown=0.0), True, False),
        # Where the earlier mask is not shown, the answer is.
        (CorrectionDraw(answer_kept=0.0, earlier_shown=0.0), True, False),
    ],
)
def test_what_a_correction_shows(draw, shows_answer, shows_earlier):
    inputs = correct(torch.ones(2, SIZE, SIZE), draw)
    assert bool(inputs.answer[0].any()) == shows_answer
    assert [bool(one.any()) for one in inputs.earlier] == [shows_earlier] * 2


def test_clicks_add_up():
    wrong = torch.full((2, SIZE, SIZE), -1.0)
    inputs = correct(wrong, inputs=correct(wrong))
    assert inputs.point_labels.tolist() == [[1, 1, 1], [-1, 1, 1]]
    assert inputs.points_yx.shape == (2, 3, 2)
    assert torch.equal(inputs.boxes_yxyx[1], first_inputs(batch()).boxes_yxyx[1])


def test_equal_seeds_make_equal_corrections():
    logits = torch.randn(2, SIZE, SIZE)
    first, second, other = (correct(logits, CorrectionDraw(), s) for s in (3, 3, 4))
    assert torch.equal(first.channels(), second.channels())
    assert not torch.equal(first.points_yx, other.points_yx)


@given(seed=st.integers(0, 500), coarsest=st.sampled_from([1, 2, 4, 8]))
def test_coarse_logits_have_the_places_and_the_range_of_the_fine(seed, coarsest):
    generator = torch.Generator().manual_seed(seed)
    flat = torch.full((1, SIZE, SIZE), 3.0)
    torch.testing.assert_close(coarsen(flat, generator, coarsest), flat)
    slope = torch.arange(SIZE).float().expand(1, SIZE, SIZE)
    found = coarsen(slope, generator, coarsest)
    assert found.shape == slope.shape
    middle = slice(coarsest, SIZE - coarsest)
    torch.testing.assert_close(
        found[..., middle], slope[..., middle], atol=1e-4, rtol=0
    )


def test_logits_are_coarsened_by_all_factors_and_no_others():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, SIZE, SIZE, generator=generator)
    means = {
        factor: torch.nn.functional.avg_pool2d(noise, factor) for factor in (1, 2, 4)
    }
    found = set()
    for _ in range(40):
        coarse = coarsen(noise, generator, 4)
        found |= {
            factor
            for factor, mean in means.items()
            # Only an image of fewer pixels is as smooth as its own means.
            if torch.allclose(
                coarse,
                torch.nn.functional.interpolate(
                    mean[None], scale_factor=float(factor), mode="bilinear"
                )[0],
            )
        }
    assert found == {1, 2, 4}
    assert torch.equal(coarsen(noise, generator, 1), noise)
