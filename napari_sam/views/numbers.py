"""Numbers as people read them; no Qt here."""

from __future__ import annotations

import math

NO_BREAK = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, so that no line ends there."""

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun, for example "1 tile" or "12,345 tiles".

    Parameters
    ----------
    count
        How many.
    one, many
        The noun; `many` defaults to `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def in_score(score: float | None) -> str:
    """Return an IoU or a stability with two digits; "unknown" for None and NaN."""
    if score is None or math.isnan(score):
        return "unknown"
    return f"{score:.2f}"


def in_bytes(count: float) -> str:
    """Return a number of bytes in kB, MB ... of 1000, as file managers do."""
    if count < 1000:
        return f"{count:.0f}{NO_BREAK}bytes"
    value, unit = float(count), ""
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        # 999.6 would be rounded to 1000 of the smaller unit.
        if value < 999.5 or unit == "TB":
            break
    digits = 1 if value < 9.95 else 0
    return f"{value:,.{digits}f}{NO_BREAK}{unit}"


def in_time(seconds: float) -> str:
    """Return a duration with no more digits than anybody wants to know."""
    if seconds < 1:
        return f"less than 1{NO_BREAK}s"
    if seconds < 1.5 * _MINUTE:
        return f"{seconds:.0f}{NO_BREAK}s"
    if seconds < 1.5 * _HOUR:
        return f"{seconds / _MINUTE:.0f}{NO_BREAK}min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.1f}{NO_BREAK}h"
    return f"{seconds / _DAY:.1f}{NO_BREAK}days"


def in_about(seconds: float) -> str:
    """Return an estimated duration in the midst of a sentence."""
    return in_time(seconds) if seconds < 1 else f"about {in_time(seconds)}"


def in_area(area: int, physical: tuple[float, str] | None = None) -> str:
    """Return an area in pixels, or with its unit if it has one.

    Parameters
    ----------
    area
        In pixels.
    physical
        The same in a unit, for example (12.5, "µm²").
    """
    if physical is None:
        return f"{area:,}{NO_BREAK}px"
    value, unit = physical
    is_plain = value >= 100 or value == 0
    number = f"{value:,.0f}" if is_plain else f"{value:.3g}"
    return f"{number}{NO_BREAK}{unit}"


def in_extent(hw: tuple[int, int]) -> str:
    """Return a height and a width in pixels."""
    return f"{hw[0]:,} x {hw[1]:,}{NO_BREAK}px"
