from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.utils.data import DataLoader

from tests.engine.training.refining.squares import answers, sample
from tilesam.errors import DatasetError
from tilesam.model.refining.frames import covered_hw
from tilesam.training.refining import drawing as module
from tilesam.training.refining.answers import ObjectAnswers
from tilesam.training.refining.drawing import draw_region
from tilesam.training.refining.guesses import guess_by_box, guess_by_point, window_of
from tilesam.training.refining.records import RegionDraw
from tilesam.training.refining.regions import RegionDataset

SIZE = 48
ONLY_BOXES = RegionDraw(box_share=1.0)
ONLY_POINTS = RegionDraw(box_share=0.0, best_share=1.0)


def dataset(draw=None, samples=None, seed=0, size=SIZE):
    return RegionDataset(answers(samples), size=size, seed=seed, draw=draw)


def assert_same(first, second):
    for name, value in first._asdict().items():
        torch.testing.assert_close(
            getattr(second, name), value, rtol=0, atol=0, equal_nan=True
        )


@pytest.fixture
def same_light(monkeypatch):
    monkeypatch.setattr(module, "vary_light", lambda image, **_: image)


def test_a_region_is_determined_by_seed_and_index():
    several = dataset()
    forwards = [several[index] for index in range(6)]
    other = dataset()
    for index in reversed(range(6)):
        assert_same(other[index], forwards[index])
    changed = dataset(seed=1)
    assert not any(torch.equal(changed[i].pixels, forwards[i].pixels) for i in range(6))
    assert not torch.equal(forwards[0].pixels, forwards[1].pixels)


def test_processes_make_no_difference():
    several = dataset()
    loader = DataLoader(several, batch_size=3, sampler=range(3, 9), num_workers=0)
    for number, batch in enumerate(loader):
        for i in range(3):
            one = several[3 + 3 * number + i]
            assert_same(type(one)(*(value[i] for value in batch)), one)


def test_what_a_region_is():
    region = dataset()[0]
    assert region.pixels.shape == (3, SIZE, SIZE)
    assert region.pixels.dtype == torch.uint8
    for name in ("inside", "mask"):
        assert getattr(region, name).shape == (SIZE, SIZE)
        assert getattr(region, name).dtype == torch.bool
    assert region.answer.shape == (SIZE, SIZE)
    assert region.answer.dtype == torch.float32
    assert region.point_yx.shape == (2,)
    assert region.box_yxyx.shape == (4,)


@pytest.mark.parametrize("draw", [ONLY_BOXES, ONLY_POINTS])
def test_the_object_meant_is_in_the_region(draw, same_light):
    several = dataset(draw)
    for index in range(40):
        region = several[index]
        assert region.mask.sum() >= several.draw.smallest_object
        assert not region.mask.all()
        # What is meant is bright, and all of it is in the image.
        assert region.inside[region.mask].all()
        brightness = region.pixels[0].numpy()
        sure = ndimage.binary_erosion(region.mask.numpy(), iterations=2)
        assert (brightness[sure] > 135).all()
        around = ndimage.binary_dilation(region.mask.numpy(), iterations=2)
        ring = ndimage.binary_dilation(around, iterations=1) & ~around
        assert (brightness[ring] < 135).mean() > 0.9


@pytest.mark.parametrize("draw", [ONLY_BOXES, ONLY_POINTS])
def test_nothing_is_missing_of_an_object_that_is_shown_as_a_whole(draw):
    several = dataset(draw, [sample([(8, 8, 24, 24)])])
    whole = 0
    for index in range(30):
        region = several[index]
        if not (region.mask[[0, -1]].any() or region.mask[:, [0, -1]].any()):
            whole += 1
            # Pixels are counted: at the border of the object they may be off by half.
            assert 0 <= region.area_outside <= 0.15 * region.mask.sum()
    assert whole > 5


def test_what_the_region_does_not_show_of_an_object_is_counted():
    # It looks at the upper left quarter of the square alone, enlarged or not.
    square = sample([(16, 16, 48, 48)])
    guess = guess_by_box(square, 0, 1)
    quarter = guess._replace(pixels_yx=np.array([[16, 16], [31, 31]]))
    draw = replace(ONLY_BOXES, expansion=(1.0, 1.001), shift=0.0, smallest_object=1)
    counted = []
    for seed in range(12):
        region = draw_region(
            square,
            quarter,
            frame_hw=(64, 64),
            size=32,
            rng=np.random.default_rng(seed),
            draw=draw,
        )
        if region is None:  # nothing of the ground: no mask that could be wrong
            continue
        shown, outside = float(region.mask.sum()), float(region.area_outside)
        counted.append(outside / (shown + outside))
    assert counted
    # Regions turned by an angle show some ground and more of the object.
    assert all(0.4 < share < 0.85 for share in counted)


def test_a_box_without_noise_is_tight():
    draw = replace(ONLY_BOXES, box_noises=(0.0,))
    several = dataset(draw)
    for index in range(10):
        region = several[index]
        pixels = np.argwhere(region.mask.numpy())
        tight = [*pixels.min(axis=0), *pixels.max(axis=0)]
        np.testing.assert_array_equal(region.box_yxyx, tight)
        assert region.point_yx.isnan().all()
        assert region.weight == 1


def box_errors(draw: RegionDraw, count: int = 150) -> np.ndarray:
    """Return how far boxes are off the tight ones, in shares of their sides."""
    several = dataset(draw)
    off = []
    for index in range(count):
        region = several[index]
        pixels = np.argwhere(region.mask.numpy())
        tight = np.array([*pixels.min(axis=0), *pixels.max(axis=0)])
        sides = np.tile(tight[2:] - tight[:2] + 1, 2)
        off.append((region.box_yxyx.numpy() - tight) / sides)
    return np.array(off)


def test_box_noise_is_as_large_as_said():
    off = box_errors(replace(ONLY_BOXES, box_noises=(0.08,)))
    assert np.std(off) == pytest.approx(0.08, rel=0.15)
    assert abs(np.mean(off)) < 0.2 * 0.08
    assert np.abs(off).max() < 5 * 0.08


def test_boxes_are_drawn_quickly_with_care_and_tight_equally_often():
    off = np.abs(box_errors(ONLY_BOXES)).max(axis=1)
    tight = off < 1e-6
    quick = off > 0.06  # three deviations of the careful ones
    assert tight.mean() == pytest.approx(1 / 3, abs=0.12)
    assert quick.mean() == pytest.approx(1 / 3, abs=0.12)


def test_a_point_is_on_the_object():
    several = dataset(ONLY_POINTS)
    for index in range(40):
        region = several[index]
        assert region.box_yxyx.isnan().all()
        distance = ndimage.distance_transform_edt(~region.mask.numpy())
        y, x = region.point_yx.numpy().round().astype(int).clip(0, SIZE - 1)
        # Its pixel of the image is a few of the region, or between two of them.
        assert distance[y, x] <= 3
        assert region.weight == 1


def test_the_answer_is_shown_where_the_object_is():
    draw = replace(ONLY_POINTS, answer_share=1.0)
    several = dataset(draw)
    for index in range(20):
        region = several[index]
        found, meant = region.answer > 0, region.mask
        overlap = (found & meant).sum() / (found | meant).sum()
        assert overlap > 0.7  # cells of 4 pixels, with their corners cut
        assert region.answer.abs().max() <= 4 + 1e-4


def test_an_answer_that_is_not_shown_is_zero():
    several = dataset(replace(ONLY_POINTS, answer_share=0.0))
    assert not any(several[index].answer.any() for index in range(5))


def test_points_and_boxes_are_drawn_as_often_as_said():
    several = dataset(RegionDraw(box_share=0.3))
    boxes = [not several[i].box_yxyx.isnan().any() for i in range(150)]
    points = [not several[i].point_yx.isnan().any() for i in range(150)]
    assert all(box != point for box, point in zip(boxes, points, strict=True))
    assert 0.15 < np.mean(boxes) < 0.45


def meant_with(iou, masks=None):
    if masks is None:
        masks = np.full((3, 16, 16), -32, np.int8)
        for token in range(3):
            masks[token, 2 : 6 - token, 2:6] = 8 * (token + 1)
    empty = np.full((16, 16), -32, np.int8)
    iou = np.array(iou, np.float32)
    return ObjectAnswers(0, 1, np.array([12.0, 13.0]), masks, iou, empty)


def guesses(meant, draw, count=60):
    found = [
        guess_by_point(sample(), meant, 64, rng=np.random.default_rng(seed), draw=draw)
        for seed in range(count)
    ]
    return [guess for guess in found if guess is not None]


def test_the_best_mask_is_refined_and_counts():
    draw = RegionDraw(best_share=1.0, answer_share=1.0)
    for guess in guesses(meant_with([0.2, 0.9, 0.4]), draw):
        assert guess.weight == 1
        assert guess.logits.max() == 2  # of the second mask, in eighths
        assert guess.truth.sum() == 16 * 16
        np.testing.assert_array_equal(guess.point_yx, [12, 13])


def test_masks_of_something_else_hardly_count():
    draw = RegionDraw(best_share=0.0, answer_share=1.0)
    found = guesses(meant_with([0.2, 0.9, 0.6]), draw)
    weights = {float(guess.logits.max()): guess.weight for guess in found}
    assert sorted(weights) == [1, 2, 3]
    assert weights[2] == weights[3] == 1
    assert 0 < weights[1] <= 0.2


def test_where_all_masks_are_wrong_none_counts_much():
    found = guesses(meant_with([0.01, 0.05, 0.02]), RegionDraw(best_share=1.0))
    assert {guess.weight for guess in found} <= {0.1}


def test_an_empty_mask_is_no_guess():
    masks = np.full((3, 16, 16), -32, np.int8)
    assert guesses(meant_with([0.5, 0.4, 0.3], masks), RegionDraw()) == []


def test_a_guess_by_point_looks_where_the_mask_is():
    (guess,) = guesses(meant_with([0.9, 0, 0]), RegionDraw(best_share=1.0), 1)
    # Cells 2 to 5 of 4 pixels each: middles from 9.5 to 21.5.
    np.testing.assert_allclose(guess.pixels_yx.min(axis=0), [9.5, 9.5])
    np.testing.assert_allclose(guess.pixels_yx.max(axis=0), [21.5, 21.5])


def test_a_guess_by_box_looks_at_the_object_itself():
    guess = guess_by_box(sample(), 0, 2)
    assert guess.logits is None
    assert guess.point_yx is None
    assert guess.weight == 1
    assert len(guess.pixels_yx) == guess.truth.sum() == 20 * 32


@pytest.mark.parametrize("draw", [ONLY_BOXES, ONLY_POINTS])
@pytest.mark.parametrize("squares", [[], [(0, 0, 64, 64)]])
def test_images_without_anything_to_find_are_said(draw, squares):
    # A square that fills the image and is shown from within has no border to find.
    tight = replace(draw, expansion=(0.3, 0.31), shift=0.0)
    with pytest.raises(DatasetError, match="check the label images"):
        dataset(tight, [sample(squares)])[0]


def test_images_without_objects_are_passed_over():
    several = dataset(samples=[sample([]), sample(), sample([(0, 0, 2, 2)])])
    for index in range(10):
        assert several[index].mask.any()


def test_domains_are_drawn_as_their_power_says():
    many = [sample(domain="a")] * 3 + [sample(domain="b")]
    weights = dataset(RegionDraw(domain_power=0.0), many).weights
    np.testing.assert_allclose(weights, [1 / 6, 1 / 6, 1 / 6, 1 / 2])
    assert covered_hw(window_of(sample(hw=(32, 64), rectangles=[])), 64) == (64, 64)
