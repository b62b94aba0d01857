from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.ablation.recipe import STEPS, ablation_recipe
from tilesam.errors import TrainingError


@given(st.integers(3, 2000), st.booleans())
def test_the_budget_is_used_up_in_phases_that_all_teach(
    steps: int, from_random: bool
) -> None:
    recipe = ablation_recipe("tiny", steps=steps, from_random=from_random)
    assert recipe.total_steps == steps
    assert recipe.warmup_steps < steps
    for phase in recipe.phases:
        assert phase.steps
        assert phase.prompts_per_image or phase.dense_weight


@pytest.mark.parametrize("from_random", [False, True])
def test_what_variants_take_away_is_there(from_random: bool) -> None:
    recipe = ablation_recipe("tiny", steps=STEPS, from_random=from_random)
    last = recipe.phases[-1]
    assert last.size == recipe.input_size == 512
    assert last.error_points  # else there were no feedback
    assert all(phase.scene_share for phase in recipe.phases)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"architecture": "huge"}, "no architecture 'huge'; there are"),
        ({"steps": 2}, "2 steps are asked for; expected at least 3"),
        ({"input_size": 100}, "input size is 100"),
    ],
)
def test_what_cannot_be_is_said(options: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        ablation_recipe(**{"architecture": "tiny", **options})
