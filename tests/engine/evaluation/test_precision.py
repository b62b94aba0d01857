"""Average precision by hand, and against pycocotools."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from tilesam.evaluation.measures.overlaps import count_overlaps
from tilesam.evaluation.measures.precision import (
    IOU_THRESHOLDS,
    SIZES,
    average_precision,
    match_detections,
    size_of,
)
from tilesam.masks.run_masks import RunMasks


def match(iou, scores, **options):
    iou = np.array(iou, float)
    areas = np.full(iou.shape[0], 100)
    true_areas = np.full(iou.shape[1], 100)
    options = {"areas": areas, "true_areas": true_areas, **options}
    return match_detections(iou, np.array(scores, float), **options)


def test_a_perfect_detection_has_full_precision():
    assert average_precision([match([[1.0]], [0.3])]) == pytest.approx([1.0] * 10)


def test_an_iou_counts_up_to_its_threshold():
    # 0.6 passes 0.50, 0.55 and 0.60.
    precision = average_precision([match([[0.6]], [0.3])])
    assert precision == pytest.approx([1, 1, 1, *[0] * 7])


def test_a_false_detection_before_a_right_one_halves_precision():
    precision = average_precision([match([[0.0], [1.0]], [0.9, 0.3])])
    assert precision == pytest.approx([0.5] * 10)


def test_a_false_detection_after_a_right_one_costs_nothing():
    assert average_precision([match([[1.0], [0.0]], [0.9, 0.3])])[0] == 1


def test_half_of_the_objects_reach_51_of_101_recalls():
    precision = average_precision([match([[1.0, 0.0]], [0.9])])
    assert precision[0] == pytest.approx(51 / 101)


def test_an_object_is_found_once():
    matches = match([[0.9], [0.8]], [0.4, 0.6])
    # The second is more confident and comes first.
    np.testing.assert_array_equal(matches.is_hit[0], [True, False])
    np.testing.assert_array_equal(matches.scores, [0.6, 0.4])


def test_objects_of_another_size_are_neither_wanted_nor_wrong():
    matches = match([[1.0]], [0.5], true_areas=np.array([5000]), size="small")
    assert matches.wanted == 0
    assert matches.is_ignored.all()
    assert np.isnan(average_precision([matches])).all()


@pytest.mark.parametrize(
    ("area", "size"),
    [(1024, "small"), (1025, "medium"), (9216, "medium"), (1e6, "large")],
)
def test_borders_of_sizes(area, size):
    assert size_of(area) == size


def scene(rng, count):
    """Return (count, 128, 128) rectangles of many sizes, which may overlap."""
    masks = np.zeros((count, 128, 128), bool)
    for mask in masks:
        height, width = rng.integers(4, 110, 2)
        y, x = rng.integers(0, 128 - height), rng.integers(0, 128 - width)
        mask[y : y + height, x : x + width] = True
    return masks


def nudged(masks, rng):
    shifts = rng.integers(-4, 5, (len(masks), 2))
    return np.stack(
        [np.roll(m, tuple(s), (0, 1)) for m, s in zip(masks, shifts, strict=True)]
    )


def coco_precision(images):
    """Return pycocotools' (T, sizes) mean precision of (truth, found, scores)."""
    coco = pytest.importorskip("pycocotools.coco")
    from pycocotools import mask as coco_mask
    from pycocotools.cocoeval import COCOeval

    truth, found = [], []
    for number, (true_masks, masks, scores) in enumerate(images, start=1):
        for mask in true_masks:
            rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
            row = {"id": len(truth) + 1, "image_id": number, "category_id": 1}
            row |= {"segmentation": rle, "area": int(mask.sum()), "iscrowd": 0}
            truth.append({**row, "bbox": coco_mask.toBbox(rle).tolist()})
        for mask, score in zip(masks, scores, strict=True):
            rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
            row = {"image_id": number, "category_id": 1, "score": float(score)}
            found.append({**row, "segmentation": rle})
    with contextlib.redirect_stdout(io.StringIO()):
        data = coco.COCO()
        data.dataset = {
            "info": {},
            "images": [{"id": n + 1, "height": 128, "width": 128}
                       for n in range(len(images))],
            "annotations": truth,
            "categories": [{"id": 1, "name": "object"}],
        }  # fmt: skip
        data.createIndex()
        run = COCOeval(data, data.loadRes(found), "segm")
        run.params.maxDets = [1000]
        run.evaluate()
        run.accumulate()
    precision = run.eval["precision"][:, :, 0, :, 0].mean(axis=1)  # (T, sizes)
    return np.where(precision < 0, np.nan, precision)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_as_pycocotools(seed):
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(4):
        truth = scene(rng, rng.integers(1, 8))
        found = np.concatenate(
            [nudged(truth, rng), scene(rng, 3), nudged(truth[:2], rng)]
        )
        images.append((truth, found, rng.integers(0, 8, len(found)) / 8))
    expected = coco_precision(images)
    for column, size in enumerate(SIZES):
        matches = []
        for truth, found, scores in images:
            runs = [
                RunMasks.from_crops(list(m), [(0, 0)] * len(m)) for m in (found, truth)
            ]
            overlaps = count_overlaps(*runs)
            matches.append(
                match_detections(
                    overlaps.iou, scores, areas=overlaps.found_areas,
                    true_areas=overlaps.true_areas, size=size,
                )
            )  # fmt: skip
        np.testing.assert_allclose(average_precision(matches), expected[:, column])


def test_thresholds_are_those_of_coco():
    assert pytest.approx(np.linspace(0.5, 0.95, 10)) == IOU_THRESHOLDS
