"""How far an embedding run is, how fast, and how long it will still take."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from tilesam.embedding.speed import SpeedMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tilesam.embedding.job import TileOutcome
    from tilesam.embedding.work_list import Outcome, WorkList

ProgressT = TypeVar("ProgressT")
OutcomeT = TypeVar("OutcomeT", bound="Outcome")
Taken_contra = TypeVar("Taken_contra", bound="Outcome", contravariant=True)
Given_co = TypeVar("Given_co", covariant=True)


@dataclass(frozen=True)
class EmbeddingProgress:
    """Where a run stands after a tile.

    Parameters
    ----------
    done, total
        Tiles of the plan.
    embedded, present, skipped
        What became of those done: embedded and stored now, found in the store, or
        left out as background.
    bytes_written
        Of the embeddings.
    tiles_per_second
        Of the latest tiles, whatever became of them.
    seconds_left
        None while there are tiles to embed and none was.
    encoder_share
        Seconds of encoding per second so far; on a cluster the sum over all workers,
        that is how many encoders ran on average.
    outcome
        Of the tile itself.
    """

    done: int
    total: int
    embedded: int
    present: int
    skipped: int
    bytes_written: int
    tiles_per_second: float
    seconds_left: float | None
    encoder_share: float
    outcome: TileOutcome


class ProgressMeter:
    """Sums up outcomes as they come.

    Parameters
    ----------
    total
        Tiles of the run.
    missing
        Of these, how many the store does not have; the others are only checked, which
        is faster.
    clock
        Returns seconds; it begins to count now.
    """

    def __init__(self, total: int, missing: int, *, clock: Callable[[], float]) -> None:
        self._total = total
        self._speed = SpeedMeter(total, missing, clock=clock)
        self._counts: Counter[str] = Counter()
        self._bytes_written = 0
        self._encoding = 0.0

    def add(self, outcome: TileOutcome, *, was_missing: bool) -> EmbeddingProgress:
        """Count one more tile.

        Parameters
        ----------
        was_missing
            Whether the store did not have it when the run began.
        """
        self._speed.add(
            was_missing=was_missing, seconds_reading=outcome.seconds_reading
        )
        self._counts[outcome.status] += 1
        self._bytes_written += outcome.nbytes
        self._encoding += outcome.seconds_encoding
        return EmbeddingProgress(
            done=self._speed.done,
            total=self._total,
            embedded=self._counts["embedded"],
            present=self._counts["present"],
            skipped=self._counts["skipped"],
            bytes_written=self._bytes_written,
            tiles_per_second=self._speed.tiles_per_second,
            seconds_left=self._speed.seconds_left,
            encoder_share=self._encoding / self._speed.seconds,
            outcome=outcome,
        )


class Meter(Protocol[Taken_contra, Given_co]):
    """Makes progress of outcomes."""

    def add(self, outcome: Taken_contra, *, was_missing: bool) -> Given_co:
        """Count one more tile."""


def measured(
    outcomes: Generator[OutcomeT, None, None],
    work: WorkList,
    build_meter: Callable[[int, int], Meter[OutcomeT, ProgressT]],
) -> Generator[ProgressT, None, None]:
    """Yield how far a run is after each of its outcomes.

    Parameters
    ----------
    outcomes
        Closed at the end, also where nobody wants to hear more.
    work
        Of which they are outcomes, before any was taken.
    build_meter
        Called when the run begins, with the number of tiles and of missing ones.
    """
    missing = work.missing_at_start
    meter = build_meter(len(work), len(missing))
    try:
        for outcome in outcomes:
            yield meter.add(outcome, was_missing=outcome.key in missing)
    finally:
        outcomes.close()


def follow(
    run: Generator[ProgressT, None, None],
    report: Callable[[ProgressT], None] | None = None,
) -> ProgressT | None:
    """Let a run go to its end and return the last progress; None if there was none.

    Parameters
    ----------
    run
        Is closed whatever happens.
    report
        Called with each progress. What raises there ends the run.
    """
    last = None
    with closing(run):
        for last in run:
            if report is not None:
                report(last)
    return last
