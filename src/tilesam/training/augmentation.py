"""Random views of a sample: one affine warp, then a change of light and noise.

Here it is decided where to look; `warping` looks there. Objects cut by the crop keep
their ids: what is left of them is still visible, hence no background. `promptable_ids`
says which of them are large enough to ask for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from tilesam.model.preprocessing import resized_hw
from tilesam.model.refining.sampling import to_uint8
from tilesam.training.datasets import LabelLayers, Sample
from tilesam.training.photometry import vary_light
from tilesam.training.warping import Warp, separate_mirrored, warp_sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.training.warping import Matrix

PADDING_RGB = (124, 116, 104)
"""The pixel mean, rounded: SAM pads with zeros after subtracting the mean."""

SMALLEST_PROMPTABLE_AREA = 16
"""Pixels of a crop."""

_SMALLEST_ZOOM = 0.7
_OUTSIDE_SHARE_OF_MIRRORS = 0.5


@dataclass(frozen=True)
class Zoom:
    """How large a crop is taken: the curriculum goes from objects to whole images.

    Parameters
    ----------
    object_probability
        Share of crops that are zoomed to one object taken at random; all others are
        scaled as a whole (large-scale jitter).
    object_fraction
        Longest side of that object over the side of the crop, drawn log-uniformly;
        more where the whole image would then fill less than 0.7 of the crop.
    jitter_scale
        Longest side of the whole image over the side of the crop, drawn
        log-uniformly.
    largest_magnification
        No crop is enlarged more than this: the result would be blur alone.
    """

    object_probability: float = 0.5
    object_fraction: tuple[float, float] = (0.1, 0.5)
    jitter_scale: tuple[float, float] = (0.1, 2.0)
    largest_magnification: float = 6.0


def augment(
    sample: Sample, *, size: int, rng: np.random.Generator, zoom: Zoom | None = None
) -> Sample:
    """Return a random crop of `size` x `size`, warped and in another light.

    Parameters
    ----------
    size
        Side of the crop in pixels.
    rng
        All randomness comes from here: equal states give equal crops.
    zoom
        Size of the crop in the image; the default mixes both ways evenly.

    Returns
    -------
    Sample
        Ids are those of the sample. Beyond the border of the image there is either
        padding (background) or its mirror image, whose objects have new ids unless
        they continue an object across the border. If the sample has an object, so
        has the crop.
    """
    zoom = zoom or Zoom()
    warp = _draw_warp(sample, size=size, rng=rng, zoom=zoom)
    image, layers, outside = warp_sample(sample, warp, size)
    image = vary_light(image, rng=rng)
    may_mirror = bool(outside.mean() <= _OUTSIDE_SHARE_OF_MIRRORS)
    if may_mirror and rng.random() < 0.5:
        layers = np.stack([separate_mirrored(layer, outside) for layer in layers])
    else:
        image[outside] = PADDING_RGB
        layers = np.where(outside, np.int32(0), layers)
    return Sample(image, layers, sample.domain, sample.name)


def evaluation_view(sample: Sample, size: int) -> Sample:
    """Return the sample as the network sees it: longest side resized to `size`.

    Parameters
    ----------
    size
        Side of the result in pixels.

    Returns
    -------
    Sample
        Padded right and bottom, with the pixel mean and with background.
    """
    height, width = sample.image.shape[:2]
    new_height, new_width = resized_hw((height, width), size)
    pixels = torch.from_numpy(sample.image).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(
        pixels, size=(new_height, new_width), mode="bilinear", antialias=True
    )
    image = np.empty((size, size, 3), dtype=np.uint8)
    image[:] = PADDING_RGB
    image[:new_height, :new_width] = to_uint8(resized)
    layers = np.zeros((len(sample.label_layers), size, size), dtype=np.int32)
    rows = ((np.arange(new_height) + 0.5) * height / new_height).astype(np.intp)
    columns = ((np.arange(new_width) + 0.5) * width / new_width).astype(np.intp)
    layers[:, :new_height, :new_width] = sample.label_layers[:, rows[:, None], columns]
    return Sample(image, layers, sample.domain, sample.name)


def promptable_ids(
    layer: NDArray[np.int32],
    *,
    min_area: int = SMALLEST_PROMPTABLE_AREA,
    max_fraction: float = 0.9,
) -> NDArray[np.int64]:
    """Return the ids in a layer that are worth a prompt, ascending.

    Parameters
    ----------
    layer
        (H, W) int32.
    min_area
        Pixels; what is smaller is a remnant at the border of the crop, or too small
        to be seen. A larger remnant stays: it can be seen and clicked.
    max_fraction
        Objects that cover more of the crop than this are dropped.
    """
    areas = np.bincount(layer.ravel())
    areas[0] = 0
    return np.flatnonzero((areas >= min_area) & (areas <= max_fraction * layer.size))


def _draw_warp(
    sample: Sample, *, size: int, rng: np.random.Generator, zoom: Zoom
) -> Warp:
    height, width = sample.image.shape[:2]
    anchor = _draw_object(sample.label_layers, rng)
    zoomed = rng.random() < zoom.object_probability
    if anchor is not None and zoomed:
        side = log_uniform(rng, zoom.object_fraction) * size
        scale = side / max(anchor.extent_yx)
        # A large object is no reason to show mostly padding.
        scale = max(scale, _SMALLEST_ZOOM * size / max(height, width))
    else:
        scale = log_uniform(rng, zoom.jitter_scale) * size / max(height, width)
    scale = min(scale, zoom.largest_magnification)
    matrix = draw_linear_part(rng) / scale
    if anchor is None:
        middle = np.array([(height - 1) / 2, (width - 1) / 2])
        return Warp(matrix, middle, scale)
    room = np.maximum(size - scale * anchor.extent_yx, 0) / 2
    shift = matrix @ (rng.uniform(-1, 1, size=2) * room.min())
    center = _keep_inside(anchor.center_yx + shift, (height, width), size / scale)
    warp = Warp(matrix, center, scale)
    if warp.shows(anchor.pixel_yx, size):
        return warp
    return Warp(matrix, anchor.pixel_yx, scale)


@dataclass(frozen=True)
class _Anchor:
    """The object that must be in the crop."""

    center_yx: Matrix
    extent_yx: Matrix
    pixel_yx: Matrix


def _draw_object(layers: LabelLayers, rng: np.random.Generator) -> _Anchor | None:
    for index in rng.permutation(len(layers)):
        layer = layers[index]
        areas = np.bincount(layer.ravel())
        areas[0] = 0
        ids = np.flatnonzero(areas >= min(SMALLEST_PROMPTABLE_AREA, areas.max() or 1))
        if not len(ids):
            continue
        mask = layer == rng.choice(ids)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        low = np.array([rows[0], columns[0]], dtype=np.float64)
        high = np.array([rows[-1], columns[-1]], dtype=np.float64)
        pixels = np.flatnonzero(mask)
        pixel = np.unravel_index(rng.choice(pixels), mask.shape)
        return _Anchor(
            (low + high) / 2, high - low + 1, np.array(pixel, dtype=np.float64)
        )
    return None


def draw_linear_part(rng: np.random.Generator) -> Matrix:
    """Draw a flip, a rotation (half of them by right angles) and a little shear."""
    turn = rng.random() < 0.5
    angle = rng.uniform(0, 2 * np.pi) if turn else np.pi / 2 * rng.integers(4)
    cos, sin = np.cos(angle), np.sin(angle)
    rotation = np.array([[cos, -sin], [sin, cos]])
    flip = np.diag([rng.choice([-1.0, 1.0]), 1.0])
    shear = np.eye(2)
    if turn:
        shear[0, 1] = rng.normal(scale=0.08)
        shear[1, 1] = np.exp(rng.normal(scale=0.08))
    return rotation @ flip @ shear


def _keep_inside(
    center_yx: Matrix, image_hw: tuple[int, int], crop_side: float
) -> Matrix:
    """Move the crop so that it lies in the image, or the image in it if smaller."""
    sides = np.array(image_hw, dtype=np.float64)
    first = np.full(2, crop_side / 2 - 0.5)
    last = sides - 0.5 - crop_side / 2
    return np.clip(center_yx, np.minimum(first, last), np.maximum(first, last))


def log_uniform(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """Draw a number whose logarithm is uniform between limits."""
    low, high = np.log(limits)
    return float(np.exp(rng.uniform(low, high)))
