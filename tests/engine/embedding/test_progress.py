from __future__ import annotations

import pytest

from tilesam.embedding.job import TileOutcome
from tilesam.embedding.progress import ProgressMeter
from tilesam.embedding.speed import RECENT_TILES
from tilesam.types import TileKey


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def outcome(status="embedded", **numbers):
    return TileOutcome(TileKey(0, 0, 0), status, **numbers)


@pytest.fixture
def clock():
    return Clock()


def test_outcomes_are_counted(clock):
    meter = ProgressMeter(10, 10, clock=clock)
    clock.now += 2
    meter.add(outcome(nbytes=7, seconds_encoding=1.5), was_missing=True)
    meter.add(outcome("skipped"), was_missing=True)
    clock.now += 2
    last = meter.add(outcome("present"), was_missing=True)
    assert (last.done, last.total) == (3, 10)
    assert (last.embedded, last.skipped, last.present) == (1, 1, 1)
    assert last.bytes_written == 7
    assert last.encoder_share == pytest.approx(1.5 / 4)
    assert last.outcome.status == "present"


def test_the_rate_is_that_of_the_latest_tiles(clock):
    meter = ProgressMeter(1000, 1000, clock=clock)
    for seconds in [10.0] * 50 + [0.5] * RECENT_TILES:
        clock.now += seconds
        progress = meter.add(outcome(), was_missing=True)
    assert progress.tiles_per_second == pytest.approx(2)
    assert progress.seconds_left == pytest.approx((1000 - 50 - RECENT_TILES) * 0.5)


def test_time_left_counts_tiles_to_embed_and_tiles_to_check_apart(clock):
    meter = ProgressMeter(30, 10, clock=clock)
    clock.now += 2
    first = meter.add(outcome(seconds_reading=0.1), was_missing=True)
    assert first.seconds_left == pytest.approx(9 * 2 + 20 * 0.1)
    clock.now += 0.5
    second = meter.add(outcome("present"), was_missing=False)
    assert second.seconds_left == pytest.approx(9 * 2 + 19 * 0.5)


def test_time_left_is_not_guessed_and_ends_at_zero(clock):
    meter = ProgressMeter(2, 1, clock=clock)
    clock.now += 1
    assert meter.add(outcome("present"), was_missing=False).seconds_left is None
    assert meter.add(outcome(), was_missing=True).seconds_left == 0


def test_a_clock_that_stands_still_divides_nothing_by_zero(clock):
    progress = ProgressMeter(1, 1, clock=clock).add(outcome(), was_missing=True)
    assert progress.tiles_per_second > 0
    assert progress.encoder_share == 0
