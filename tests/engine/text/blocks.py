"""A picture of red and green blocks, and who knows them without having learned it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from tilesam.session import Session
from tilesam.testing.models import bright_region_model
from tilesam.text.detections import Detections
from tilesam.types import FloatArray, UInt8Array

RED, GREEN, GREY = (255, 130, 130), (130, 255, 130), (60, 60, 60)
Block = tuple[int, int, int, tuple[int, int, int]]

COLORS = {"red block": RED, "green block": GREEN, "nothing": GREY}

SMALL = [(12, 12, 8, RED), (12, 44, 8, GREEN), (44, 12, 8, RED), (44, 44, 8, GREEN)]
"""Four blocks in 64 x 64 pixels: y and x of the middle, half of the side, colour."""


def draw(hw: tuple[int, int], blocks: Sequence[Block]):
    """Return an image and the label image of its blocks."""
    image = np.zeros((*hw, 3), np.uint8)
    image[:] = GREY
    labels = np.zeros(hw, np.int32)
    for number, (y, x, half, color) in enumerate(blocks, start=1):
        inside = slice(y - half, y + half), slice(x - half, x + half)
        image[inside], labels[inside] = color, number
    return image, labels


def open_blocks(hw=(64, 64), blocks=SMALL) -> Session:
    """Open them with a model that finds bright things exactly."""
    return Session.open(draw(hw, blocks)[0], model=bright_region_model())


def many_blocks(hw: tuple[int, int], half: int = 4, step: int = 20) -> list[Block]:
    """Return blocks all over an image, none of which touches another or its edges."""
    return [
        (y, x, half, RED)
        for y in range(half + 4, hw[0] - half, step)
        for x in range(half + 4, hw[1] - half, step)
    ]


class ColorNetwork:
    """Pictures are the colour that is brightest in them, phrases what they name."""

    scale = 100.0
    fill = (0, 0, 0)

    def __init__(self) -> None:
        self.seen = 0

    def embed_pictures(self, pictures: Sequence[UInt8Array]) -> FloatArray:
        self.seen += len(pictures)
        middles = [
            picture[len(picture) // 2, len(picture) // 2] for picture in pictures
        ]
        return _unit(np.array(middles))

    def embed_phrases(self, phrases: Sequence[str]) -> FloatArray:
        named = [
            next((c for name, c in COLORS.items() if name in phrase), GREY)
            for phrase in phrases
        ]
        return _unit(np.array(named))


def _unit(colors) -> FloatArray:
    vectors = colors.astype(np.float64) + 1e-3
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class ColorDetector:
    """Boxes of all bright regions in a picture, as a perfect detector would find them.

    Parameters
    ----------
    capacity
        How many it returns at most, the first ones as one reads.
    """

    threshold = 0.3

    def __init__(self, capacity: int = 1000) -> None:
        self.capacity = capacity
        self.looks = 0

    def detect(self, picture: UInt8Array, phrases: Sequence[str]) -> Detections:
        self.looks += 1
        regions, count = ndimage.label(picture.mean(axis=2) > 124)
        height, width = regions.shape
        boxes, scores = np.zeros((count, 4)), np.zeros((count, len(phrases)))
        for row, (ys, xs) in enumerate(ndimage.find_objects(regions)):
            boxes[row] = ys.start, xs.start, ys.stop, xs.stop
            color = picture[regions == row + 1].mean(axis=0)
            for column, phrase in enumerate(phrases):
                scores[row, column] = _fits(color, phrase)
        boxes /= [height, width, height, width]
        return Detections(boxes[: self.capacity], scores[: self.capacity])


def _fits(color, phrase: str) -> float:
    """Return 0.8 for the colour that is meant, 0.2 for others; "block" is any."""
    if phrase == "block":
        return 0.5
    is_red = color[0] > color[1]
    return 0.8 if ("red" in phrase) == is_red else 0.2
