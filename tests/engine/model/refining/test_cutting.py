from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tilesam.model.refining.cutting import (
    CALIBRATION,
    LEAST_EXPECTED_IOU,
    best_cut,
    cut_best,
)

SIDE = 12


BOX, NO_BOX = torch.tensor([True]), torch.tensor([False])


def drawn(seed: int, spread: float, mean: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, SIDE, SIDE, generator=generator) * spread + mean


def probabilities(logits: torch.Tensor) -> np.ndarray:
    return (logits * CALIBRATION).sigmoid().double().numpy()


def expected_iou(probability: np.ndarray, shown: np.ndarray) -> float:
    overlap = probability[shown].sum()
    return float(overlap / (shown.sum() + probability.sum() - overlap))


DRAWS = st.tuples(st.integers(0, 10_000), st.floats(0.1, 8), st.floats(-4, 6))


@given(DRAWS)
def test_no_other_cut_promises_more(draw):
    logits = drawn(*draw)
    probability = probabilities(logits)
    found = expected_iou(probability, (cut_best(logits, BOX) > 0).numpy())
    others = (expected_iou(probability, probability >= t) for t in probability.flat)
    best = max(others)
    assert found == pytest.approx(best, abs=1e-5) or best < LEAST_EXPECTED_IOU


@given(DRAWS)
def test_nothing_that_is_more_likely_than_not_is_cut_away(draw):
    assert float(best_cut(drawn(*draw))) <= 0


def test_a_sure_mask_is_cut_at_zero():
    sure = torch.full((1, SIDE, SIDE), -20.0)
    sure[:, 3:7, 2:9] = 20.0
    assert best_cut(sure).tolist() == pytest.approx([0.0], abs=1e-4)


def test_a_faint_object_is_shown():
    faint = torch.full((1, SIDE, SIDE), -8.0)
    faint[:, 3:7, 2:9] = -1.0
    assert (cut_best(faint, BOX) > 0).equal(faint == -1.0)


@pytest.mark.parametrize("has_box", [BOX, NO_BOX])
@pytest.mark.parametrize("logit", [-6.0, -1000.0])
def test_where_hardly_anything_is_expected_nothing_is_shown(has_box, logit):
    shown = cut_best(torch.full((1, SIDE, SIDE), logit), has_box)
    assert (shown < 0).all()


def test_what_was_asked_by_points_is_cut_at_zero_unless_that_shows_nothing():
    half = torch.full((2, SIDE, SIDE), -1.0)
    half[0, 3:7, 2:9] = 1.0
    shown = cut_best(half, torch.tensor([False, False]))
    assert shown[0].equal(half[0])
    assert (shown[1] > 0).all()
    by_box = cut_best(half, torch.tensor([True, True]))
    assert (by_box > 0).all()
    assert half[1].max() == -1  # what is handed in stays as it is


def test_masks_do_not_depend_on_each_other():
    together = torch.cat([drawn(i, 1.0 + i, -i) for i in range(4)])
    alone = torch.cat([best_cut(logits[None]) for logits in together])
    torch.testing.assert_close(best_cut(together), alone)
