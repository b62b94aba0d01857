from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam import ImageError, Window
from tilesam.image import open_image
from tilesam.image.levels import level_scales

SIDES = st.integers(1, 100_000)


@given(SIDES, SIDES, st.integers(2, 64), st.booleans())
def test_whole_factors_are_found_however_sizes_were_rounded(height, width, factor, up):
    def shrunk(side):
        return -(-side // factor) if up else max(1, side // factor)

    hw = shrunk(height), shrunk(width)
    if max(hw) < 2 or max(height, width) < 3 * factor:
        return
    scales = level_scales((height, width), hw)
    assert scales is not None
    for side, level_side, scale in zip((height, width), hw, scales, strict=True):
        # Whatever it is taken for, the level's pixels are the image's to one pixel.
        assert abs(level_side - side / scale) <= 1


@pytest.mark.parametrize(
    ("full_hw", "hw", "expected"),
    [
        ((1000, 600), (500, 300), (2, 2)),
        ((1001, 601), (500, 300), (2, 2)),
        ((1001, 601), (501, 301), (2, 2)),
        ((100_000, 1), (25_000, 1), (4, 4)),
        ((46_001, 32_914), (2875, 2057), (16, 16)),
        ((100_000, 70_000), (7, 5), (16_384, 16_384)),
        ((900, 300), (600, 200), (1.5, 1.5)),
        ((1000, 600), (300, 180), (10 / 3, 10 / 3)),
        ((1000, 600), (500, 200), None),
        ((1000, 600), (600, 500), None),
    ],
)
def test_scales_follow_from_sizes(full_hw, hw, expected):
    assert level_scales(full_hw, hw) == expected


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (np.zeros((60, 80), np.uint8), "is not smaller"),
        (np.zeros((120, 160), np.uint8), "is not smaller"),
        (np.zeros((30, 90), np.uint8), "is not smaller"),
        (np.zeros((30, 40), np.uint16), "another type"),
        (np.zeros((30, 20), np.uint8), "other proportions"),
        (np.zeros((30, 40, 3), np.uint8), "another number of axes"),
    ],
)
def test_levels_that_are_not_the_same_image_are_refused(level, reason):
    with pytest.raises(ImageError, match=f"level 1 of the image .*{reason}"):
        open_image([np.zeros((60, 80), np.uint8), level])


def test_levels_with_other_channels_are_refused():
    levels = [np.zeros((60, 80, 3), np.uint8), np.zeros((30, 40, 2), np.uint8)]
    with pytest.raises(ImageError, match="differs in more than height and width"):
        open_image(levels)


def test_levels_that_blend_planes_are_not_used(caplog):
    levels = [np.zeros((n, 16 * n, 16 * n), np.uint8) for n in (8, 4, 2)]
    levels[1:1] = [np.zeros((8, 96, 96), np.uint8)]
    source = open_image(levels, plane=7)
    assert [level.scales[0] for level in source.levels] == [1, 4 / 3]
    assert "level 2 of the image is not used" in caplog.text
    assert "level 3 of the image is not used" in caplog.text


def test_the_number_of_the_bad_level_is_said():
    levels = [np.zeros((n, n), np.uint8) for n in (80, 40, 40)]
    with pytest.raises(ImageError, match=r"level 2 .*not smaller than the one before"):
        open_image(levels)


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_arrays_is_a_pyramid(kind):
    levels = kind([np.full((n, n, 3), n, np.uint8) for n in (80, 40, 20)])
    source = open_image(levels)
    assert source.hw == (80, 80)
    assert [level.scales[0] for level in source.levels] == [1, 2, 4]


def test_the_levels_of_a_napari_layer_are_a_pyramid():
    layers = pytest.importorskip("napari.layers")
    levels = [np.full((n, n, 3), n, np.uint8) for n in (80, 40)]
    data = layers.Image(levels, multiscale=True).data
    assert len(open_image(data).levels) == 2


def test_nested_lists_of_numbers_are_one_image():
    assert open_image([[0, 1, 2], [3, 4, 5]]).hw == (2, 3)
    assert open_image([np.arange(3), np.arange(3)]).hw == (2, 3)


@pytest.mark.parametrize(
    ("out", "expected"),
    [(81, 80), (80, 80), (41, 80), (40, 40), (39, 40), (20, 20), (7, 20), (1, 20)],
)
def test_the_coarsest_level_that_suffices_is_read(out, expected):
    source = open_image([np.full((n, n, 3), n, np.uint8) for n in (80, 40, 20)])
    seen = source.read_resampled(Window(0, 0, 80, 80), (out, out))
    assert (seen == expected).all()


def test_a_side_of_one_pixel_keeps_no_level_from_being_used():
    source = open_image([np.full((1, n, 3), n // 100, np.uint8) for n in (8000, 4000)])
    seen = source.read_resampled(Window(0, 0, 1, 8000), (1, 1000))
    assert (seen == 40).all()
