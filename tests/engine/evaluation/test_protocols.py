from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from tilesam.evaluation.protocols import center_point, extent, next_point, tight_box

masks = arrays(np.bool_, (7, 9)).filter(np.any)


def parse(*rows: str) -> np.ndarray:
    return np.array([[cell == "#" for cell in row] for row in rows])


def test_tight_box_holds_the_centres_of_the_outermost_pixels():
    mask = parse(
        "......",
        "..#...",
        ".###..",
        "......",
    )
    np.testing.assert_array_equal(tight_box(mask), [1, 1, 2, 3])
    assert extent(mask) == (slice(1, 3), slice(1, 4))


def test_center_is_farthest_from_the_outside():
    mask = parse(
        "###....",
        "###....",
        "###....",
        "######.",
        "######.",
    )
    # Others lie as deep; this is the first by rows.
    assert center_point(mask) == (1.0, 1.0)


def test_the_border_of_the_image_counts_as_outside():
    assert center_point(np.ones((5, 9), dtype=bool)) == (2.0, 2.0)


def test_center_of_a_ring_lies_on_the_ring():
    mask = np.ones((9, 9), dtype=bool)
    mask[2:7, 2:7] = False
    y, x = center_point(mask)
    assert mask[int(y), int(x)]


@given(mask=masks)
@settings(max_examples=60)
def test_center_and_box_fit_the_mask(mask):
    y, x = center_point(mask)
    assert mask[int(y), int(x)]
    y0, x0, y1, x1 = tight_box(mask).astype(int)
    inside = np.zeros_like(mask)
    inside[y0 : y1 + 1, x0 : x1 + 1] = True
    assert not mask[~inside].any()
    for line in (mask[y0], mask[y1], mask[:, x0], mask[:, x1]):
        assert line.any()


def test_empty_masks_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3\) is empty"):
        tight_box(np.zeros((2, 3), dtype=bool))


def test_next_point_adds_what_is_missing():
    truth = parse("#########", "#########", "#########")
    answer = parse("####.....", "####.....", "####.....")
    click = next_point(truth, answer)
    assert click is not None
    assert click.label == 1
    assert click.point_yx == (1.0, 5.0)


def test_next_point_takes_away_what_is_too_much():
    truth = parse("##.....", "##.....", "##.....")
    answer = parse("#######", "#######", "#######")
    click = next_point(truth, answer)
    assert click is not None
    assert click.label == 0
    assert click.point_yx == (1.0, 3.0)


def test_a_tie_goes_to_what_is_missing():
    click = next_point(parse("#.#"), parse(".##"))
    assert click is not None
    assert (click.point_yx, click.label) == ((0.0, 0.0), 1)


@given(truth=masks, answer=arrays(np.bool_, (7, 9)))
@settings(max_examples=60)
def test_next_point_lies_on_an_error(truth, answer):
    click = next_point(truth, answer)
    if click is None:
        np.testing.assert_array_equal(truth, answer)
        return
    y, x = (int(value) for value in click.point_yx)
    assert truth[y, x] != answer[y, x]
    assert click.label == int(truth[y, x])
