"""Two sizes of regions in one run: large objects are now and then shown in full."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from torch.utils.data import Dataset

from tilesam.model.refining.region import LARGER
from tilesam.training.refining.records import RegionBatch, RegionDraw
from tilesam.training.refining.regions import RegionDataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.training.refining.answers import DecoderAnswers

LEAST_SIDE = 110
"""Pixels of an object that is shown in a larger region."""

LARGE_BATCH_SHARE = 3
"""Batches of larger regions have fewer of them by this factor."""


class RegionKey(NamedTuple):
    """Which region: its number in an endless sequence, and whether it is larger."""

    number: int
    is_large: bool


class RegionsOfTwoSizes(Dataset[RegionBatch]):
    """Regions of all objects, and larger ones of large objects.

    Parameters
    ----------
    answers, size, seed, draw
        See `RegionDataset`; larger regions have `LARGER` times this size.
    """

    def __init__(
        self, answers: DecoderAnswers, *, size: int, seed: int, draw: RegionDraw
    ) -> None:
        self.usual = RegionDataset(answers, size=size, seed=seed, draw=draw)
        self.larger = RegionDataset(
            answers,
            size=size * LARGER,
            seed=seed,
            draw=replace(draw, least_side=LEAST_SIDE),
        )

    def __getitem__(self, key: RegionKey) -> RegionBatch:
        """Return a region, without the batch axis."""
        return (self.larger if key.is_large else self.usual)[key.number]

    def batches(
        self, steps: range, *, batch_size: int, large_every: int
    ) -> Iterator[list[RegionKey]]:
        """Yield the keys of each step's batch.

        Parameters
        ----------
        large_every
            One step in so many has larger regions; 0, or images without large objects,
            none.
        """
        for step in steps:
            is_large = bool(
                large_every and self.larger.images and step % large_every == 0
            )
            count = batch_size // LARGE_BATCH_SHARE if is_large else batch_size
            start = step * batch_size
            yield [
                RegionKey(number, is_large)
                # Batch norm needs two of them.
                for number in range(start, start + max(count, 2))
            ]
