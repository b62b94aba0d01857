"""Numbers as people read them."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam.views.numbers import (
    NO_BREAK,
    counted,
    in_area,
    in_bytes,
    in_score,
    in_time,
)

SECONDS = {"s": 1, "min": 60, "h": 3600, "days": 86400}
BYTES = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def value_of(text: str, units: dict[str, float]) -> float:
    number, unit = text.split(NO_BREAK)
    return float(number.replace(",", "")) * units[unit]


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 boxes"), (1, "1 box"), (12345, "12,345 boxes")]
)
def test_nouns_follow_their_number(count, text):
    assert counted(count, "box", "boxes") == text


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.934, "0.93"),
        (1.021, "1.02"),
        (-0.1, "-0.10"),
        (None, "unknown"),
        (math.nan, "unknown"),
    ],
)
def test_scores_are_not_clipped_and_may_be_unknown(score, text):
    assert in_score(score) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_949, "9.9 kB"),
        (9_951, "10 kB"),
        (999_400, "999 kB"),
        (999_600, "1.0 MB"),
        (35_000_000_000, "35 GB"),
        (4e15, "4,000 TB"),
    ],
)
def test_bytes_change_unit_where_they_round_to_it(count, text):
    assert in_bytes(count).replace(NO_BREAK, " ") == text


@given(st.floats(1, 1e13))
def test_bytes_keep_their_size(count):
    assert value_of(in_bytes(count), BYTES) == pytest.approx(count, rel=0.06, abs=0.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than 1 s"),
        (35.4, "35 s"),
        (89, "89 s"),
        (240, "4 min"),
        (5_399, "90 min"),
        (5_400, "1.5 h"),
        (200_000, "2.3 days"),
    ],
)
def test_times_have_the_digits_that_anybody_wants(seconds, text):
    assert in_time(seconds).replace(NO_BREAK, " ") == text


@given(st.floats(1, 1e7))
def test_times_keep_their_length(seconds):
    assert value_of(in_time(seconds), SECONDS) == pytest.approx(seconds, rel=0.35)


@pytest.mark.parametrize(
    ("area", "physical", "text"),
    [
        (12345, None, "12,345 px"),
        (12345, (12.345, "µm²"), "12.3 µm²"),
        (12345, (1234.5, "µm²"), "1,234 µm²"),
        (3, (0.00031, "mm²"), "0.00031 mm²"),
    ],
)
def test_areas_have_three_digits_in_units(area, physical, text):
    assert in_area(area, physical).replace(NO_BREAK, " ") == text


def test_no_line_ends_between_a_number_and_its_unit():
    texts = [in_bytes(5_000), in_time(50), in_area(5), in_area(5, (5.0, "µm²"))]

    assert not [text for text in texts if re.search(r"\d ", text)]
