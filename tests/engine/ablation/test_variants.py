from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.ablation.squares import RECIPE
from tilesam.ablation.recipe import ablation_recipe
from tilesam.ablation.variants import (
    BUILT_IN,
    FULL,
    Variant,
    choose_variants,
    list_variants,
    resize,
)
from tilesam.errors import TrainingError
from tilesam.training.recipes import Prompting

NAMED = {variant.name: variant for variant in BUILT_IN}


def test_the_full_variant_changes_nothing() -> None:
    assert FULL.change_recipe(RECIPE) == RECIPE


def test_each_variant_changes_what_it_says_and_nothing_else() -> None:
    one = NAMED["one-output"].change_recipe(RECIPE)
    assert one == replace(RECIPE, prompting=Prompting(multimask_output=False))
    other = NAMED["no-feedback"].change_recipe(RECIPE)
    assert other == replace(RECIPE, prompting=Prompting(mask_feedback=False))
    bare = NAMED["no-scenes"].change_recipe(RECIPE)
    assert [phase.scene_share for phase in bare.phases] == [0.0]
    assert replace(bare, phases=RECIPE.phases) == RECIPE
    assert Variant("w", "", left_out=("a",)).change_recipe(RECIPE) == RECIPE


def test_crops_shrink_with_the_input() -> None:
    full = ablation_recipe("tiny", steps=10)
    small = Variant("s", "", input_size=384).change_recipe(full)
    assert [phase.size for phase in full.phases] == [256, 256, 512]
    assert [phase.size for phase in small.phases] == [192, 192, 384]
    assert small.input_size == 384
    assert small.total_steps == full.total_steps
    assert resize(small, 512) == full


@given(st.integers(1, 32))
def test_crops_are_always_multiples_of_64(count: int) -> None:
    recipe = resize(ablation_recipe("tiny", steps=10), 64 * count)
    assert all(phase.size >= 64 and phase.size % 64 == 0 for phase in recipe.phases)
    assert recipe.phases[-1].size == recipe.input_size == 64 * count


@pytest.mark.parametrize("size", [0, -64, 100, 32])
def test_other_sizes_are_refused(size: int) -> None:
    with pytest.raises(TrainingError, match=rf"input size is {size}; expected a mult"):
        resize(RECIPE, size)


def test_every_group_and_size_is_a_variant_of_its_own() -> None:
    found = list_variants(
        leave_out=[["a"], ["b", "c", "b"], ["a"]], sizes=[128, 256, 128], full_size=256
    )
    assert [variant.name for variant in found] == [
        *("full", "one-output", "no-feedback", "no-scenes"),
        *("without-a", "without-b+c", "size-128"),
    ]
    by_name = {variant.name: variant for variant in found}
    assert by_name["without-b+c"].left_out == ("b", "c")
    assert by_name["size-128"].input_size == 128
    assert FULL is found[0]


def test_what_is_chosen_comes_with_the_full_variant() -> None:
    known = list_variants(sizes=[128])
    chosen = choose_variants(known, ["size-128", "one-output"])
    assert [v.name for v in chosen] == ["full", "one-output", "size-128"]
    assert choose_variants(known, []) == known
    assert choose_variants(known, ["full"]) == [FULL]


def test_an_unknown_variant_is_named_with_those_that_exist() -> None:
    with pytest.raises(TrainingError, match=r"no variant 'two'.*full, one-output, no-"):
        choose_variants(list_variants(), ["one-output", "two"])
