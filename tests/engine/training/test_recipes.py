from __future__ import annotations

from dataclasses import replace

import pytest

from tilesam.errors import TrainingError
from tilesam.training.recipes import (
    RECIPE_NAMES,
    Phase,
    Prompting,
    Recipe,
    build_recipe,
)

TWO_PHASES = Recipe("tiny", (Phase(3, 64, 1, 1, 0), Phase(2, 64, 1, 1, 0)))


def test_steps_belong_to_phases_one_after_the_other():
    assert TWO_PHASES.total_steps == 5
    found = [TWO_PHASES.phase_at(step) for step in range(5)]
    assert found == [(0, 0), (0, 0), (0, 0), (1, 3), (1, 3)]


def test_there_is_nothing_beyond_the_last_step():
    with pytest.raises(TrainingError, match="step 5 is beyond the 5 steps"):
        TWO_PHASES.phase_at(5)


@pytest.mark.parametrize("name", RECIPE_NAMES)
def test_every_recipe_teaches_something_in_every_phase(name):
    recipe = build_recipe(name, "tiny")
    assert recipe.architecture == "tiny"
    assert recipe.warmup_steps < recipe.total_steps
    for phase in recipe.phases:
        assert phase.size % 64 == 0
        assert phase.prompts_per_image or phase.dense_weight


def test_an_unknown_recipe_is_named_with_those_that_exist():
    with pytest.raises(TrainingError, match=r"no recipe 'quick'.*tiny-cpu.*smoke"):
        build_recipe("quick", "tiny")


def test_what_is_as_usual_is_not_told_so_that_older_runs_go_on():
    assert TWO_PHASES.description == repr(TWO_PHASES)
    assert "input_size" not in repr(TWO_PHASES)
    assert replace(TWO_PHASES, prompting=Prompting()).description == repr(TWO_PHASES)


def test_recipes_that_differ_are_described_differently():
    others = [
        replace(TWO_PHASES, prompting=Prompting(multimask_output=False)),
        replace(TWO_PHASES, prompting=Prompting(mask_feedback=False)),
        replace(TWO_PHASES, input_size=256),
        replace(TWO_PHASES, input_size=128),
        replace(TWO_PHASES, warmup_steps=1),
    ]
    assert len({recipe.description for recipe in (TWO_PHASES, *others)}) == 6
