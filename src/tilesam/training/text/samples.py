"""Masks to learn from: labelled objects, what is like them and is none, proposals."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, shift

from tilesam.image import open_image
from tilesam.masks.run_masks import RunMasks, concatenate
from tilesam.text.views import look_at
from tilesam.training.text.judging import judge
from tilesam.training.text.truths import (
    KINDS,
    Kind,
    Truths,
    add_looks,
    of_leftover,
    of_object,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.training.datasets import Sample
    from tilesam.types import BoolArray, Float32Array, UInt8Array

MOST_OBJECTS = 30
"""Labelled objects of one image that are learned from."""

MOST_PROPOSALS = 60


@dataclass(frozen=True, eq=False)
class MaskSamples:
    """N masks as the crop encoder sees them, and what is true of each.

    Parameters
    ----------
    views, measures
        See `tilesam.text.views.look_at`.
    truths
        (N, tags) int8.
    domains
        (N,) text: domain of the image, with "!" before it where the mask is no object.
    """

    views: UInt8Array
    measures: Float32Array
    truths: Truths
    domains: np.ndarray[tuple[int], np.dtype[np.str_]]

    def __len__(self) -> int:
        return len(self.views)

    @classmethod
    def join(cls, parts: Sequence[MaskSamples]) -> Self:
        """Return all masks of some parts, at least one."""
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(cls)
        }
        return cls(**columns)


def from_sample(
    sample: Sample, rng: np.random.Generator, proposals: RunMasks | None = None
) -> MaskSamples | None:
    """Return masks of an image: labelled objects, spoiled ones, and proposals.

    Parameters
    ----------
    sample
        With its labels.
    rng
        Which objects, and how they are spoiled.
    proposals
        What segment everything finds there.

    Returns
    -------
    MaskSamples or None
        None if nothing is known of the domain, or nothing is labelled.
    """
    parts: list[tuple[RunMasks, list[Truths], list[str]]] = []
    for layer, labels in enumerate(sample.label_layers):
        kind = KINDS.get((sample.domain, layer))
        objects, _ = RunMasks.from_labels(labels)
        if kind is None or not len(objects):
            continue
        order = rng.permutation(len(objects))[:MOST_OBJECTS]
        chosen = objects.take(order)
        parts.append(_described(_loosened(chosen, rng), objects, kind, sample.domain))
        if layer == 0:
            spoiled = _spoiled(chosen, sample.image.shape[:2], rng)
            parts.append(_described(spoiled, objects, kind, sample.domain))
            if proposals is not None and len(proposals):
                some = rng.permutation(len(proposals))[:MOST_PROPOSALS]
                found = proposals.take(some)
                parts.append(_described(found, objects, kind, sample.domain))
    if not parts:
        return None
    masks = concatenate([part[0] for part in parts])
    views, measures = look_at(open_image(sample.image), masks)
    truths = np.stack([row for part in parts for row in part[1]])
    add_looks(truths, views, measures)
    names = np.array([name for part in parts for name in part[2]], dtype="U32")
    return MaskSamples(views, measures, truths, names)


def _described(
    masks: RunMasks, objects: RunMasks, kind: Kind, domain: str
) -> tuple[RunMasks, list[Truths], list[str]]:
    masks = masks.take(np.flatnonzero(masks.areas >= 9))
    rows, names = [], []
    for what in judge(masks, objects).what:
        if what == "good":
            rows.append(of_object(kind))
        else:
            rows.append(of_leftover(kind, None if what == "between" else what))
        names.append(domain if what == "good" else f"!{domain}")
    return masks, rows, names


def _loosened(masks: RunMasks, rng: np.random.Generator) -> RunMasks:
    """Return masks whose borders are a pixel off now and then, as a decoder's are."""
    crops, places = [], []
    for row in range(len(masks)):
        crop, (y, x) = masks.crop(row)
        padded = np.pad(crop, 1)
        if rng.random() < 0.3:
            padded = binary_dilation(padded)
        elif rng.random() < 0.3 and crop.sum() > 60:
            padded = binary_erosion(padded)
        crops.append(padded)
        places.append((y - 1, x - 1))
    return RunMasks.from_crops(crops, places)


def _spoiled(
    objects: RunMasks, image_hw: tuple[int, int], rng: np.random.Generator
) -> RunMasks:
    """Return masks that a careless decoder could have made instead of objects."""
    crops: list[BoolArray] = []
    places: list[tuple[int, int]] = []
    for row in range(min(len(objects), 8)):
        canvas, place = _on_canvas(objects, row)
        for spoil in rng.permutation(4)[:2]:
            crops.append(_SPOILERS[spoil](canvas, rng))
            places.append(place)
    for _ in range(4):
        crops.append(_ellipse(image_hw, rng))
        places.append((0, 0))
    groups = _groups(objects, rng)
    height, width = image_hw
    clipped = RunMasks.from_crops(crops, places).clipped((0, 0, height, width))
    return concatenate([clipped, groups])


def _on_canvas(objects: RunMasks, row: int) -> tuple[BoolArray, tuple[int, int]]:
    crop, (y, x) = objects.crop(row)
    margin = max(crop.shape)
    return np.pad(crop, margin), (y - margin, x - margin)


def _moved(canvas: BoolArray, rng: np.random.Generator) -> BoolArray:
    reach = max(canvas.shape) / 3
    angle, far = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.0) * reach
    by = (far * np.sin(angle), far * np.cos(angle))
    return np.asarray(shift(canvas.astype(np.uint8), by, order=0) > 0)


def _grown(canvas: BoolArray, rng: np.random.Generator) -> BoolArray:
    steps = max(int(rng.uniform(0.12, 0.3) * max(canvas.shape) / 3), 2)
    return np.asarray(binary_dilation(canvas, iterations=steps))


def _halved(canvas: BoolArray, rng: np.random.Generator) -> BoolArray:
    y, x = np.nonzero(canvas)
    angle, cut = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.4)
    along = np.sin(angle) * y + np.cos(angle) * x
    kept = along <= np.quantile(along, cut)
    half = np.zeros_like(canvas)
    half[y[kept], x[kept]] = True
    return half


def _rimmed(canvas: BoolArray, rng: np.random.Generator) -> BoolArray:
    steps = max(int(rng.uniform(0.08, 0.25) * max(canvas.shape) / 3), 1)
    grown = binary_dilation(canvas, iterations=steps)
    return np.asarray(grown & ~canvas)


_SPOILERS = (_moved, _grown, _halved, _rimmed)


def _ellipse(image_hw: tuple[int, int], rng: np.random.Generator) -> BoolArray:
    height, width = image_hw
    y, x = np.ogrid[:height, :width]
    radius = min(height, width) * 2 ** rng.uniform(-6, -1.2)
    cy, cx, stretch = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, 2)
    inside = ((y - cy) / radius) ** 2 + ((x - cx) / (radius * stretch)) ** 2 <= 1
    return np.asarray(inside)


def _groups(objects: RunMasks, rng: np.random.Generator) -> RunMasks:
    """Return neighbours taken for one object."""
    if len(objects) < 2:
        return RunMasks.empty()
    centres = objects.centroids_yx
    crops, places = [], []
    for row in rng.permutation(len(objects))[:4]:
        near = np.argsort(np.hypot(*(centres - centres[row]).T))
        chosen = objects.take(near[: int(rng.integers(2, 5))])
        extents = chosen.extents_yxyx
        y0, x0 = extents[:, :2].min(axis=0)
        y1, x1 = extents[:, 2:].max(axis=0)
        canvas = np.zeros((y1 - y0, x1 - x0), np.bool_)
        for index in range(len(chosen)):
            crop, (y, x) = chosen.crop(index)
            height, width = crop.shape
            canvas[y - y0 : y - y0 + height, x - x0 : x - x0 + width] |= crop
        crops.append(canvas)
        places.append((int(y0), int(x0)))
    return RunMasks.from_crops(crops, places)
