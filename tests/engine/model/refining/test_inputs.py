from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.model.refining.scripted import (
    ANSWER,
    BOX,
    EARLIER,
    INSIDE,
    NEGATIVE,
    PIXELS,
    POSITIVE,
)
from tilesam.model.refining.inputs import (
    CHANNELS,
    CLICK_RADIUS,
    SURE_LOGIT,
    RegionInputs,
    draw_boxes,
    draw_disks,
    squash,
    stack_inputs,
    standardize,
)

SIZE = 24
ALL = torch.ones(1, SIZE, SIZE, dtype=torch.bool)


def inputs(**changes) -> RegionInputs:
    noise = torch.Generator().manual_seed(0)
    given = {
        "pixels": torch.randint(0, 256, (1, 3, SIZE, SIZE), generator=noise),
        "inside": ALL,
        "answer": torch.zeros(1, SIZE, SIZE),
        "earlier": torch.zeros(1, SIZE, SIZE),
        "points_yx": torch.zeros(1, 1, 2),
        "point_labels": torch.full((1, 1), -1),
        "boxes_yxyx": torch.full((1, 1, 4), torch.nan),
    }
    return RegionInputs(**(given | changes))


def disk(y, x):
    """Count one by one."""
    rows, columns = np.indices((SIZE, SIZE))
    return (rows - y) ** 2 + (columns - x) ** 2 <= CLICK_RADIUS**2


EIGHTHS = st.integers(-5 * 8, (SIZE + 5) * 8).map(lambda eighths: eighths / 8)


@given(
    EIGHTHS,
    EIGHTHS,
)
def test_a_click_is_a_disk(y, x):
    drawn = draw_disks(torch.tensor([[[y, x]]]), torch.ones(1, 1) > 0, SIZE)
    np.testing.assert_array_equal(drawn[0] > 0, disk(y, x))


def test_disks_that_overlap_are_one_and_those_not_asked_for_are_none():
    points = torch.tensor([[[5.0, 5], [5, 7], [20, 20]]])
    drawn = draw_disks(points, torch.tensor([[True, True, False]]), SIZE)
    np.testing.assert_array_equal(drawn[0], disk(5, 5) | disk(5, 7))


def test_a_box_holds_the_pixels_whose_middles_are_in_it():
    drawn = draw_boxes(torch.tensor([[[3.0, 5, 7, 9]]]), SIZE)[0]
    assert drawn.sum() == 5 * 5
    assert drawn[3:8, 5:10].all()


@pytest.mark.parametrize(
    ("box", "count"),
    [
        ([4.0, 4, 4, 4], 1),  # one pixel
        ([-9.0, -9, 100, 100], SIZE**2),
        ([-9.0, 0, -3, 5], 0),  # beyond the region
        ([torch.nan] * 4, 0),
        ([9.0, 9, 5, 12], 0),  # upside down
    ],
)
def test_the_pixels_of_a_box_by_counting(box, count):
    assert draw_boxes(torch.tensor([[box]]), SIZE).sum() == count


def test_several_boxes_are_joined():
    boxes = torch.tensor([[[0.0, 0, 1, 1], [1, 1, 2, 2], [torch.nan] * 4]])
    assert draw_boxes(boxes, SIZE).sum() == 4 + 4 - 1


def test_what_is_shown_where():
    shown = inputs(
        answer=torch.full((1, SIZE, SIZE), 100.0),
        earlier=torch.full((1, SIZE, SIZE), -SURE_LOGIT / 2),
        points_yx=torch.tensor([[[5.0, 5], [15, 15], [5, 15]]]),
        point_labels=torch.tensor([[1, 0, -1]]),
        boxes_yxyx=torch.tensor([[[3.0, 5, 7, 9]]]),
    ).channels()[0]
    assert shown.shape == (CHANNELS, SIZE, SIZE)
    assert shown.dtype == torch.float32
    assert (shown[ANSWER] == 1).all()
    assert (shown[EARLIER] == -0.5).all()
    np.testing.assert_array_equal(shown[POSITIVE], disk(5, 5))
    np.testing.assert_array_equal(shown[NEGATIVE], disk(15, 15))
    assert shown[BOX].sum() == 25
    assert (shown[INSIDE] == 1).all()


def test_nothing_asked_and_nothing_known_is_nothing_but_pixels():
    shown = inputs().channels()[0]
    assert not shown[ANSWER:].any()
    assert shown[PIXELS].any()


@given(st.floats(-1e6, 1e6, width=32))
def test_logits_are_squashed_and_keep_their_sign(value):
    squashed = float(squash(torch.tensor(value)))
    assert -1 <= squashed <= 1
    assert np.sign(squashed) == np.sign(value) or abs(value) < 1e-30
    if abs(value) <= SURE_LOGIT:
        assert squashed == pytest.approx(value / SURE_LOGIT)


@given(
    seed=st.integers(0, 1_000),
    rows=st.integers(1, SIZE),
    contrast=st.integers(0, 255),
)
def test_the_mean_of_the_image_in_a_region_is_zero(seed, rows, contrast):
    noise = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, contrast + 1, (1, 3, SIZE, SIZE), generator=noise)
    inside = ALL.clone()
    inside[:, rows:] = False
    found = standardize(pixels.float(), inside)
    assert abs(float(found[..., :rows, :].mean())) < 1e-4
    assert not found[..., rows:, :].any()


def test_a_region_full_of_contrast_has_a_deviation_of_one():
    pixels = torch.zeros(1, 3, SIZE, SIZE)
    pixels[..., ::2] = 255.0
    deviation = float(standardize(pixels, ALL).square().mean().sqrt())
    assert 0.95 < deviation <= 1


def test_light_does_not_change_what_is_shown():
    pixels = torch.randint(0, 100, (1, 3, SIZE, SIZE)).float()
    torch.testing.assert_close(
        standardize(pixels + 50, ALL), standardize(pixels, ALL), atol=1e-4, rtol=0
    )


def test_what_is_beyond_the_image_does_not_matter():
    inside = ALL.clone()
    inside[..., :9] = False
    pixels = torch.randint(0, 256, (1, 3, SIZE, SIZE)).float()
    other = torch.where(inside[:, None], pixels, 255.0)
    torch.testing.assert_close(standardize(other, inside), standardize(pixels, inside))


@pytest.mark.parametrize("inside", [ALL, ~ALL])
def test_a_flat_and_an_empty_region_are_zero(inside):
    pixels = torch.full((1, 3, SIZE, SIZE), 200.0)
    assert not standardize(pixels, inside).any()


def test_the_noise_of_a_flat_region_stays_small():
    pixels = 100 + torch.randint(0, 2, (1, 3, SIZE, SIZE)).float()
    assert float(standardize(pixels, ALL).abs().max()) < 0.5


def test_colours_stay_colours():
    pixels = torch.zeros(1, 3, SIZE, SIZE)
    pixels[:, 0] = 255.0
    red, green, blue = standardize(pixels, ALL)[0].mean(dim=(1, 2))
    assert red > 0 > green == blue


def test_padding_says_nothing():
    one = inputs(
        points_yx=torch.tensor([[[5.0, 5]]]),
        point_labels=torch.tensor([[1]]),
        boxes_yxyx=torch.tensor([[[3.0, 5, 7, 9]]]),
    )
    padded = one.padded(4, 3)
    assert padded.points_yx.shape == (1, 4, 2)
    assert padded.point_labels.tolist() == [[1, -1, -1, -1]]
    assert padded.boxes_yxyx.shape == (1, 3, 4)
    assert torch.equal(padded.channels(), one.channels())
    none = inputs(
        points_yx=torch.zeros(1, 0, 2),
        point_labels=torch.zeros(1, 0, dtype=torch.int64),
        boxes_yxyx=torch.zeros(1, 0, 4),
    )
    assert torch.equal(none.padded(1, 1).channels(), inputs().channels())


def test_regions_do_not_know_of_each_other():
    parts = [inputs(), inputs(pixels=torch.zeros(1, 3, SIZE, SIZE)), inputs()]
    joined = stack_inputs(parts).channels()
    for part, channels in zip(parts, joined, strict=True):
        torch.testing.assert_close(part.channels()[0], channels)
