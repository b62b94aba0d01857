"""What is known of an object's place before its region is drawn.

That is a box that a person might draw, or one of the decoder's masks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tilesam.model.refining.frames import cell_centres
from tilesam.training.refining.answers import unpack
from tilesam.types import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.training.datasets import Sample
    from tilesam.training.refining.answers import ObjectAnswers
    from tilesam.training.refining.records import RegionDraw
    from tilesam.types import BoolArray, FloatArray


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


def window_of(sample: Sample) -> Window:
    """Return the whole image."""
    return Window(0, 0, *sample.image.shape[:2])
