"""Random regions around objects, as the refiner is shown them.

Each is one affine warp of an image, its labels and the decoder's answer, around what is
known of the object's place: a box that a person might draw, or the decoder's mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from tilesam.errors import DatasetError
from tilesam.model.refining.frames import cell_centres, covered_hw
from tilesam.model.refining.sampling import resample, sample_map
from tilesam.training.augmentation import draw_linear_part, log_uniform
from tilesam.training.datasets import sampling_weights
from tilesam.training.photometry import vary_light
from tilesam.training.refining.answers import box_of, promptable_objects, unpack
from tilesam.training.refining.images import domain_of
from tilesam.training.warping import Warp
from tilesam.types import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tilesam.training.datasets import Sample
    from tilesam.training.refining.answers import DecoderAnswers, ObjectAnswers
    from tilesam.types import BoolArray, FloatArray

_ATTEMPTS = 50


@dataclass(frozen=True)
class RegionDraw:
    """How regions are drawn.

    Parameters
    ----------
    box_share
        Share of objects that are asked for by a box; the others by a point.
    expansion
        Side of the region over the longest side of the box or mask, drawn
        log-uniformly.
    shift
        Standard deviation of the region's place, as a share of the object's side.
    box_noise
        Standard deviation of corners, as a share of the box's side; half of the boxes
        are drawn this badly, the others a quarter of it.
    best_share
        Share of points for which the best of the three masks is refined; any of them
        otherwise, which then hardly counts for the mask but for judging it.
    answer_share, box_answer_share
        Share of points and of boxes with which the decoder's answer is shown. Without
        it all objects of an image come into question for boxes, not only those that the
        decoder was asked about.
    domain_power
        See `sampling_weights`.
    smallest_object
        Pixels of the region that the object covers at least.
    least_side
        Pixels of the image that the object is high or wide at least.
    """

    box_share: float = 0.45
    expansion: tuple[float, float] = (1.35, 2.6)
    shift: float = 0.06
    box_noise: float = 0.08
    best_share: float = 0.75
    answer_share: float = 0.85
    box_answer_share: float = 0.6
    domain_power: float = 0.2
    smallest_object: int = 24
    least_side: int = 0


class RegionBatch(NamedTuple):
    """B regions of S x S pixels with an object each.

    Parameters
    ----------
    pixels
        (B, 3, S, S) uint8.
    inside
        (B, S, S) bool, the image.
    mask
        (B, S, S) bool, the object meant.
    area_outside
        (B,) float32, pixels of the object that the region does not show.
    answer
        (B, S, S) float32 logits of the decoder; zero where it is not shown.
    point_yx
        (B, 2) float32; NaN where a box was asked.
    box_yxyx
        (B, 4) float32; NaN where a point was asked.
    weight
        (B,) float32, how much the mask counts.
    """

    pixels: Tensor
    inside: Tensor
    mask: Tensor
    area_outside: Tensor
    answer: Tensor
    point_yx: Tensor
    box_yxyx: Tensor
    weight: Tensor


class RegionDataset(Dataset[RegionBatch]):
    """An endless sequence of regions, each determined by the seed and its index.

    Parameters
    ----------
    answers
        Of the decoder about the images.
    size
        Side of the regions in pixels.
    """

    def __init__(
        self,
        answers: DecoderAnswers,
        *,
        size: int,
        seed: int,
        draw: RegionDraw | None = None,
    ) -> None:
        self.answers = answers
        self.size = size
        self.seed = seed
        self.draw = draw or RegionDraw()
        self.objects = {
            number: found
            for number, sample in enumerate(answers.samples)
            if (found := promptable_objects(sample, least_side=self.draw.least_side))
        }
        self.images = [*self.objects]
        self.weights = sampling_weights(
            [domain_of(answers.samples[number]) for number in self.images],
            [len(found) for found in self.objects.values()],
            power=self.draw.domain_power,
        )

    def __getitem__(self, index: int) -> RegionBatch:
        """Return region `index`, without the batch axis."""
        if not self.images:
            raise DatasetError(
                f"none of {len(self.answers.samples)} images has an object to ask for; "
                "check the label images"
            )
        rng = np.random.default_rng((self.seed, index))
        for _ in range(_ATTEMPTS):
            number = int(rng.choice(self.images, p=self.weights))
            sample = self.answers.samples[number]
            guess = self._guess(number, sample, rng)
            if guess is None:
                continue
            region = draw_region(
                sample,
                guess,
                frame_hw=covered_hw(window_of(sample), self.answers.model.input_size),
                size=self.size,
                rng=rng,
                draw=self.draw,
            )
            if region is not None:
                return region
        raise DatasetError(
            f"no object that can be seen in {_ATTEMPTS} regions in a row; check the "
            "label images"
        )

    def _guess(
        self, number: int, sample: Sample, rng: np.random.Generator
    ) -> Guess | None:
        asks_box = rng.random() < self.draw.box_share
        if asks_box and rng.random() >= self.draw.box_answer_share:
            found = self.objects[number]
            return guess_by_box(sample, *found[int(rng.integers(len(found)))])
        come_into_question = set(self.objects[number])
        known = [
            answer
            for answer in self.answers.of(number)
            if (answer.layer, answer.object_id) in come_into_question
        ]
        if not known:
            return None
        meant = known[int(rng.integers(len(known)))]
        if asks_box:
            return guess_by_box(sample, meant.layer, meant.object_id, meant.box_mask)
        return guess_by_point(
            *(sample, meant), self.answers.model.input_size, rng=rng, draw=self.draw
        )


def window_of(sample: Sample) -> Window:
    """Return the whole image."""
    return Window(0, 0, *sample.image.shape[:2])


class Guess(NamedTuple):
    """One object, and where it is thought to be before anything is warped.

    Parameters
    ----------
    truth
        (H, W) bool.
    pixels_yx
        (N, 2), what the region is to show.
    logits
        (4g, 4g) the decoder's answer; None to show none.
    point_yx
        (2,) what was asked; None where a box was.
    weight
        How much the mask counts.
    """

    truth: BoolArray
    pixels_yx: NDArray[np.number]
    logits: Tensor | None
    point_yx: FloatArray | None
    weight: float


def guess_by_box(
    sample: Sample,
    layer: int,
    object_id: int,
    answer: NDArray[np.int8] | None = None,
) -> Guess:
    """Return the place of an object itself: a box says where it is."""
    truth = sample.label_layers[layer] == object_id
    logits = None if answer is None else unpack(answer)
    return Guess(truth, np.argwhere(truth), logits, None, 1.0)


def guess_by_point(
    sample: Sample,
    meant: ObjectAnswers,
    input_size: int,
    *,
    rng: np.random.Generator,
    draw: RegionDraw,
) -> Guess | None:
    """Return one of the decoder's three masks; None if it is empty."""
    truth = sample.label_layers[meant.layer] == meant.object_id
    best = int(np.argmax(meant.iou))
    takes_best = rng.random() < draw.best_share
    token = best if takes_best else int(rng.integers(len(meant.iou)))
    # What is refined stays what it is: a mask of something else teaches judgement.
    is_meant = meant.iou[token] >= max(0.5 * meant.iou[best], 0.1)
    rows, columns = np.nonzero(meant.masks[token] > 0)
    if not len(rows):
        return None
    y, x = cell_centres(meant.masks.shape[-1], window_of(sample), input_size)
    pixels_yx = np.stack([y[rows], x[columns]], axis=1)
    logits = unpack(meant.masks[token]) if rng.random() < draw.answer_share else None
    return Guess(truth, pixels_yx, logits, meant.point_yx, 1.0 if is_meant else 0.1)


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
    noise = draw.box_noise * (1.0 if rng.random() < 0.5 else 0.25)
    return torch.from_numpy(box + rng.normal(scale=noise, size=4) * sides).float()
