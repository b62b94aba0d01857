from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.engine.everything.scenes import (
    LENIENT,
    discs,
    same_partition,
    tile_masks,
)
from tilesam.errors import EverythingError
from tilesam.everything.resolve import resolve
from tilesam.everything.settings import EverythingSettings, Overlap
from tilesam.everything.table import Status, require_label_count
from tilesam.everything.tile_masks import PER_MASK, TileMasks
from tilesam.masks.run_masks import concatenate
from tilesam.tiling import Grid
from tilesam.types import Window

HW = (200, 300)
GRID = Grid(HW, 128)
NUCLEI = discs(
    HW,
    [(y, x, 5 + (y * x) % 7) for y in range(12, 195, 24) for x in range(12, 295, 24)],
)
LARGE = discs(HW, [(100, 150, 90)])


def test_objects_of_a_level_come_back_whole() -> None:
    tiles = [tile_masks([NUCLEI], GRID, key) for key in GRID.coverage(0)]
    found = resolve(tiles, HW, LENIENT)
    assert same_partition(found.labels(), NUCLEI)
    assert len(found) == NUCLEI.max()
    assert found.labels().dtype == np.uint32
    assert found.table.label.tolist() == list(range(1, len(found.table) + 1))
    assert found.hint is None
    assert found.funnel.asked == sum(tile.asked for tile in tiles)


def test_the_table_describes_the_objects() -> None:
    tiles = [tile_masks([NUCLEI], GRID, key) for key in GRID.coverage(0)]
    found = resolve(tiles, HW, LENIENT)
    labels, table = found.labels(), found.table
    for row in found.kept[::7]:
        pixels = np.argwhere(labels == table.label[row])
        assert table.area[row] == len(pixels)
        (y0, x0), (y1, x1) = pixels.min(0), pixels.max(0) + 1
        assert table.extents_yxyx[row].tolist() == [y0, x0, y1, x1]
        np.testing.assert_allclose(table.centroid_yx[row], pixels.mean(0))
    assert (table.parent[found.kept] == 0).all()
    assert not table.is_cut[found.kept].any()
    dropped = table.status != Status.KEPT
    # Windows overlap, so that some objects were seen more than once.
    assert dropped.sum() > 20
    owners = table.parent[dropped]
    assert (owners > 0).all()
    assert set(table.status[owners - 1]) == {Status.KEPT}


def test_order_of_tiles_does_not_matter() -> None:
    tiles = [
        tile_masks([NUCLEI, LARGE], GRID, key)
        for level in (0, 1)
        for key in GRID.coverage(level)
    ]
    first = resolve(tiles, HW, LENIENT)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(tiles))
        again = resolve([tiles[i] for i in order], HW, LENIENT)
        np.testing.assert_array_equal(again.labels(), first.labels())
        for name, column in first.table.columns().items():
            np.testing.assert_array_equal(again.table.columns()[name], column)


def test_an_object_larger_than_a_window_and_what_is_in_it() -> None:
    # The fine level shows the large one in pieces only; the coarse one sees all of it.
    fine = [tile_masks([NUCLEI], GRID, key) for key in GRID.coverage(0)]
    coarse = [tile_masks([NUCLEI, LARGE], GRID, key) for key in GRID.coverage(2)]
    found = resolve([*fine, *coarse], HW, LENIENT)
    kept = found.kept
    assert len(found) == NUCLEI.max() + 1
    large = kept[np.argmax(found.table.area[kept])]
    assert found.table.level[large] == 2
    assert set(found.table.level[np.setdiff1d(kept, large)]) == {0}
    inside = NUCLEI[LARGE > 0]
    whole = [
        number
        for number in np.unique(inside[inside > 0])
        if (LARGE[number == NUCLEI] > 0).mean() >= 0.9
    ]
    assert len(found.table.children(found.table.label[large])) == len(whole)


@pytest.mark.parametrize("overlap", ["smallest", "largest", "most_confident"])
def test_who_owns_a_pixel(overlap: Overlap) -> None:
    whole, part = discs(HW, [(60, 60, 30)]), discs(HW, [(60, 60, 10)])
    key = GRID.coverage(0)[0]
    sure = tile_masks([whole], GRID, key, predicted_iou=0.9)
    unsure = tile_masks([part], GRID, key, predicted_iou=0.5)
    tiles = [sure, replace(unsure, tile=key)]
    found = resolve([joined(tiles[0], tiles[1])], HW, replace(LENIENT, overlap=overlap))
    labels = found.labels()
    if overlap == "smallest":
        assert len(found) == 2
        assert labels[60, 60] != labels[60, 80] != 0
        assert (labels > 0).sum() == (whole > 0).sum()
    else:
        assert len(found) == 1
        assert labels[60, 60] == labels[60, 80] == 1
        covered = found.table.status == Status.COVERED
        assert found.table.label[covered].tolist() == [2]
        assert found.table.area[covered].tolist() == [(part > 0).sum()]
    child = found.table.area == (part > 0).sum()
    parent = found.table.area == (whole > 0).sum()
    assert found.table.parent[child] == found.table.label[parent]


def joined(a: TileMasks, b: TileMasks) -> TileMasks:
    columns = {
        name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in PER_MASK
    }
    return replace(a, masks=concatenate([a.masks, b.masks]), **columns)


def test_several_small_ones_cover_a_larger_one() -> None:
    left = np.zeros(HW, np.int32)
    left[20:60, 20:40], left[20:60, 40:60] = 1, 2
    both = (left > 0).astype(np.int32)
    found = resolve([tile_masks([left, both], GRID, GRID.coverage(0)[0])], HW, LENIENT)
    assert len(found) == 2
    assert found.table.status.tolist() == [Status.KEPT, Status.KEPT, Status.COVERED]
    assert found.table.parent.tolist() == [3, 3, 0]


def test_labels_of_a_part_are_part_of_the_labels() -> None:
    tiles = [tile_masks([NUCLEI, LARGE], GRID, key) for key in GRID.coverage(0)]
    found = resolve(tiles, HW, LENIENT)
    whole = found.labels()
    for extent in ((0, 0, 50, 300), (37, 41, 120, 203), (199, 299, 200, 300)):
        y0, x0, y1, x1 = extent
        np.testing.assert_array_equal(found.labels(extent), whole[y0:y1, x0:x1])


def test_a_region_keeps_what_reaches_into_it() -> None:
    region = Window(40, 60, 50, 70)
    tiles = [tile_masks([NUCLEI], GRID, key) for key in GRID.coverage(0, region)]
    found = resolve(tiles, HW, LENIENT, region=region)
    expected = np.unique(NUCLEI[40:90, 60:130])
    assert len(found) == len(expected[expected > 0])
    inside = found.labels((40, 60, 90, 130))
    assert same_partition(inside, NUCLEI[40:90, 60:130])


@pytest.mark.parametrize("keep_cut", [True, False])
def test_what_no_other_window_goes_on_with(keep_cut: bool) -> None:
    # A disc across a seam, of which one window has its half and the other nothing.
    left, right, *_ = GRID.coverage(0)
    edge = GRID.window(left).x0 + GRID.window(left).width
    cut, whole = discs(HW, [(60, edge, 40)]), discs(HW, [(60, 30, 12)])
    tiles = [tile_masks([cut, whole], GRID, left), tile_masks([whole], GRID, right)]
    found = resolve(tiles, HW, replace(LENIENT, keep_cut=keep_cut))
    assert len(found) == 1 + keep_cut
    half = np.argmax(found.table.area)
    assert found.table.is_cut[half]
    assert found.table.status[half] == (Status.KEPT if keep_cut else Status.FRAGMENT)
    only_cut = [
        tile_masks([cut], GRID, left),
        tile_masks([0 * cut], GRID, right),
    ]
    nothing = resolve(only_cut, HW, replace(LENIENT, keep_cut=keep_cut))
    assert (nothing.hint is None) == keep_cut
    assert keep_cut or "1 masks passed" in (nothing.hint or "")
    # Nobody looked there: the region ends here.
    alone = resolve(tiles[:1], HW, replace(LENIENT, keep_cut=keep_cut))
    assert len(alone) == 2


def test_an_image_of_one_row_at_a_coarse_level() -> None:
    labels = np.zeros((1, 300), np.int32)
    labels[0, 100:161] = 1
    grid = Grid((1, 300), 128)
    tile = tile_masks([labels], grid, grid.coverage(grid.top_level)[0], scale=4)
    tile = replace(tile, extent=(0, 0, 1, 75))
    found = resolve([tile], (1, 300), LENIENT)
    assert found.table.area.tolist() == [64]
    assert found.labels().shape == (1, 300)


def test_large_pixels_of_coarse_masks() -> None:
    large = np.zeros(HW, np.int32)
    large[40:160, 80:240] = 1
    tile = tile_masks([large], GRID, GRID.coverage(2)[0], scale=4)
    assert tile.masks.areas.tolist() == [30 * 40]
    found = resolve([tile], HW, LENIENT)
    np.testing.assert_array_equal(found.labels() > 0, large > 0)
    assert found.table.area.tolist() == [120 * 160]


def test_nothing_found_is_a_valid_result_with_a_hint() -> None:
    tiles = [tile_masks([NUCLEI], GRID, key) for key in GRID.coverage(0)]
    strict = EverythingSettings(pred_iou_thresh=0.95, stability_score_thresh=0.1)
    found = resolve(tiles, HW, strict)
    assert (len(found), len(found.table), found.labels().max()) == (0, 0, 0)
    assert found.hint is not None
    assert "pred_iou_thresh 0.95" in found.hint
    assert "0.90" in found.hint
    unstable = EverythingSettings(pred_iou_thresh=0.1, stability_score_thresh=0.99)
    assert "stability_score_thresh 0.99" in (resolve(tiles, HW, unstable).hint or "")
    small = replace(LENIENT, max_area_share=1e-9)
    assert "max_area_share" in (resolve(tiles, HW, small).hint or "")
    assert "background" in (resolve([], HW, LENIENT).hint or "")


def test_more_masks_than_labels_are_refused() -> None:
    require_label_count(2**32 - 1)
    with pytest.raises(EverythingError, match=r"4294967296 masks.*one region after"):
        require_label_count(2**32)


def test_many_objects_in_one_window() -> None:
    y, x = np.mgrid[:640, :640]
    labels = ((y // 2) * 320 + x // 2 + 1) * ((y % 2 == 0) & (x % 2 == 0))
    grid = Grid((640, 640), 640)
    tile = tile_masks([labels], grid, grid.coverage(0)[0])
    assert len(tile) == 102_400
    found = resolve([tile], (640, 640), LENIENT)
    assert len(found) == 102_400
    assert same_partition(found.labels(), labels)
