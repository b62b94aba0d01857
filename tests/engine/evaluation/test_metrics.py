from __future__ import annotations

import numpy as np
import pytest
import torch

from tilesam.evaluation.metrics import ObjectScore, mask_iou, summarize


def score(domain: str, image: str, number: int, **scores: float) -> ObjectScore:
    return ObjectScore(domain, image, 0, number, 10, scores)


def test_iou_by_hand():
    truth = torch.tensor([[True, True, False, False]])
    answers = torch.tensor(
        [
            [[True, True, False, False]],
            [[True, False, False, False]],
            [[False, True, True, False]],
            [[False, False, True, True]],
            [[False, False, False, False]],
        ]
    )
    expected = torch.tensor([1, 1 / 2, 1 / 3, 0, 0])
    torch.testing.assert_close(mask_iou(answers, truth), expected)


def test_iou_of_nothing_with_nothing_is_one():
    empty = torch.zeros(2, 3, dtype=torch.bool)
    assert mask_iou(empty, empty) == 1


def test_iou_broadcasts_over_candidates():
    truth = torch.rand(4, 1, 6, 6) > 0.5
    answers = torch.rand(4, 3, 6, 6) > 0.5
    both = mask_iou(answers, truth)
    assert both.shape == (4, 3)
    torch.testing.assert_close(both[2, 1], mask_iou(answers[2, 1], truth[2, 0]))


def test_objects_count_alike_in_a_domain_and_domains_in_the_mean():
    rows = [
        score("b", "b/1", 1, box=0.2, oracle=0.4),
        score("b", "b/1", 2, box=0.4, oracle=0.4),
        score("b", "b/2", 1, box=0.9, oracle=0.4),
        score("a", "a/1", 1, box=0.9, oracle=0.8),
    ]
    summary = summarize(rows)
    assert [d.domain for d in summary.domains] == ["a", "b"]
    second = summary.domains[1]
    assert (second.images, second.objects) == (2, 3)
    np.testing.assert_allclose(second.scores["box"], 0.5)
    np.testing.assert_allclose(summary.mean["box"], 0.7)
    np.testing.assert_allclose(summary.mean["oracle"], 0.6)


def test_nothing_to_summarize():
    with pytest.raises(ValueError, match="no objects were scored"):
        summarize([])
