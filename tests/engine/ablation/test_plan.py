from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.engine.ablation.squares import RECIPE, plan_of
from tilesam.ablation.plan import Plan, check_plan, digest_data, identify
from tilesam.ablation.variants import BUILT_IN, FULL, Variant
from tilesam.errors import DatasetError, TrainingError, UnknownModelError
from tilesam.testing.models import tiny_random_model

WITHOUT = Variant("without-faint", "", left_out=("faint",))


def key(plan: Plan, variant: Variant = FULL, seed: int = 0) -> str:
    return identify(plan, variant, seed, digest_data(plan.data))


def darken(path: Path) -> None:
    image = Image.open(path)
    image.putpixel((0, 0), 1)
    image.save(path)


def test_jobs_are_all_variants_of_a_seed_then_of_the_next(squares: Path) -> None:
    plan = plan_of(squares, WITHOUT, seeds=(3, 5))
    names = [(variant.name, seed) for variant, seed in plan.jobs]
    assert names == [
        *(("full", 3), ("without-faint", 3)),
        *(("full", 5), ("without-faint", 5)),
    ]


def test_everything_that_changes_weights_changes_the_key(squares: Path) -> None:
    plan = plan_of(squares)
    small = replace(RECIPE, learning_rate=1e-5)
    keys = [
        *(key(plan, variant) for variant in (FULL, *BUILT_IN, WITHOUT)),
        key(plan, Variant("size-128", "", input_size=128)),
        key(plan, seed=1),
        key(replace(plan, recipe=small)),
        key(replace(plan, initial_weights="tiny")),
    ]
    assert len(set(keys)) == len(keys)
    assert key(plan) == keys[0]


def test_what_does_not_change_weights_does_not_change_the_key(squares: Path) -> None:
    plan = plan_of(squares)
    others = [
        plan_of(squares, WITHOUT, seeds=(0, 1)),
        replace(plan, limits=replace(plan.limits, images_per_domain=1)),
    ]
    assert {key(other) for other in others} == {key(plan)}
    assert key(plan, replace(FULL, name="whole", change="?")) == key(plan)


def test_a_key_knows_the_very_pixels_that_are_trained_on(
    squares: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(squares, tmp_path / "data")
    plan = plan_of(data)
    assert key(plan) == key(plan_of(squares))  # wherever the folder is
    full, without = key(plan), key(plan, WITHOUT)
    darken(data / "bright-4.png")  # is measured on only
    assert (key(plan), key(plan, WITHOUT)) == (full, without)
    darken(data / "faint-0.labels.png")
    assert key(plan) != full
    assert key(plan, WITHOUT) == without


def test_weights_to_begin_with_are_known_by_their_content(
    squares: Path, tmp_path: Path
) -> None:
    from tilesam.model.checkpoints.saving import save_weights

    first, same, other = (tmp_path / f"{name}.safetensors" for name in "abc")
    save_weights(tiny_random_model(0).network, first)
    save_weights(tiny_random_model(1).network, other)
    shutil.copy(first, same)
    keys = [
        key(plan_of(squares, initial_weights=str(path)))
        for path in (first, same, other)
    ]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    ("variant", "error", "message"),
    [
        (Variant("w", "", left_out=("odd",)), DatasetError, "there are bright, faint"),
        (
            Variant("w", "", left_out=("bright", "faint")),
            DatasetError,
            "without the domains bright, faint no rows are left",
        ),
        (Variant("s", "", input_size=65), TrainingError, "input size is 65"),
    ],
)
def test_a_variant_that_cannot_be_is_said_before_any_is_trained(
    variant: Variant, error: type[Exception], message: str, squares: Path
) -> None:
    with pytest.raises(error, match=message):
        check_plan(plan_of(squares, variant), digest_data(squares))


def test_unknown_weights_are_said(squares: Path) -> None:
    plan = plan_of(squares, initial_weights="nothing")
    with pytest.raises(UnknownModelError, match="nothing"):
        check_plan(plan, digest_data(squares))


def test_a_folder_without_a_manifest_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no manifest\.csv"):
        digest_data(tmp_path)
