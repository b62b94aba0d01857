from __future__ import annotations

import numpy as np
import pytest

from tilesam.training.scenes.ribbons import ribbon, tapered_ribbon, winding_path

IMAGE_HW = (60, 100)
ROW = np.stack([np.full(60, 30.0), np.arange(20.0, 80.0)], axis=1)


def placed(outline):
    """Return the mask of an outline in the whole image."""
    image = np.zeros(IMAGE_HW, dtype=bool)
    image[outline.window] = outline.mask
    return image


def test_a_path_has_steps_of_one_pixel():
    path = winding_path(np.array([5.0, 7.0]), 0.3, length=50, rng=rng())
    assert path.shape == (50, 2)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, 1.0)


def test_a_path_that_may_not_bend_is_straight():
    path = winding_path(
        np.zeros(2), np.pi / 2, length=30, rng=rng(), curviness=(0.0, 0.0)
    )
    np.testing.assert_allclose(path[-1], (30.0, 0.0), atol=1e-9)


def test_a_ribbon_is_as_wide_as_asked():
    mask = placed(ribbon(IMAGE_HW, [ROW], half_width=3.0))
    assert mask[:, 50].sum() == 7  # 3 on either side of the path
    assert mask[30].sum() == 66
    assert not mask[:26].any()
    assert not mask[34:].any()


def test_a_tapered_ribbon_is_as_wide_as_each_point_says():
    widths = np.where(np.arange(60) < 20, 6.0, 2.0)
    outline, nearest = tapered_ribbon(IMAGE_HW, ROW, widths)
    mask = placed(outline)
    assert mask[:, 30].sum() == 13
    assert mask[:, 70].sum() == 5
    assert nearest.shape == outline.mask.shape
    row = nearest[30 - outline.rows.start]
    columns = np.arange(100)[outline.columns]
    np.testing.assert_array_equal(row, np.clip(columns - 20, 0, 59))


def test_points_outside_of_the_image_keep_their_numbers():
    """The first half of the path is cut off, not renumbered."""
    path = ROW - (0, 50)
    widths = np.where(np.arange(60) < 30, 9.0, 2.0)
    outline, nearest = tapered_ribbon(IMAGE_HW, path, widths)
    assert nearest.min() == 30
    assert placed(outline)[:, 5].sum() == 5


@pytest.mark.parametrize("shift", [(0, 200), (-100, 0), (0, -75)])
def test_what_hardly_shows_is_not_painted(shift):
    assert tapered_ribbon(IMAGE_HW, ROW + shift, np.full(60, 2.0)) is None
    assert ribbon(IMAGE_HW, [ROW + shift], half_width=2.0) is None


def rng():
    return np.random.default_rng(3)
