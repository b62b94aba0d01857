"""One region: an affine warp of an image, its labels and the decoder's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tilesam.model.refining.sampling import resample, sample_map
from tilesam.training.augmentation import draw_linear_part, log_uniform
from tilesam.training.photometry import vary_light
from tilesam.training.refining.answers import box_of
from tilesam.training.refining.records import RegionBatch
from tilesam.training.warping import Warp

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.training.datasets import Sample
    from tilesam.training.refining.guesses import Guess
    from tilesam.training.refining.records import RegionDraw
    from tilesam.types import BoolArray, FloatArray


def draw_region(
    sample: Sample,
    guess: Guess,
    *,
    frame_hw: tuple[float, float],
    size: int,
    rng: np.random.Generator,
    draw: RegionDraw,
) -> RegionBatch | None:
    """Return a region around an object, or None if it does not show the object.

    Parameters
    ----------
    frame_hw
        What the decoder's logits cover, in pixels of the image.
    size
        Side S of the region in pixels.
    """
    warp = warp_around(guess.pixels_yx, draw_linear_part(rng), size, rng=rng, draw=draw)
    y, x = warp.sources(size)
    mask, inside = _warp_mask(guess.truth, y, x)
    if mask.sum() < draw.smallest_object or mask.all():
        return None
    pixels = vary_light(resample(sample.image, y, x, warp.scale), rng=rng)
    answer = torch.zeros(size, size)
    if guess.logits is not None:
        answer = sample_map(guess.logits[None], y, x, frame_hw)[0]
    area = float(guess.truth.sum()) / abs(float(np.linalg.det(warp.matrix)))
    point, box = _prompt(guess, warp, mask, rng=rng, draw=draw)
    return RegionBatch(
        torch.from_numpy(pixels).permute(2, 0, 1),
        torch.from_numpy(inside),
        torch.from_numpy(mask),
        torch.tensor(max(area - float(mask.sum()), 0.0)),
        answer,
        point,
        box,
        torch.tensor(guess.weight),
    )


def warp_around(
    pixels_yx: NDArray[np.number],
    linear: FloatArray,
    size: int,
    *,
    rng: np.random.Generator,
    draw: RegionDraw,
) -> Warp:
    """Return the warp that shows some pixels amid their surroundings.

    Parameters
    ----------
    linear
        (2, 2) rotation, flip and shear.
    """
    turned = pixels_yx @ np.linalg.inv(linear).T
    low, high = turned.min(axis=0), turned.max(axis=0)
    longest = float((high - low + 1).max())
    side = longest * log_uniform(rng, draw.expansion)
    centre = (low + high) / 2 + rng.normal(scale=draw.shift * longest, size=2)
    return Warp(linear * side / size, linear @ centre, size / side)


def _warp_mask(
    truth: BoolArray, y: NDArray[np.float32], x: NDArray[np.float32]
) -> tuple[BoolArray, BoolArray]:
    """Return the object in the region, and which of it is in the image."""
    height, width = truth.shape
    inside = (y >= -0.5) & (y <= height - 0.5) & (x >= -0.5) & (x <= width - 0.5)
    rows = np.clip(np.rint(y), 0, height - 1).astype(np.intp)
    columns = np.clip(np.rint(x), 0, width - 1).astype(np.intp)
    return truth[rows, columns] & inside, inside


def _prompt(
    guess: Guess,
    warp: Warp,
    mask: BoolArray,
    *,
    rng: np.random.Generator,
    draw: RegionDraw,
) -> tuple[Tensor, Tensor]:
    """Return the point and the box in the region; NaN for what was not asked."""
    no_point, no_box = torch.full((2,), torch.nan), torch.full((4,), torch.nan)
    if guess.point_yx is None:
        return no_point, _draw_box(mask, rng, draw)
    offset = np.linalg.solve(warp.matrix, guess.point_yx - warp.center_yx)
    return torch.from_numpy(offset + (len(mask) - 1) / 2).float(), no_box


def _draw_box(mask: BoolArray, rng: np.random.Generator, draw: RegionDraw) -> Tensor:
    box = box_of(np.argwhere(mask))
    sides = np.tile(box[2:] - box[:2] + 1, 2)
    noise = rng.choice(draw.box_noises)
    return torch.from_numpy(box + rng.normal(scale=noise, size=4) * sides).float()
