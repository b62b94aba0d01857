from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tilesam import MaskCandidate, TileKey, Window
from tilesam.export import overlay
from tilesam.export.overlay import draw_overlay, region_of, shown_hw
from tilesam.export.records import Answer
from tilesam.prompts import build_prompts


def candidate(mask, *, offset=(0, 0), window, iou=0.9):
    return MaskCandidate(
        mask=mask,
        offset_yx=offset,
        predicted_iou=iou,
        stability_score=0.8,
        low_res_logits=np.zeros((16, 16), np.float32),
        tile=TileKey(0, 0, 0),
        window=window,
        token=1,
    )


def answer(hw, mask, *, offset=(0, 0), window=None, **prompts):
    window = window or Window(0, 0, *hw)
    built = build_prompts(**prompts, image_hw=hw)
    return Answer(built, [candidate(mask, offset=offset, window=window)] * 3)


def has_color(pixels, color, *, tolerance=2):
    differences = np.abs(pixels.astype(int) - color).max(axis=-1)
    return bool((differences <= tolerance).any())


@pytest.mark.parametrize(
    "hw", [(1, 1), (12, 9), (64, 64), (303, 384), (40, 900), (3000, 2500)]
)
def test_a_panel_has_the_same_size_for_every_image(hw):
    mask = np.ones((max(1, hw[0] // 3), max(1, hw[1] // 3)), bool)
    image = draw_overlay(
        np.full((*hw, 3), 90, np.uint8),
        Window(0, 0, *hw),
        [answer(hw, mask, points_yx=(hw[0] // 2, hw[1] // 2))],
    )
    assert image.mode == "RGB"
    assert 320 <= max(image.size) <= 3 * 640 + 4 * overlay.GAP + 100


def test_wide_images_stand_below_each_other():
    hw = (100, 300)
    shown = [answer(hw, np.ones((10, 10), bool), points_yx=(5, 5))]
    image = draw_overlay(np.zeros((*hw, 3), np.uint8), Window(0, 0, *hw), shown)
    assert image.height > 2 * 213 > image.width / 2


def test_masks_and_prompts_are_seen_in_their_colours():
    hw = (100, 100)
    shown = answer(
        hw,
        np.ones((40, 40), bool),
        offset=(30, 30),
        points_yx=[(50, 50), (10, 10)],
        point_labels=[1, 0],
        boxes_yxyx=(25, 25, 75, 75),
    )
    pixels = np.full((*hw, 3), 90, np.uint8)
    picture = np.asarray(draw_overlay(pixels, Window(0, 0, *hw), [shown]))
    assert has_color(picture, overlay.POSITIVE)
    assert has_color(picture, overlay.NEGATIVE)
    assert has_color(picture, overlay.OBJECT_COLORS[0])
    without_mask = answer(hw, np.zeros((0, 0), bool), points_yx=(50, 50))
    plain = np.asarray(draw_overlay(pixels, Window(0, 0, *hw), [without_mask]))
    assert not has_color(plain, overlay.NEGATIVE)


def test_everything_is_drawn_where_it_is_in_a_region_of_a_larger_image():
    # 64 pixels become 640: a pixel is a square of ten, inside the margin of the sheet.
    region = Window(100, 200, 64, 64)
    mask = np.ones((8, 4), bool)
    shown = answer(
        (500, 500), mask, offset=(110, 220), window=region, points_yx=(150, 250)
    )
    pixels = np.full((64, 64, 3), 90, np.uint8)
    picture = np.asarray(draw_overlay(pixels, region, [shown]))
    gap = overlay.GAP
    edge = picture[gap + 100, gap + 205]
    assert tuple(edge) == overlay.OBJECT_COLORS[0]
    assert tuple(picture[gap + 99, gap + 205]) == (90, 90, 90)
    assert tuple(picture[gap + 179, gap + 239]) == overlay.OBJECT_COLORS[0]
    assert tuple(picture[gap + 180, gap + 239]) == (90, 90, 90)
    # The centre of pixel (50, 50) of the region; white is the arm of the plus.
    assert tuple(picture[gap + 505, gap + 505]) == overlay.PAPER
    assert tuple(picture[gap + 502, gap + 502]) == overlay.POSITIVE


def test_objects_have_numbers_and_colours_of_their_own():
    hw = (100, 100)
    first = answer(hw, np.ones((20, 20), bool), points_yx=(10, 10))
    second = answer(hw, np.ones((20, 20), bool), offset=(60, 60), points_yx=(70, 70))
    pixels = np.full((*hw, 3), 90, np.uint8)
    picture = np.asarray(draw_overlay(pixels, Window(0, 0, *hw), [first, second]))
    assert has_color(picture, overlay.OBJECT_COLORS[0])
    assert has_color(picture, overlay.OBJECT_COLORS[1])


def test_the_region_covers_all_windows():
    hw = (500, 500)
    windows = [Window(0, 40, 64, 64), Window(100, 30, 64, 128)]
    shown = [
        answer(hw, np.ones((4, 4), bool), window=window, points_yx=(60, 60))
        for window in windows
    ]
    assert region_of(shown, hw) == Window(0, 30, 164, 128)


def test_the_region_ends_where_the_image_does():
    # A window of level 5 may stick out by up to 31 pixels.
    hw = (2010, 5000)
    shown = [
        answer(hw, np.ones((4, 4), bool), window=Window(0, 2980, 2048, 2048),
               points_yx=(60, 3000))
    ]  # fmt: skip
    assert region_of(shown, hw) == Window(0, 2980, 2010, 2020)


@pytest.mark.parametrize(
    ("region_hw", "expected"),
    [
        ((1, 1), (1, 1)),
        ((700, 2048), (700, 2048)),
        ((4096, 2048), (2048, 1024)),
        ((100_000, 70_000), (2048, 1434)),
        ((1, 100_000), (1, 2048)),
    ],
)
def test_never_more_than_some_thousand_pixels_are_asked_of_the_image(
    region_hw, expected
):
    assert shown_hw(Window(3, 4, *region_hw)) == expected


def test_in_a_reduced_picture_everything_is_where_it_is_in_the_full_one():
    # 6400 x 3200 pixels become 640 x 320; the pixels that were read are fewer, and not
    # by a whole number.
    region = Window(1000, 20_000, 3200, 6400)
    shown = answer(
        *((100_000, 100_000), np.ones((400, 800), bool)),
        offset=(2000, 22_000),
        window=region,
        points_yx=(3004.5, 25_004.5),
        boxes_yxyx=(1504.5, 20_504.5, 1804.5, 20_804.5),
    )
    picture = draw_overlay(np.full((1000, 2001, 3), 90, np.uint8), region, [shown])
    panel = np.asarray(picture)[overlay.GAP :, overlay.GAP :]
    is_object = (panel[:320, :640] == overlay.OBJECT_COLORS[0]).all(axis=-1)
    rows, columns = np.nonzero(is_object)
    assert (rows.min(), rows.max() + 1) == (100, 140)
    assert (columns.min(), columns.max() + 1) == (200, 280)
    # Pixel 2004.5 of the region is the middle of panel pixel 200.
    assert tuple(panel[200, 500]) == overlay.PAPER
    is_green = (panel[:320, :640] == overlay.POSITIVE).all(axis=-1)
    rows, columns = np.nonzero(is_green)
    assert rows.min() + rows.max() == 2 * 200
    assert columns.min() + columns.max() == 2 * 500
    assert tuple(panel[50, 65]) == tuple(panel[80, 65]) == overlay.BOX
    assert tuple(panel[65, 50]) == tuple(panel[65, 80]) == overlay.BOX


def test_a_mask_as_large_as_a_slide_is_not_copied():
    mask = np.broadcast_to(np.True_, (100_000, 100_000))
    region = Window(0, 0, *mask.shape)
    shown = answer(mask.shape, mask, window=region, points_yx=(5, 5))
    picture = np.asarray(draw_overlay(np.zeros((8, 8, 3), np.uint8), region, [shown]))
    assert tuple(picture[overlay.GAP, overlay.GAP + 300]) == overlay.OBJECT_COLORS[0]


def test_the_pixels_are_left_unchanged():
    pixels = np.full((50, 50, 3), 90, np.uint8)
    draw_overlay(
        pixels,
        Window(0, 0, 50, 50),
        [answer((50, 50), np.ones((9, 9), bool), points_yx=(5, 5))],
    )
    assert np.all(pixels == 90)


def test_it_can_be_saved_as_png(tmp_path):
    shown = [answer((20, 20), np.ones((9, 9), bool), points_yx=(5, 5))]
    pixels = np.zeros((20, 20, 3), np.uint8)
    draw_overlay(pixels, Window(0, 0, 20, 20), shown).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"
