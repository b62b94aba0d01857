"""Figures of phrases, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tilesam.evaluation.text import (
    Answer,
    TextResult,
    detections,
    false_positive_rates,
    images_with_false_positives,
    match,
    summarize_text,
)
from tilesam.masks.run_masks import RunMasks


def answer(phrase, scores, hits, *, truth, domain="leaf"):
    return Answer(
        *(domain, "one", phrase, truth > 0, truth),
        scores=np.array(scores, np.float32),
        hits=np.array(hits, np.bool_),
    )


ANSWERS = [
    answer("leaf", [0.9, 0.6, 0.2], [True, False, True], truth=2),
    answer("buildings", [0.7], [False], truth=0),
    answer("buildings", [0.1], [False], truth=0),
    answer("nuclei", [0.9], [False], truth=0),
]


def test_precision_and_recall_at_a_threshold():
    (row,) = detections(ANSWERS, 0.5)
    assert (row.precision, row.recall, row.f1) == (0.5, 0.5, 0.5)
    (row,) = detections(ANSWERS, 0.1)
    assert (row.precision, row.recall) == (pytest.approx(2 / 3), 1.0)
    (row,) = detections(ANSWERS, 0.95)
    assert (row.precision, row.recall, row.f1) == (0.0, 0.0, 0.0)


def test_false_positives_are_images_with_anything():
    rates = false_positive_rates(ANSWERS, 0.5)
    assert rates["buildings"] == (2, 0.5)
    assert images_with_false_positives(ANSWERS, 0.5) == 1.0
    assert images_with_false_positives(ANSWERS, 0.8) == 0.0
    assert rates["all"] == (2, 0.5)  # phrases for several classes do not count


def test_every_object_is_hit_once():
    square = np.ones((10, 10), np.bool_)
    truth = RunMasks.from_crops([square, square], [(0, 0), (20, 20)])
    masks = RunMasks.from_crops([square] * 4, [(0, 1), (0, 0), (20, 20), (40, 40)])
    assert match(masks, truth).tolist() == [True, False, True, False]
    assert match(RunMasks.empty(), truth).tolist() == []


def test_the_document_has_all_figures():
    retrieved = {"leaf": np.array([True, False]), "phase": np.array([True] * 6)}
    document = summarize_text(TextResult(ANSWERS, retrieved), 0.5)
    assert document["retrieval of all objects"] == 7 / 8
    assert document["retrieval, mean over domains"] == 0.75
    assert document["false positives, all pairs of image and absent class"] == 0.5
    assert document["present"][0]["f1"] == 0.5
