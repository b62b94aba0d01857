"""Segment everything as it is told in the paper, one step after the other.

Masks are arrays of the size of the image, everything is decoded and upsampled, and
every loop is a loop. It is the oracle of the tests and one side of the benchmark.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray
from skimage import measure
from torch import Tensor

from tilesam.model.preprocessing import points_yx_to_input_xy
from tilesam.model.runtime import SamModel
from tilesam.types import BoolArray, UInt8Array, Window

Decode = Callable[[Tensor, NDArray[np.float64]], tuple[Tensor, Tensor]]
"""From an embedding and (N, 2) points to (N, 3, 4g, 4g) logits and (N, 3) IoU."""


@dataclass(frozen=True, eq=False)
class FoundMask:
    mask: BoolArray
    predicted_iou: float
    stability_score: float
    point_yx: tuple[float, float]
    bbox_xyxy: tuple[int, int, int, int]
    segmentation: list[int]
    """Run lengths down the columns of the whole image, as COCO has them."""


def generate(
    model: SamModel,
    image: UInt8Array,
    *,
    points_per_side: int = 32,
    points_per_batch: int = 64,
    pred_iou_thresh: float = 0.88,
    stability_score_thresh: float = 0.95,
    stability_score_offset: float = 1.0,
    box_nms_thresh: float = 0.7,
    min_mask_region_area: int = 0,
    decode: Decode | None = None,
) -> list[FoundMask]:
    height, width = image.shape[:2]
    window = Window(0, 0, height, width)
    embedding = model.embed([image])[0].half().float()
    shares = [(i + 0.5) / points_per_side for i in range(points_per_side)]
    points = np.array([(y * height, x * width) for y, x in product(shares, shares)])
    answer = decode or (lambda e, xy: decode_all(model, e, xy))
    found: list[FoundMask] = []
    for start in range(0, len(points), points_per_batch):
        batch = points[start : start + points_per_batch]
        points_xy = points_yx_to_input_xy(batch, window, model.input_size)
        low_res_logits, predicted_iou = answer(embedding, points_xy)
        logits = model.logits_to_window(low_res_logits.flatten(0, 1), (height, width))
        iou = predicted_iou.flatten()
        places = np.repeat(batch, 3, axis=0)
        keep = iou > pred_iou_thresh
        logits, iou, places = logits[keep], iou[keep], places[keep.numpy()]
        stability = stability_of(logits, stability_score_offset)
        keep = stability >= stability_score_thresh
        logits, iou, places = logits[keep], iou[keep], places[keep.numpy()]
        masks = (logits > 0).numpy()
        for mask, score, stable, place in zip(
            masks, iou.tolist(), stability[keep].tolist(), places, strict=True
        ):
            found.append(
                FoundMask(
                    mask, score, stable, tuple(place), box_around(mask), runs_of(mask)
                )
            )
    boxes, scores = [f.bbox_xyxy for f in found], [f.predicted_iou for f in found]
    found = [found[i] for i in nms(boxes, scores, box_nms_thresh)]
    if min_mask_region_area > 0:
        found = cleaned(found, min_mask_region_area, box_nms_thresh)
    return found


def decode_all(
    model: SamModel, embedding: Tensor, points_xy: NDArray[np.float64]
) -> tuple[Tensor, Tensor]:
    decoded = model.decode(
        embedding,
        points_xy=points_xy[:, np.newaxis],
        point_labels=np.ones((len(points_xy), 1), np.int64),
    )
    return decoded.low_res_logits[:, 1:], decoded.predicted_iou[:, 1:]


def stability_of(logits: Tensor, offset: float) -> Tensor:
    tight = (logits > offset).sum((1, 2))
    loose = (logits > -offset).sum((1, 2))
    return tight / loose


def box_around(mask: BoolArray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def runs_of(mask: BoolArray) -> list[int]:
    flat = np.concatenate([[False], mask.T.ravel(), [False]])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    edges = [0, *changes.tolist(), mask.size]
    return [stop - start for start, stop in pairwise(edges)]


def nms(
    boxes: Sequence[tuple[int, int, int, int]],
    scores: Sequence[float],
    iou_thresh: float,
) -> list[int]:
    order = sorted(range(len(boxes)), key=lambda i: -scores[i])
    kept: list[int] = []
    for i in order:
        if all(box_iou(boxes[i], boxes[j]) <= iou_thresh for j in kept):
            kept.append(i)
    return kept


def box_iou(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    width = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    height = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    union = sum(areas) - width * height
    return width * height / union if union else float(a == b)


def cleaned(
    found: list[FoundMask], min_area: int, iou_thresh: float
) -> list[FoundMask]:
    mended, scores = [], []
    for one in found:
        mask = without_small(one.mask, min_area, in_background=True)
        mask = without_small(mask, min_area, in_background=False)
        scores.append(1.0 if (mask == one.mask).all() else 0.0)
        mended.append(
            FoundMask(
                mask,
                one.predicted_iou,
                one.stability_score,
                one.point_yx,
                box_around(mask),
                runs_of(mask),
            )
        )
    boxes = [one.bbox_xyxy for one in mended]
    return [mended[i] for i in nms(boxes, scores, iou_thresh)]


def without_small(mask: BoolArray, min_area: int, *, in_background: bool) -> BoolArray:
    regions = measure.label(mask != in_background, connectivity=2)
    properties = measure.regionprops(regions)
    small = [p.label for p in properties if p.area < min_area]
    if in_background:
        return mask | np.isin(regions, small)
    if properties and len(small) == len(properties):
        small.remove(max(properties, key=lambda p: p.area).label)
    return mask & ~np.isin(regions, small)
