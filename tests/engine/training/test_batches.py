from __future__ import annotations

import numpy as np
import pytest
import torch

from tilesam.errors import DatasetError
from tilesam.training.batches import (
    CropDataset,
    build_dense_targets,
    draw_masks,
    to_tensors,
)
from tilesam.training.datasets import Sample
from tilesam.training.recipes import LARGE_OBJECTS, Phase

PHASE = Phase(1, 64, 1, 3, 0, zoom=LARGE_OBJECTS, scene_share=0.0)


class OneImage:
    """Stands in for a split of one image."""

    domains = ("squares",)
    object_counts = (1,)

    def __init__(self, labels: np.ndarray) -> None:
        image = np.repeat((labels[..., None] > 0) * np.uint8(200), 3, axis=-1)
        self.sample = Sample(image, labels[None].astype(np.int32), "squares", "one")

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return self.sample


def two_squares() -> np.ndarray:
    labels = np.zeros((64, 64), np.int32)
    labels[8:24, 8:24] = 1
    labels[32:56, 30:60] = 7
    return labels


def test_a_crop_depends_on_seed_and_index_alone() -> None:
    first, second = (CropDataset(OneImage(two_squares()), PHASE, 5) for _ in range(2))
    second[0]  # what was read before does not matter
    for a, b in zip(first[3], second[3], strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not torch.equal(first[3].images, first[4].images)


def test_images_without_objects_are_said() -> None:
    crops = CropDataset(OneImage(np.zeros((64, 64), np.int32)), PHASE, 5)
    with pytest.raises(DatasetError, match="no object"):
        crops[0]


def test_objects_come_without_repetition_while_there_are_enough() -> None:
    layers = two_squares()[None]
    masks = draw_masks(layers, 2, np.random.default_rng(0))
    assert masks is not None
    areas = sorted(int(mask.sum()) for mask in masks)
    assert areas == [16 * 16, 24 * 30]
    more = draw_masks(layers, 5, np.random.default_rng(0))
    assert more is not None
    assert len(more) == 5
    assert draw_masks(np.zeros_like(layers), 2, np.random.default_rng(0)) is None


def test_parts_and_wholes_are_both_asked_for() -> None:
    layers = np.zeros((2, 64, 64), np.int32)
    layers[0, :40, :40] = 1
    layers[1, :10, :10] = 1
    masks = draw_masks(layers, 2, np.random.default_rng(0))
    assert masks is not None
    assert sorted(int(mask.sum()) for mask in masks) == [100, 1600]


def test_dense_targets_by_hand() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[:, 4:16] = 2  # columns 1 to 3 of 5 at low resolution
    foreground, boundary, closeness = build_dense_targets(labels)
    assert foreground[0].tolist() == [0, 1, 1, 1, 0]
    assert boundary[2].tolist() == [0, 1, 0, 1, 0]
    # The centroid is (2, 2); the farthest pixel of the object, (0, 1), is sqrt 5 away.
    assert closeness[2, 2] == 1
    assert closeness[0, 1] == pytest.approx(0, abs=1e-6)
    assert closeness[2, 3] == pytest.approx(1 - 1 / 5**0.5)
    assert closeness[2, 0] == 0


def test_touching_objects_have_a_boundary_between_them() -> None:
    labels = np.ones((16, 16), np.int32)
    labels[:, 8:] = 2
    _, boundary, _ = build_dense_targets(labels)
    assert boundary[0].tolist() == [0, 1, 1, 0]


def test_pixels_are_normalised() -> None:
    sample = OneImage(two_squares()).sample
    item = to_tensors(sample, np.ones((1, 64, 64), bool))
    assert item.images.shape == (3, 64, 64)
    assert item.images[0, 0, 0].item() == pytest.approx(-123.675 / 58.395)
    assert item.dense.shape == (3, 16, 16)
