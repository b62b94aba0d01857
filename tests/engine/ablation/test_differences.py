"""Means and differences that are known by counting."""

from __future__ import annotations

import math

import pytest

from tests.engine.ablation.squares import scores_of
from tilesam.ablation.differences import average_scores, differences, over_domains
from tilesam.evaluation.metrics import ObjectScore


def test_scores_are_averaged_object_by_object() -> None:
    runs = [scores_of({"a": 0.2, "b": 0.5}), scores_of({"a": 0.6, "b": 0.5})]
    # Whatever the order of objects is.
    found = average_scores([runs[0], runs[1][::-1]])
    assert [(row.domain, row.image) for row in found] == [
        (row.domain, row.image) for row in runs[0]
    ]
    assert [row.scores["box"] for row in found] == pytest.approx([0.4] * 3 + [0.5] * 3)


def test_equal_ids_in_two_layers_or_images_are_different_objects() -> None:
    rows = [
        ObjectScore("a", image, layer, 1, 4, {"box": value})
        for image, layer, value in (("x", 0, 0.1), ("x", 1, 0.2), ("y", 0, 0.3))
    ]
    found = average_scores([rows, rows])
    assert [row.scores["box"] for row in found] == pytest.approx([0.1, 0.2, 0.3])


def test_differences_are_of_domains_then_of_their_mean() -> None:
    full = scores_of({"a": 0.6, "b": 0.4}, images=6)
    other = scores_of({"a": 0.5, "b": 0.1}, images=6)
    a, b, mean = differences(full, other, "box")
    assert [row.domain for row in (a, b)] == ["a", "b"]
    assert (a.interval.mean, b.interval.mean) == pytest.approx((-0.1, -0.3))
    assert (mean.first, mean.second) == pytest.approx((0.5, 0.3))
    assert mean.interval.mean == pytest.approx(-0.2)
    # All images lose alike: there is nothing to be unsure of.
    assert (mean.interval.low, mean.interval.high) == pytest.approx((-0.2, -0.2))


def test_only_wanted_domains_are_looked_at() -> None:
    full, other = (scores_of({"a": x, "b": y}) for x, y in ((0.6, 0.4), (0.5, 0.1)))
    rows = differences(full, other, "box", is_wanted=lambda name: name == "b")
    assert [row.domain for row in rows] == ["b", "mean over domains"]
    assert rows[-1].interval.mean == pytest.approx(-0.3)
    assert differences(full, other, "box", is_wanted=lambda _: False) == []


@pytest.mark.parametrize(("images", "is_known"), [(1, False), (2, False), (3, True)])
def test_too_few_images_have_no_interval(images: int, is_known: bool) -> None:
    full = scores_of({"a": 0.6, "b": 0.4}, images=images)
    other = scores_of({"a": 0.5, "b": 0.1}, images=images)
    found = over_domains(differences(full, other, "box"))
    assert found.interval.mean == pytest.approx(-0.2)
    assert math.isnan(found.interval.low) != is_known
    assert found.interval.excludes_zero == is_known
