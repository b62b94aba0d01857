"""Points raise and lower the masks under them, and those alike."""

from __future__ import annotations

import numpy as np

from tilesam.masks.run_masks import RunMasks
from tilesam.text.correction import ALIKE, containing, correct


def three_masks():
    crops = [np.ones((10, 10), np.bool_)] * 3
    return RunMasks.from_crops(crops, [(0, 0), (20, 0), (40, 0)])


EMBEDDINGS = np.array([[1.0, 0.0], [0.99, np.sqrt(1 - 0.99**2)], [0.0, 1.0]])


def test_a_point_on_a_mask_raises_it_and_those_alike():
    logits = np.full(3, -3.0)
    moved = correct(
        *(logits, EMBEDDINGS, three_masks()), np.array([[5.0, 5.0]]), np.array([1])
    )
    assert moved[0] >= 1
    assert logits[1] < moved[1] < moved[0]
    assert moved[2] == logits[2]
    assert ALIKE < 0.99


def test_a_negative_point_lowers_it_and_those_alike():
    logits = np.full(3, 3.0)
    moved = correct(
        *(logits, EMBEDDINGS, three_masks()), np.array([[25.0, 5.0]]), np.array([0])
    )
    assert moved[1] < -2
    assert moved[0] < logits[0]
    assert moved[2] == logits[2]


def test_a_point_on_nothing_changes_nothing():
    logits = np.array([0.1, 0.2, 0.3])
    moved = correct(
        *(logits, EMBEDDINGS, three_masks()), np.array([[15.0, 30.0]]), np.array([1])
    )
    np.testing.assert_array_equal(moved, logits)


def test_pixels_belong_to_the_masks_that_have_them():
    crops = [np.ones((10, 10), np.bool_), np.ones((4, 4), np.bool_)]
    masks = RunMasks.from_crops(crops, [(0, 0), (3, 3)])
    assert containing(masks, np.array([3.4, 3.4])).tolist() == [0, 1]
    assert containing(masks, np.array([9.4, 9.4])).tolist() == [0]
    assert containing(masks, np.array([9.6, 9.6])).tolist() == []
