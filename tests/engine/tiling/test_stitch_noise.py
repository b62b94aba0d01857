"""Stitching when windows do not agree: borders off by a pixel, pieces missing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.tiling.label_scenes import (
    clamped_windows,
    matched_share,
    merges_and_splits,
    mixed,
    nests,
    noisy,
    nuclei,
    regular_windows,
    thick,
)
from tilesam.masks.run_masks import RunMasks
from tilesam.tiling.stitch import stitch

MAX_COUNT_ERROR, MIN_F1 = 0.005, 0.985


@pytest.fixture(scope="module")
def nuclei_masks():
    labels = nuclei((811, 1033), np.random.default_rng(0), spacing=20, radii=(9, 16))
    return RunMasks.from_labels(labels)[0]


@pytest.fixture(scope="module")
def mixed_masks():
    labels = thick(mixed((1300, 1500), np.random.default_rng(0), count=900))
    return RunMasks.from_labels(labels)[0]


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("layout", [regular_windows, clamped_windows])
def test_dense_nuclei(nuclei_masks, layout, share):
    check(nuclei_masks, (811, 1033), layout((811, 1033), 256, 256 // share), share)


@pytest.mark.parametrize("share", [8, 4])
@pytest.mark.parametrize("layout", [regular_windows, clamped_windows])
def test_objects_of_all_sizes(mixed_masks, layout, share):
    check(mixed_masks, (1300, 1500), layout((1300, 1500), 512, 512 // share), share)


def check(truth, hw, extents, seed):
    windows, shown = noisy(truth, hw, extents, np.random.default_rng(seed))
    found = stitch(windows, hw)
    merges, _ = merges_and_splits(found, shown)
    assert merges == 0
    assert abs(len(found.masks) - len(truth)) <= MAX_COUNT_ERROR * len(truth)
    assert matched_share(found.masks, truth) >= MIN_F1


def test_objects_larger_than_a_window_never_merge():
    # Where the pieces between two others are missing nothing can join these.
    hw = (811, 1033)
    for seed in range(3):
        rng = np.random.default_rng(seed)
        truth = RunMasks.from_labels(thick(mixed(hw, rng, count=400)))[0]
        windows, shown = noisy(truth, hw, clamped_windows(hw, 192, 48), rng)
        found = stitch(windows, hw)
        merges, splits = merges_and_splits(found, shown)
        assert merges == 0
        assert splits <= 0.02 * len(truth)
        assert matched_share(found.masks, truth) >= 0.97


@pytest.mark.parametrize("share", [8, 4])
def test_wholes_and_parts_keep_apart(share):
    hw = (900, 1100)
    rng = np.random.default_rng(share)
    crops = nests(hw, rng, count=150)
    truth = RunMasks.from_crops(crops, [(0, 0)] * len(crops))
    extents = clamped_windows(hw, 256, 256 // share)
    windows, shown = noisy(truth, hw, extents, rng, missing=0)
    found = stitch(windows, hw)
    merges, splits = merges_and_splits(found, shown)
    assert merges == 0
    assert splits <= 0.01 * len(truth)
    assert matched_share(found.masks, truth) >= MIN_F1
