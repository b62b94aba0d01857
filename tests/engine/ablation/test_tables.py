"""Tables of figures that were made by hand."""

from __future__ import annotations

import pytest

from tests.engine.ablation.squares import scores_of
from tilesam.ablation.differences import Outcome, Run
from tilesam.ablation.tables import (
    differences_table,
    figures_table,
    largest_by_seed,
    left_out_table,
    say_differences,
    seeds_table,
)
from tilesam.ablation.variants import FULL, Variant

WITHOUT = Variant("without-a", "not trained on a", left_out=("a",))


def outcome(variant: Variant, *values: dict[str, float], images: int = 3) -> Outcome:
    return Outcome(
        variant,
        [
            Run({"cpu_seconds": 10.0 * n}, scores_of(value, images=images))
            for n, value in enumerate(values, start=1)
        ],
    )


FULL_RUNS = outcome(FULL, {"a": 0.6, "b": 0.4}, {"a": 0.62, "b": 0.44})
WORSE = outcome(WITHOUT, {"a": 0.3, "b": 0.4}, {"a": 0.3, "b": 0.44})


def test_figures_are_means_over_domains_and_seeds() -> None:
    table = figures_table([FULL_RUNS, WORSE])
    assert table.header[3:] == ["box", "1 point", "1 point, best of 3", "3 points"]
    assert table.rows[0][:3] == ["full", "nothing", 15]
    assert table.rows[0][3] == pytest.approx((0.61 + 0.42) / 2)
    assert table.rows[1][3] == pytest.approx((0.30 + 0.42) / 2)


def test_differences_come_with_their_intervals() -> None:
    table = differences_table(FULL_RUNS, [WORSE])
    assert table.rows == [["without-a", *["-0.155 (-0.155 to -0.155)"] * 4]]


def test_left_out_domains_and_all_others_are_told_apart() -> None:
    table = left_out_table(FULL_RUNS, [WORSE])
    assert table is not None
    left_out, others = table.rows
    # Three images are too few for an interval.
    cells = ["0.610, 0.300, -0.310 (-)"] * 4
    assert left_out == ["without-a", "a", 3, 3, *cells]
    cells = ["0.420, 0.420, +0.000 (-)"] * 4
    assert others == ["without-a", "all others", 3, 3, *cells]


def test_a_domain_without_images_to_measure_has_no_figures() -> None:
    odd = Variant("without-odd", "", left_out=("odd",))
    table = left_out_table(FULL_RUNS, [outcome(odd, {"a": 0.1, "b": 0.1})])
    assert table is not None
    assert table.rows[0] == ["without-odd", "odd", 0, 0, "-", "-", "-", "-"]
    assert table.rows[1][1:4] == ["all others", 6, 6]


def test_without_such_variants_there_is_no_such_table() -> None:
    plain = outcome(Variant("one-output", ""), {"a": 0.1, "b": 0.1})
    assert left_out_table(FULL_RUNS, [plain]) is None


def test_what_a_seed_alone_changes_is_the_first_row() -> None:
    table = seeds_table(FULL_RUNS, [WORSE])
    assert table is not None
    assert table.rows == [
        ["full, other seeds", *["+0.030 to +0.030"] * 4],
        ["without-a", *["-0.160 to -0.150"] * 4],
    ]
    assert largest_by_seed(FULL_RUNS, "box") == pytest.approx(0.03)


def test_one_seed_tells_nothing_of_seeds() -> None:
    one = outcome(FULL, {"a": 0.6, "b": 0.4})
    assert seeds_table(one, []) is None
    assert largest_by_seed(one, "box") == 0


ALL = "box; 1 point; 1 point, best of 3; 3 points"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.3, 0.4), "worse"),
        ((0.9, 0.4), "better"),
        # Another seed alone changes 0.03, and here it is 0.025.
        ((0.56, 0.43), "not to be told"),
    ],
)
def test_sentences_say_what_is_beyond_another_seed(
    values: tuple[float, float], said: str
) -> None:
    a, b = values
    other = outcome(WITHOUT, {"a": a, "b": b}, {"a": a, "b": b})
    assert say_differences(FULL_RUNS, [other]) == [
        f"without-a against full, {said}: {ALL}"
    ]


def test_differences_that_images_do_not_agree_on_are_not_told() -> None:
    full = outcome(FULL, {"a": 0.5, "b": 0.5}, images=5)
    mixed = outcome(WITHOUT, {"a": 0.5, "b": 0.5}, images=5)
    for n, row in enumerate(mixed.runs[0].scores):
        row.scores["box"] = 0.9 if n % 2 else 0.1  # type: ignore[index]
    (said,) = say_differences(full, [mixed])
    assert "not to be told: box;" in said
