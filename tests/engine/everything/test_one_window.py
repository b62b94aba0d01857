"""On one window the result is that of the straightforward algorithm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from skimage import data

import tilesam
from tests.engine.everything import straightforward
from tilesam.errors import EverythingError
from tilesam.everything.cleaning import clean_mask
from tilesam.everything.decode import decode_tile
from tilesam.everything.filters import filter_tile, require_kept
from tilesam.everything.nms import suppress
from tilesam.everything.settings import EverythingSettings
from tilesam.everything.tile_masks import TileMasks
from tilesam.masks.run_masks import RunMasks
from tilesam.model.runtime import SamModel
from tilesam.testing.models import tiny_random_model
from tilesam.tiling import Grid
from tilesam.types import TileKey, UInt8Array


def decode_whole(
    model: SamModel,
    image: UInt8Array,
    wanted: EverythingSettings,
    *,
    adjustable: bool = False,
) -> TileMasks:
    grid = Grid(image.shape[:2], model.input_size)
    embedding = model.embed([image])[0].half().float()
    return decode_tile(
        embedding,
        TileKey(grid.top_level, 0, 0),
        grid,
        model,
        wanted.decoding(adjustable=adjustable),
    )


@pytest.fixture(scope="module")
def tiny() -> SamModel:
    return tilesam.load_model("tiny", device="cpu")


@pytest.fixture(scope="module")
def coins() -> UInt8Array:
    grey = data.coins()[:150, :180]
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def assert_same(found: TileMasks, expected: list[straightforward.FoundMask]) -> None:
    assert len(found) == len(expected) > 0
    expected = sorted(expected, key=lambda one: -one.predicted_iou)
    order = np.argsort(-found.predicted_iou, kind="stable")
    for i, one in zip(order, expected, strict=True):
        crop, (y, x) = found.masks.crop(i)
        mask = np.zeros(one.mask.shape, bool)
        mask[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        # Logits of 0 to the last bit may fall to either side.
        assert np.count_nonzero(mask != one.mask) <= 2
        assert found.predicted_iou[i] == pytest.approx(one.predicted_iou, abs=1e-5)
        assert found.stability_score[i] == pytest.approx(one.stability_score, abs=2e-3)
        assert tuple(found.points_yx[i]) == pytest.approx(one.point_yx)


@pytest.mark.parametrize("min_area", [0, 60])
def test_real_image_and_trained_model(
    tiny: SamModel, coins: UInt8Array, min_area: int
) -> None:
    chosen = {
        "points_per_side": 9,
        "pred_iou_thresh": 0.3,
        "stability_score_thresh": 0.75,
        "min_mask_region_area": min_area,
    }
    wanted = EverythingSettings(**chosen)
    found, _ = filter_tile(decode_whole(tiny, coins, wanted), wanted, coins.shape[:2])
    assert_same(found, straightforward.generate(tiny, coins, **chosen))


def test_random_weights(coins: UInt8Array) -> None:
    # Such a network predicts any IoU and masks everywhere.
    model = tiny_random_model(5, input_size=128)
    free = EverythingSettings(
        points_per_side=6, pred_iou_thresh=-1.0, stability_score_thresh=0.0
    )
    middle = float(np.median(decode_whole(model, coins, free).predicted_iou))
    chosen = {
        "points_per_side": 6,
        "points_per_batch": 7,
        "pred_iou_thresh": middle,
        "stability_score_thresh": 0.2,
        "stability_score_offset": 0.01,
        "box_nms_thresh": 0.9,
    }
    wanted = EverythingSettings(**chosen)
    found, funnel = filter_tile(
        decode_whole(model, coins, wanted), wanted, coins.shape[:2]
    )
    assert_same(found, straightforward.generate(model, coins, **chosen))
    assert funnel.asked == 3 * 36
    assert funnel.confident > funnel.distinct == len(found)


def test_thresholds_move_without_decoding(tiny: SamModel, coins: UInt8Array) -> None:
    low = EverythingSettings(
        points_per_side=7, pred_iou_thresh=0.45, stability_score_thresh=0.9
    )
    high = EverythingSettings(
        points_per_side=7, pred_iou_thresh=0.25, stability_score_thresh=0.7
    )
    kept = decode_whole(tiny, coins, low, adjustable=True)
    for wanted in (low, high):
        again, _ = filter_tile(kept, wanted, coins.shape[:2])
        anew, _ = filter_tile(
            decode_whole(tiny, coins, wanted), wanted, coins.shape[:2]
        )
        assert len(anew) > 0
        np.testing.assert_array_equal(again.predicted_iou, anew.predicted_iou)
        np.testing.assert_array_equal(again.masks.rows, anew.masks.rows)
        np.testing.assert_array_equal(again.masks.starts, anew.masks.starts)


def test_thresholds_below_what_was_kept_are_refused() -> None:
    require_kept(
        EverythingSettings(pred_iou_thresh=0.5, stability_score_thresh=0.6), 0.5, 0.6
    )
    with pytest.raises(EverythingError, match=r"pred_iou_thresh is 0\.4.*below 0\.5"):
        require_kept(
            EverythingSettings(pred_iou_thresh=0.4, stability_score_thresh=0.6),
            0.5,
            0.6,
        )
    with pytest.raises(EverythingError, match=r"stability_score_thresh is 0\.5"):
        require_kept(
            EverythingSettings(pred_iou_thresh=0.5, stability_score_thresh=0.5),
            0.5,
            0.6,
        )


boxes = hnp.arrays(
    np.int64, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(0, 9)
)


@settings(max_examples=200)
@given(boxes, st.data(), st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]))
def test_nms_against_the_loop(
    corners: NDArray[np.int64], more: st.DataObject, iou_thresh: float
) -> None:
    extents = np.sort(corners.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    extents[:, 2:] += 1
    number = st.integers(0, 3).map(float)
    scores = more.draw(st.lists(number, min_size=len(extents), max_size=len(extents)))
    inclusive = [(x0, y0, x1 - 1, y1 - 1) for y0, x0, y1, x1 in extents.tolist()]
    expected = straightforward.nms(inclusive, scores, iou_thresh)
    kept = np.flatnonzero(suppress(extents, scores, iou_thresh))
    assert kept.tolist() == sorted(expected)


@settings(max_examples=200)
@given(hnp.arrays(np.bool_, (6, 7)), st.integers(1, 12))
def test_cleaning_of_a_crop_is_that_of_the_image(
    mask: NDArray[np.bool_], min_area: int
) -> None:
    masks = RunMasks.from_crops([mask], [(0, 0)])
    crop, (y, x) = masks.crop(0)
    if not crop.size:
        return
    height, width = crop.shape
    edges = (y == 0, x == 0, y + height == 6, x + width == 7)
    found, is_changed = clean_mask(crop, min_area, at_edges=edges)
    without_holes = straightforward.without_small(mask, min_area, in_background=True)
    expected = straightforward.without_small(
        without_holes, min_area, in_background=False
    )
    if (mask == 0).sum() and is_all_around(mask, min_area):
        return  # the background itself is smaller than a hole, and known only in part
    np.testing.assert_array_equal(found, expected[y : y + height, x : x + width])
    assert is_changed == (expected != mask).any()
    assert expected.sum() == found.sum()


def is_all_around(mask: NDArray[np.bool_], min_area: int) -> bool:
    """Return whether background that reaches out of the crop is a small region."""
    from skimage import measure

    crop, (y, x) = RunMasks.from_crops([mask], [(0, 0)]).crop(0)
    outside = np.ones(mask.shape, bool)
    outside[y : y + crop.shape[0], x : x + crop.shape[1]] = False
    regions = measure.label(~mask, connectivity=2)
    beyond = set(regions[outside].tolist()) - {0}
    sizes = np.bincount(regions.ravel())
    return any(sizes[number] < min_area for number in beyond)


def test_large_windows_have_coarse_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_random_model(2, input_size=64)
    image = np.random.default_rng(0).integers(0, 255, (130, 203, 3), np.uint8)
    wanted = EverythingSettings(
        points_per_side=4, pred_iou_thresh=-1.0, stability_score_thresh=0.0
    )
    fine = decode_whole(model, image, wanted)
    monkeypatch.setattr("tilesam.everything.decode.LARGEST_MASK_SIDE", 60)
    coarse = decode_whole(model, image, wanted)
    assert (fine.scale, fine.extent) == (1, (0, 0, 130, 203))
    assert (coarse.scale, coarse.extent) == (4, (0, 0, 32, 50))
    largest = int(np.argmax(coarse.masks.areas))
    scaled = coarse.masks.upscaled(4)
    point = coarse.points_yx[largest]
    same = np.flatnonzero(
        (fine.points_yx == point).all(axis=1) & (fine.tokens == coarse.tokens[largest])
    )
    assert scaled.areas[largest] == pytest.approx(fine.masks.areas[same[0]], rel=0.1)
    assert (scaled.extents_yxyx[:, 2:] <= [130, 203]).all()


def test_arrays_of_a_tile_come_back(coins: UInt8Array) -> None:
    model = tiny_random_model(1)
    wanted = EverythingSettings(
        points_per_side=3, pred_iou_thresh=-1.0, stability_score_thresh=0.0
    )
    tile = decode_whole(model, coins, wanted)
    again = TileMasks.from_arrays(tile.to_arrays())
    assert (again.tile, again.extent, again.asked) == (tile.tile, tile.extent, 27)
    assert again.best_predicted_iou == tile.best_predicted_iou
    for name, array in tile.to_arrays().items():
        np.testing.assert_array_equal(again.to_arrays()[name], array)
    with pytest.raises(ValueError, match="differ in length"):
        TileMasks.from_arrays({**tile.to_arrays(), "tokens": tile.tokens[1:]})
