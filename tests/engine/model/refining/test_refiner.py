from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.engine.model.refining.scripted import (
    ANSWER,
    BOX,
    EARLIER,
    NEGATIVE,
    POSITIVE,
    SURE,
    bright,
    cells,
    everywhere,
    only,
    paste,
    question,
    scripted_refiner,
    shown_to,
    tiny_network,
)
from tilesam import Window
from tilesam.image import open_image
from tilesam.model.refining import refiner as refiner_module
from tilesam.model.refining.frames import cell_centres, covered_hw
from tilesam.model.refining.refined import crop_refined
from tilesam.model.refining.refiner import MaskRefiner
from tilesam.model.upsampling import crop_mask
from tilesam.testing.images import bright_rectangles, rectangle_mask

WINDOW = Window(0, 0, 64, 64)
INPUT_SIZE = 64
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)


def opened(image):
    return open_image(image, channel_axis=2)


def box_of(rectangle):
    y0, x0, y1, x1 = rectangle
    return y0, x0, y1 - 1, x1 - 1


def whole_image(hw):
    return Window(0, 0, *hw)


def logits_of(rectangle, hw):
    """Return what a decoder says that finds every cell with something of the object."""
    window = whole_image(hw)
    y, x = cell_centres(16, window, INPUT_SIZE)
    half_y, half_x = (length / 32 for length in covered_hw(window, INPUT_SIZE))
    y0, x0, y1, x1 = rectangle
    rows = (y + half_y > y0 - 0.5) & (y - half_y < y1 - 0.5)
    columns = (x + half_x > x0 - 0.5) & (x - half_x < x1 - 0.5)
    return np.where(rows[:, None] & columns, SURE, -SURE).astype(np.float32)


PLACES = {
    "inside": ((60, 60), (20, 13, 37, 31)),
    "upper left corner": ((60, 60), (0, 0, 9, 14)),
    "lower right corner": ((60, 60), (49, 41, 60, 60)),
    "right border": ((50, 60), (11, 57, 33, 60)),
    "from border to border": ((50, 60), (20, 0, 29, 60)),
    "one pixel": ((60, 60), (30, 17, 31, 18)),
    "one pixel in the corner": ((60, 60), (0, 59, 1, 60)),
    "the whole image": ((50, 40), (0, 0, 50, 40)),
    "all but a pixel": ((40, 40), (1, 0, 40, 40)),
    "in a small image": ((5, 7), (1, 2, 3, 6)),
    "an image of one row": ((1, 40), (0, 9, 1, 21)),
    "an image of one pixel": ((1, 1), (0, 0, 1, 1)),
}


@pytest.mark.parametrize("prompt", ["box", "point", "point with mask"])
@pytest.mark.parametrize(("hw", "rectangle"), PLACES.values(), ids=PLACES)
def test_an_object_is_found_to_the_pixel(hw, rectangle, prompt):
    refiner = scripted_refiner(bright, size=256)
    y0, x0, y1, x1 = rectangle
    asked = {
        "box": {"boxes": [box_of(rectangle)]},
        # Both ends, so that something says how large it is.
        "point": {"points": [(y0, x0), (y1 - 1, x1 - 1)]},
        "point with mask": {"points": [(y0, x0)], "answer": logits_of(rectangle, hw)},
    }[prompt]
    (refined,) = refiner.refine(
        [question(whole_image(hw), **asked)],
        opened(bright_rectangles(hw, [rectangle])),
    )
    crop = crop_refined(refined, hw)
    found = paste(crop.mask, crop.offset_yx, hw)
    assert_array_equal(found, rectangle_mask(hw, rectangle))


def test_nobody_says_where():
    refiner = scripted_refiner(everywhere)
    source = opened(NOISE)
    nothing = question(WINDOW)
    negative = question(WINDOW, points=[(5, 5), (0, 0)], labels=[0, -1])
    point = question(WINDOW, points=[(5, 5)])
    assert refiner.refine([], source) == []
    assert refiner.refine([nothing, negative], source) == [None, None]
    found = refiner.refine([nothing, point, negative, point, nothing], source)
    assert [refined is None for refined in found] == [True, False, True, False, True]
    assert found[1].region == found[3].region


def test_a_box_alone_says_where():
    refiner = scripted_refiner(everywhere)
    box = (20, 22, 30, 28)
    alone = refiner.region_of(question(WINDOW, boxes=[box]), (64, 64))
    assert alone.contains(box)
    other = cells(0, 0, 16, 16)
    beside = question(WINDOW, boxes=[box], answer=other, earlier=other)
    assert refiner.region_of(beside, (64, 64)) == alone


def test_all_boxes_and_the_points_on_the_object_are_shown():
    refiner = scripted_refiner(everywhere)
    asked = question(
        WINDOW,
        boxes=[(20, 22, 30, 28), (40, 1, 50, 9)],
        points=[(63, 63), (0, 63), (0, 0)],
        labels=[1, 0, -1],
    )
    region = refiner.region_of(asked, (64, 64))
    for bounds in ((20, 22, 30, 28), (40, 1, 50, 9), (63, 63, 63, 63)):
        assert region.contains(bounds)
    assert region == refiner.region_of(
        question(WINDOW, boxes=asked.boxes_yxyx, points=[(63, 63)]), (64, 64)
    )


def test_the_mask_and_what_it_corrects_are_shown():
    refiner = scripted_refiner(everywhere)
    # Cells of 4 x 4 pixels, of which the outer middles are sure to be shown.
    answer, earlier = cells(1, 1, 2, 2), cells(10, 12, 12, 14)
    asked = question(WINDOW, answer=answer, earlier=earlier, points=[(2, 60)])
    region = refiner.region_of(asked, (64, 64))
    for bounds in ((5.5, 5.5, 5.5, 5.5), (45.5, 53.5, 45.5, 53.5), (2, 60, 2, 60)):
        assert region.contains(bounds)


@given(
    places=st.lists(
        st.tuples(st.floats(-500, 900), st.floats(-500, 900)), min_size=1, max_size=4
    ),
    hw=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_every_region_shows_something_of_the_image(places, hw):
    refiner = scripted_refiner(everywhere)
    for asked in (
        question(WINDOW, points=places),
        question(
            WINDOW, boxes=[(*place, place[0] + 9, place[1] + 9) for place in places]
        ),
        question(
            Window(*(max(int(c), 0) for c in places[0]), 64, 64),
            answer=cells(3, 3, 9, 9),
        ),
    ):
        region = refiner.region_of(asked, hw)
        assert region.y0 < hw[0]
        assert region.x0 < hw[1]
        assert region.y0 + region.height > 0
        assert region.x0 + region.width > 0


def test_prompts_are_shown_at_their_places():
    # One region of the whole image, whatever is put around: the box is all of it.
    refiner = scripted_refiner(everywhere, size=128)
    asked = question(
        WINDOW,
        boxes=[(0, 0, 63, 63)],
        points=[(10, 20), (40, 50), (9, 9)],
        labels=[1, 0, -1],
    )
    (refined,) = refiner.refine([asked], opened(NOISE))
    region = refined.region
    channels = shown_to(refiner)[0].numpy()
    scale = channels.shape[-1] / region.height
    for channel, (y, x) in ((POSITIVE, (10, 20)), (NEGATIVE, (40, 50))):
        middle = np.argwhere(channels[channel] > 0).mean(axis=0)
        expected = (np.array([y - region.y0, x - region.x0]) + 0.5) * scale - 0.5
        assert_allclose(middle, expected, atol=0.5)
    assert channels[BOX].sum() == pytest.approx((64 * scale) ** 2, rel=0.05)


def test_the_answer_is_shown_at_its_place():
    refiner = scripted_refiner(only(ANSWER), size=128)
    answer = cells(4, 5, 9, 12)
    asked = question(WINDOW, answer=answer, points=[(20, 25)])
    (refined,) = refiner.refine([asked], opened(NOISE))
    found = crop_refined(refined, (64, 64))
    expected = crop_mask(answer, window_hw=(64, 64), input_size=INPUT_SIZE)
    assert_array_equal(
        paste(found.mask, found.offset_yx, (64, 64)),
        paste(expected.mask, expected.offset_yx, (64, 64)),
    )


def test_what_is_corrected_is_shown_at_its_place_in_whichever_window():
    refiner = scripted_refiner(only(EARLIER), size=128)
    # A window of 32 x 32 pixels, enlarged: cells of 2 x 2 pixels.
    window = Window(16, 24, 32, 32)
    asked = question(window, earlier=cells(4, 4, 8, 12), points=[(26, 36)])
    (refined,) = refiner.refine([asked], opened(NOISE))
    found = crop_refined(refined, (64, 64))
    expected = rectangle_mask((64, 64), (24, 32, 32, 48))
    assert_array_equal(paste(found.mask, found.offset_yx, (64, 64)), expected)


def test_an_object_that_is_hardly_seen_is_shown_all_the_same():
    def faint(channels):
        return torch.where(bright(channels) > 0, -1.0, -SURE)

    asked = [question(WINDOW, points=[(20, 25)])]
    shown, sure = (
        scripted_refiner(rule).refine(asked, opened(NOISE))[0].logits > 0
        for rule in (faint, bright)
    )
    assert shown.any()
    assert_array_equal(shown, sure)


def test_what_is_not_known_is_shown_as_nothing():
    refiner = scripted_refiner(everywhere)
    asked = question(WINDOW, answer=cells(3, 3, 9, 9), points=[(20, 20)])
    refiner.refine([asked], opened(NOISE))
    first = shown_to(refiner)[0]
    assert not first[EARLIER].any()
    assert not first[NEGATIVE].any()
    assert not first[BOX].any()
    assert first[ANSWER].any()
    assert first[POSITIVE].any()


def various_questions():
    return [
        question(WINDOW, points=[(5, 6)], answer=cells(0, 0, 5, 5)),
        question(WINDOW, boxes=[(10, 10, 30, 50)]),
        question(WINDOW),
        question(
            WINDOW,
            points=[(5, 6), (40, 40), (60, 2)],
            labels=[1, 0, 1],
            earlier=cells(2, 3, 9, 9),
        ),
        question(Window(8, 8, 32, 32), answer=cells(3, 4, 12, 12)),
        question(WINDOW, boxes=[(1, 1, 3, 3), (50, 50, 60, 60)], points=[(9, 9)]),
    ]


def test_large_regions_are_shown_larger(monkeypatch):
    monkeypatch.setattr(refiner_module, "LARGE", 2)
    monkeypatch.setattr(refiner_module, "LARGE_BY_BOX", 1.5)
    monkeypatch.setattr(refiner_module, "LARGER", 3)
    monkeypatch.setattr(refiner_module, "HUGE", 8)
    monkeypatch.setattr(refiner_module, "MUCH_LARGER", 4)
    refiner = scripted_refiner(everywhere, size=32)
    by_point = question(WINDOW, points=[(9, 9)])
    by_box = question(WINDOW, boxes=[(20, 20, 22, 22)])
    regions = [Window(0, 0, side, side) for side in (8, 47, 48, 63, 64, 255, 256)]
    for asked, sides in (
        (by_point, [32, 32, 32, 32, 96, 96, 128]),
        (by_box, [32, 32, 96, 96, 96, 96, 128]),
    ):
        assert [refiner.size_of(asked, region) for region in regions] == sides
    boxes = [(20, 20, 22, 22), (0, 0, 63, 63)]
    small, large = refiner.refine(
        [question(WINDOW, boxes=[box]) for box in boxes], opened(NOISE)
    )
    assert small.logits.shape == (32, 32)
    assert large.logits.shape == (96, 96)


@pytest.mark.parametrize("at_once", [1, 2, 16])
def test_many_together_are_answered_as_each_alone(at_once, monkeypatch):
    monkeypatch.setattr(refiner_module, "REGIONS_AT_ONCE", at_once)
    monkeypatch.setattr(refiner_module, "LARGE", 1.5)  # some of them are
    refiner = MaskRefiner(tiny_network(), weights_sha256="", input_size=INPUT_SIZE)
    source, questions = opened(NOISE), various_questions()
    together = refiner.refine(questions, source)
    assert len({len(found.logits) for found in together if found is not None}) == 2
    for asked, among_others in zip(questions, together, strict=True):
        (alone,) = refiner.refine([asked], source)
        if alone is None:
            assert among_others is None
            continue
        assert among_others.region == alone.region
        assert_allclose(among_others.logits, alone.logits, atol=1e-4, rtol=1e-4)
        assert among_others.predicted_iou == pytest.approx(alone.predicted_iou, 1e-4)


def test_answers_are_plain_arrays():
    refiner = MaskRefiner(tiny_network(), weights_sha256="", input_size=INPUT_SIZE)
    (found,) = refiner.refine([question(WINDOW, points=[(5, 6)])], opened(NOISE))
    assert found.logits.dtype == np.float32
    assert found.logits.shape[0] == found.logits.shape[1] >= refiner.size
    assert isinstance(found.predicted_iou, float)
    assert 0 <= found.predicted_iou <= 1


def test_the_network_is_copied_and_judges():
    network = tiny_network().train()
    refiner = MaskRefiner(network, weights_sha256="ab", input_size=INPUT_SIZE)
    assert network.training
    assert not refiner.network.training
    asked, source = [question(WINDOW, points=[(5, 6)])], opened(NOISE)
    before = refiner.refine(asked, source)[0].logits
    with torch.no_grad():
        for value in network.parameters():
            value.zero_()
    assert_array_equal(refiner.refine(asked, source)[0].logits, before)


def test_on_the_same_device_a_refiner_is_itself():
    refiner = scripted_refiner(everywhere)
    assert refiner.on(torch.device("cpu")) is refiner


def test_in_another_precision_it_answers_nearly_the_same():
    exact = MaskRefiner(tiny_network(), weights_sha256="", input_size=INPUT_SIZE)
    half = exact.on(torch.device("cpu"), torch.bfloat16)
    assert (exact.dtype, half.dtype) == (torch.float32, torch.bfloat16)
    source = opened(NOISE)
    first, second = (
        refiner.refine([question(WINDOW, points=[(5, 6)])], source)[0]
        for refiner in (exact, half)
    )
    assert second.logits.dtype == np.float32
    assert (first.logits != second.logits).any()
    spread = np.ptp(first.logits)
    assert_allclose(first.logits, second.logits, atol=0.05 * spread)
    assert first.predicted_iou == pytest.approx(second.predicted_iou, abs=0.02)


def test_a_refiner_is_pickled():
    refiner = MaskRefiner(tiny_network(), weights_sha256="ab", input_size=INPUT_SIZE)
    copy = pickle.loads(pickle.dumps(refiner))
    asked, source = various_questions(), opened(NOISE)
    assert copy.weights_sha256 == "ab"
    for first, second in zip(
        refiner.refine(asked, source), copy.refine(asked, source), strict=True
    ):
        assert (first is None) == (second is None)
        if first is not None:
            assert_array_equal(first.logits, second.logits)
