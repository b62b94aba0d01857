"""How far a run is, what it found, and where its time goes."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tilesam.embedding.speed import SpeedMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.everything.job import TileResult

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EverythingProgress:
    """Where a run stands after a tile.

    Parameters
    ----------
    done, total
        Tiles of the plan.
    decoded, present, skipped
        What became of those done: decoded and stored now, decoded before, or left out
        as background.
    embedded
        Of those decoded, for how many the image encoder had to run.
    masks
        In all tiles so far. Each window counts its own: objects are fewer.
    tiles_per_second
        Of the latest tiles, whatever became of them.
    seconds_left
        None while there are tiles to decode and none was.
    decoder_share, encoder_share
        Seconds of decoding, with all that is done to masks there, and of encoding per
        second so far; on a cluster sums over all workers.
    outcome
        Of the tile itself.
    """

    done: int
    total: int
    decoded: int
    present: int
    skipped: int
    embedded: int
    masks: int
    tiles_per_second: float
    seconds_left: float | None
    decoder_share: float
    encoder_share: float
    outcome: TileResult


class EverythingMeter:
    """Sums up outcomes as they come.

    Parameters
    ----------
    total
        Tiles of the run.
    missing
        Of these, how many have no masks yet.
    clock
        Returns seconds; it begins to count now.
    """

    def __init__(self, total: int, missing: int, *, clock: Callable[[], float]) -> None:
        self._total = total
        self._speed = SpeedMeter(total, missing, clock=clock)
        self._counts: Counter[str] = Counter()
        self._encoding = self._decoding = 0.0

    def add(self, outcome: TileResult, *, was_missing: bool) -> EverythingProgress:
        """Count one more tile.

        Parameters
        ----------
        was_missing
            Whether it had no masks when the run began.
        """
        self._speed.add(
            was_missing=was_missing, seconds_reading=outcome.seconds_reading
        )
        self._count(outcome)
        return EverythingProgress(
            done=self._speed.done,
            total=self._total,
            decoded=self._counts["decoded"],
            present=self._counts["present"],
            skipped=self._counts["skipped"],
            embedded=self._counts["embedded"],
            masks=self._counts["masks"],
            tiles_per_second=self._speed.tiles_per_second,
            seconds_left=self._speed.seconds_left,
            decoder_share=self._decoding / self._speed.seconds,
            encoder_share=self._encoding / self._speed.seconds,
            outcome=outcome,
        )

    def _count(self, outcome: TileResult) -> None:
        if outcome.is_changed and not self._counts["changed"]:
            logger.warning(
                "the pixels of %s are not those that the store was made of; such tiles "
                "are embedded again for this run, and the store is left as it is",
                outcome.key,
            )
        self._counts[outcome.status] += 1
        self._counts["embedded"] += outcome.embedded
        self._counts["changed"] += outcome.is_changed
        self._counts["masks"] += outcome.masks
        self._encoding += outcome.seconds_encoding
        self._decoding += outcome.seconds_decoding
