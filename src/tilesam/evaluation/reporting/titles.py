"""What the measures are called in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TITLES = {
    "box": "box",
    "box_oracle": "box, best of 3",
    "point": "1 point",
    "oracle": "1 point, best of 3",
    "two_points": "2 points",
    "three_points": "3 points",
    "five_points": "5 points",
    "nine_points": "9 points",
    "clicks_85": "clicks to 0.85",
    "clicks_90": "clicks to 0.90",
    "ar_10": "AR@10",
    "ar_100": "AR@100",
    "ar_1000": "AR@1000",
    "pq": "PQ",
    "sq": "SQ",
    "rq": "RQ",
    "aji": "AJI",
    "sbd": "SBD",
    "f": "best F",
    "quality": "IoU with the corrected mask",
    "similar": "AP of similar objects",
    "similar_elsewhere": "of other images alone",
    "similar_chance": "at random",
}
"""Others keep their names."""

RANDOM = "random_"

MAIN = (
    *("box", "point", "oracle", "three_points", "nine_points"),
    *("clicks_85", "clicks_90", "pq", "aji", "sbd", "f", "quality"),
    *("similar", "similar_elsewhere", "similar_chance"),
)
"""Those that the table of domains has; all are in the JSON document."""

OF_IMAGES = frozenset(["pq", "aji", "sbd", "f"])


def main_measures(names: Iterable[str]) -> list[str]:
    """Return the measures for the table of domains, in the order of `MAIN`."""
    given = set(names)
    chosen = [name for name in MAIN if name in given]
    return chosen or [RANDOM + name for name in MAIN if RANDOM + name in given]


def is_of_objects(names: Iterable[str]) -> bool:
    """Return whether there is a measure of single objects, not of images."""
    return not OF_IMAGES.issuperset(names)


def title_of(name: str) -> str:
    """Return what a measure is called."""
    if name.startswith(RANDOM):
        return f"{title_of(name.removeprefix(RANDOM))}, anywhere"
    return TITLES.get(name, name)
