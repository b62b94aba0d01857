from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from tilesam import Window
from tilesam.model.reprojection import OUTSIDE_LOGIT, project_logits

LOGITS = np.random.default_rng(2).normal(size=(16, 16)).astype(np.float32)


def project(logits, source, target):
    return project_logits(logits, source=source, target=target, input_size=64)


def test_the_same_window_gives_the_same_array():
    window = Window(5, 6, 64, 64)
    assert project(LOGITS, window, window) is LOGITS


def test_a_window_moved_by_whole_cells_shifts_the_logits():
    # One cell is 4 pixels here; 8 down and 4 to the right are 2 and 1 cells.
    moved = project(LOGITS, Window(0, 0, 64, 64), Window(8, 4, 64, 64))
    assert_allclose(moved[:14, :15], LOGITS[2:, 1:], rtol=1e-6)
    assert_array_equal(moved[14:], np.full((2, 16), OUTSIDE_LOGIT, np.float32))
    assert_array_equal(moved[:, 15], np.full(16, OUTSIDE_LOGIT, np.float32))


def test_a_window_twice_as_large_shows_means_of_four_cells():
    larger = project(LOGITS, Window(32, 32, 64, 64), Window(0, 0, 128, 128))
    means = LOGITS.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert_allclose(larger[4:12, 4:12], means, rtol=1e-5)
    assert larger[3, 8] == OUTSIDE_LOGIT
    assert larger[8, 12] == OUTSIDE_LOGIT


def test_padding_of_a_flat_window_is_not_taken_for_image():
    # The source is the upper half of its input; the lower half was padding.
    moved = project(LOGITS, Window(0, 0, 32, 64), Window(0, 0, 64, 64))
    assert_allclose(moved[:8], LOGITS[:8], rtol=1e-6)
    assert np.all(moved[8:] == OUTSIDE_LOGIT)
