"""Segmentations to write, without a network that finds them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from tilesam.everything.segmentation import Segmentation
from tilesam.everything.settings import EverythingSettings
from tilesam.everything.table import ObjectTable, Status
from tilesam.masks.run_masks import RunMasks


def segmentation_of(masks, image_hw, *, statuses=None, parents=None, **options):
    """Return masks as objects with scores by chance; later ones own their pixels."""
    count, rng = len(masks), np.random.default_rng(len(masks))
    status = np.zeros(count) if statuses is None else np.array(statuses)
    table = ObjectTable(
        label=np.arange(1, count + 1, dtype=np.uint32),
        status=status.astype(np.uint8),
        area=masks.areas,
        extents_yxyx=masks.extents_yxyx,
        centroid_yx=masks.centroids_yx,
        predicted_iou=rng.uniform(0.88, 1.05, count).astype(np.float32),
        stability_score=rng.uniform(0.95, 1, count).astype(np.float32),
        point_yx=np.round(masks.centroids_yx * 8) / 8,
        level=rng.integers(-1, 3, count).astype(np.int8),
        parent=np.array(np.zeros(count) if parents is None else parents, np.uint32),
        is_cut=rng.random(count) < 0.5,
    )
    return Segmentation(
        image_hw,
        table,
        masks,
        np.flatnonzero(status == Status.KEPT),
        EverythingSettings(),
        options.pop("funnel", None),
        **options,
    )


def from_labels(labels, **options):
    """Return one object for each value of a label image."""
    return segmentation_of(RunMasks.from_labels(labels)[0], labels.shape, **options)


def from_crops(crops, offsets_yx, image_hw, **options):
    """Return objects that may overlap."""
    return segmentation_of(RunMasks.from_crops(crops, offsets_yx), image_hw, **options)


def disks(count=40, image_hw=(300, 400), *, seed=0, **options):
    """Return disks of 3 to 30 pixels across, some upon others, some cut by the edge."""
    rng = np.random.default_rng(seed)
    crops, offsets = [], []
    while len(crops) < count:
        radius = rng.uniform(1.5, 15)
        cy, cx = rng.uniform(0, image_hw[0]), rng.uniform(0, image_hw[1])
        y0, x0 = max(int(cy - radius), 0), max(int(cx - radius), 0)
        y, x = np.mgrid[y0 : min(int(cy + radius) + 1, image_hw[0]),
                        x0 : min(int(cx + radius) + 1, image_hw[1])]  # fmt: skip
        crop = np.hypot(y - cy, x - cx) <= radius
        if crop.any():
            crops.append(crop)
            offsets.append((y0, x0))
    return from_crops(crops, offsets, image_hw, **options)


@st.composite
def crops_in_images(draw, *, most=5, side=14):
    """Return an image's size, masks by chance with a pixel each, and their places."""
    hw = draw(st.tuples(st.integers(1, side), st.integers(1, side)))
    crops, offsets = [], []
    for _ in range(draw(st.integers(0, most))):
        offset = tuple(draw(st.integers(0, length - 1)) for length in hw)
        shape = tuple(
            draw(st.integers(1, length - start))
            for length, start in zip(hw, offset, strict=True)
        )
        rng = np.random.default_rng(draw(st.integers(0, 999)))
        crop = rng.random(shape) < draw(st.sampled_from([0.3, 0.55, 0.8, 1.0]))
        crop.flat[rng.integers(crop.size)] = True
        crops.append(crop)
        offsets.append(offset)
    return hw, crops, offsets
