"""What the crop encoder sees."""

from __future__ import annotations

import numpy as np

from tilesam.image import open_image
from tilesam.masks.run_masks import RunMasks
from tilesam.text.network import VIEW_SIDE
from tilesam.text.views import look_at, measure, to_input


def square_on_grey(y, x, side=24, hw=(200, 200)):
    image = np.full((*hw, 3), 60, np.uint8)
    image[y : y + side, x : x + side] = (200, 100, 50)
    masks = RunMasks.from_crops([np.ones((side, side), np.bool_)], [(y, x)])
    return look_at(open_image(image), masks)


def test_the_mask_lies_on_its_pixels():
    views, _ = square_on_grey(80, 90)
    close, far = views[0]
    for view in (close, far):
        inside, outside = view[3] == 255, view[3] == 0
        assert inside.any()
        assert np.abs(view[:3, inside].mean(axis=1) - (200, 100, 50)).max() < 8
        assert np.abs(view[:3, outside].mean(axis=1) - 60).max() < 8
    assert (close[3] > 0).mean() > 4 * (far[3] > 0).mean()


def test_beyond_the_image_all_is_black():
    views, _ = square_on_grey(0, 0)
    far = views[0, 1]
    assert (far[:3, : VIEW_SIDE // 4] == 0).all()
    assert (far[:3, VIEW_SIDE // 2 :, VIEW_SIDE // 2 :] > 0).all()


def test_the_same_thing_elsewhere_looks_the_same():
    here, measures = square_on_grey(60, 64)
    there, others = square_on_grey(100, 116)
    np.testing.assert_array_equal(measures, others)
    assert np.abs(here.astype(int) - there).max() <= 1


def test_some_masks_can_be_chosen_and_none_too():
    image = open_image(np.zeros((50, 50, 3), np.uint8))
    crops = [np.ones((4, 4), np.bool_), np.ones((8, 2), np.bool_)]
    masks = RunMasks.from_crops(crops, [(1, 1), (20, 20)])
    _, both = look_at(image, masks)
    _, second = look_at(image, masks, [1])
    np.testing.assert_array_equal(both[1:], second)
    assert look_at(image, masks, [])[0].shape[0] == 0


def test_measures_tell_size_and_proportions():
    small, large = (
        measure(np.ones((4, 4), np.bool_)),
        measure(np.ones((64, 64), np.bool_)),
    )
    assert large[0] > small[0]
    assert large[1] > small[1]
    assert measure(np.ones((4, 40), np.bool_))[3] == np.float32(0.1)


def test_pixels_become_numbers_around_zero():
    views = np.array([0, 255], np.uint8).reshape(1, 1, 2, 1, 1)
    np.testing.assert_allclose(to_input(views).ravel(), [-1, 1])
