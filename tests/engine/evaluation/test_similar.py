"""Mosaics of labelled images, and how early objects of one kind find each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from tilesam.errors import DatasetError
from tilesam.evaluation.experiments.similar import (
    CHANCE,
    ELSEWHERE,
    SIMILAR,
    measure_mosaics,
    score_mosaic,
)
from tilesam.evaluation.measures.ranking import average_precision
from tilesam.evaluation.mosaics import (
    IMAGES,
    OBJECTS,
    SIDE,
    Mosaic,
    draw_mosaic,
    usable_domains,
)
from tilesam.testing.models import tiny_random_model
from tilesam.training.datasets import Sample


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([1, 1, 0, 0], 1.0),
        ([0, 1], 0.5),
        ([1, 0, 1, 0], (1 + 2 / 3) / 2),
        ([0, 0, 1], 1 / 3),
    ],
)
def test_average_precision_by_hand(order, expected):
    assert average_precision(np.array(order, bool)) == pytest.approx(expected)


def test_the_precision_of_nothing_is_not_known():
    assert np.isnan(average_precision(np.zeros(3, bool)))


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_what_is_wanted_first_is_best_and_last_is_worst(order):
    wanted = np.array(order)
    if wanted.any():
        best = average_precision(np.sort(wanted)[::-1])
        worst = average_precision(np.sort(wanted))
        assert worst <= average_precision(wanted) <= best == 1


class Images:
    """Squares on a ground whose light is that of the domain."""

    def __init__(self, domains, hw=(300, 280), count=6):
        self.domains = domains
        self.hw, self.count = hw, count

    def __len__(self):
        return len(self.domains)

    def __getitem__(self, index):
        domain = self.domains[index]
        image = np.full((*self.hw, 3), 40 + 25 * int(domain), np.uint8)
        labels = np.zeros(self.hw, np.int32)
        for number in range(self.count):
            y, x = divmod(number, 3)
            at = slice(60 + 70 * y, 90 + 70 * y), slice(60 + 70 * x, 90 + 70 * x)
            labels[at] = 100 + number
            image[at] = 10 if int(domain) % 2 else 240
        return Sample(image, labels[np.newaxis], domain, f"image {index}")


def test_domains_with_enough_images_are_used():
    assert usable_domains(Images([*"0123" * 3, "4", "4"])) == [*"0123"]
    with pytest.raises(DatasetError, match=r"2 domain.*and 1 of them have 3 images"):
        usable_domains(Images([*"0001"]))


def test_a_mosaic_is_made_of_parts_of_images():
    images = Images([*"012" * 3])
    mosaic = draw_mosaic(images, [*"012"], np.random.default_rng(0))
    assert mosaic.image.shape == (3 * SIDE, 3 * SIDE, 3)
    names = np.unique(mosaic.labels)
    assert names.tolist() == list(range(len(mosaic.domains) + 1))
    assert len(set(mosaic.names)) == 3 * IMAGES
    for label, domain in enumerate(mosaic.domains, start=1):
        light = mosaic.image[mosaic.labels == label]
        assert set(light.ravel().tolist()) == {10 if int(domain) % 2 else 240}
        # All that an object has lies in one part, of which the ground is its domain's.
        y, x = np.argwhere(mosaic.labels == label)[0]
        corner = mosaic.image[y // SIDE * SIDE, x // SIDE * SIDE, 0]
        assert corner in (40 + 25 * int(domain), 10, 240)
    again = draw_mosaic(images, [*"012"], np.random.default_rng(0))
    assert_array_equal(again.image, mosaic.image)
    assert_array_equal(again.labels, mosaic.labels)


def test_small_images_are_enlarged_and_objects_are_few():
    images = Images([*"012" * 3], hw=(300, 500), count=6)
    small = Images([*"012" * 3], hw=(250, 260), count=6)
    for given_images in (images, small):
        mosaic = draw_mosaic(given_images, [*"012"], np.random.default_rng(1))
        counts = [mosaic.names.count(name) for name in set(mosaic.names)]
        assert 0 < max(counts) <= OBJECTS


def test_scores_are_those_of_the_order():
    mosaic = draw_mosaic(Images([*"012" * 3]), [*"012"], np.random.default_rng(2))
    rows = score_mosaic(tiny_random_model(0, input_size=256), mosaic, "one")
    assert len(rows) == len(mosaic.domains)
    assert {row.image for row in rows} == {"one"}
    assert sorted({row.domain for row in rows}) == [*"012"]
    for row in rows:
        own = mosaic.domains.count(row.domain) - 1
        assert row.scores[CHANCE] == pytest.approx(own / (len(mosaic.domains) - 1))
        assert row.area == np.count_nonzero(mosaic.labels == row.object_id)
    mean = np.mean([list(row.scores.values()) for row in rows], axis=0)
    scores = dict(zip(rows[0].scores, mean, strict=True))
    assert scores[SIMILAR] > scores[CHANCE] + 0.2
    assert 0 < scores[ELSEWHERE] <= 1


def test_objects_that_no_other_image_has_are_not_asked_for():
    labels = np.zeros((64, 64), np.int64)
    image = np.zeros((64, 64, 3), np.uint8)
    for label, x in enumerate((4, 24, 44), start=1):
        labels[8:24, x : x + 16] = label
        image[8:24, x : x + 16] = 80 * label
    model = tiny_random_model(0, input_size=256)
    alone = Mosaic(image, labels, ["a", "a", "b"], ["one", "one", "two"])
    assert score_mosaic(model, alone, "m") == []
    pair = Mosaic(image, labels, ["a", "a", "b"], ["one", "two", "two"])
    assert [row.object_id for row in score_mosaic(model, pair, "m")] == [1, 2]


def test_equal_seeds_measure_the_same():
    images = Images([*"012" * 3])
    done = []
    first, again, other = (
        measure_mosaics(
            tiny_random_model(0, input_size=256),
            images,
            mosaics=1,
            seed=seed,
            progress=tell,
        )
        for seed, tell in ((3, None), (3, lambda *step: done.append(step)), (4, None))
    )
    assert first == again != other
    assert done == [(1, 1)]
