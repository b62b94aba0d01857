"""Random regions around objects, as the refiner is shown them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset

from tilesam.errors import DatasetError
from tilesam.model.refining.frames import covered_hw
from tilesam.training.datasets import sampling_weights
from tilesam.training.refining.answers import promptable_objects
from tilesam.training.refining.drawing import draw_region
from tilesam.training.refining.guesses import (
    Guess,
    guess_by_box,
    guess_by_point,
    window_of,
)
from tilesam.training.refining.images import domain_of
from tilesam.training.refining.records import RegionBatch, RegionDraw

if TYPE_CHECKING:
    from tilesam.training.datasets import Sample
    from tilesam.training.refining.answers import DecoderAnswers

_ATTEMPTS = 50


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
