"""What is true of a mask, tag by tag: its kind by labels, its look by pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilesam.text.words import LEFTOVERS, SETTINGS, TAGS, THINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tilesam.types import Float32Array, UInt8Array

TRUE, FALSE, UNKNOWN = 1, 0, -1

Truths = NDArray[np.int8]
"""(N, tags) of TRUE, FALSE and UNKNOWN."""


class Kind(NamedTuple):
    """What the labelled objects of a domain are.

    Parameters
    ----------
    things, settings
        Tags that are true of them.
    perhaps
        Tags of which the labels say nothing.
    unlabelled
        Tags of what stands in such images without a label.
    """

    things: tuple[str, ...]
    settings: tuple[str, ...]
    perhaps: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()


_MICROSCOPES = ("fluorescence", "histology", "cytology", "phase", "electron")

KINDS: dict[tuple[str, int], Kind] = {
    ("nuclei_fluo", 0): Kind(("nucleus",), ("fluorescence",), ("cell",)),
    ("nuclei_he", 0): Kind(("nucleus",), ("histology",), ("cell",), ("cell",)),
    ("nuclei_grey_bf", 0): Kind(
        ("nucleus",), ("cytology",), ("cell",), ("cell", "object")
    ),
    ("phase", 0): Kind(("cell",), ("phase",)),
    ("bacteria", 0): Kind(
        ("bacterium",), (), ("cell", "phase", "fluorescence", "cytology")
    ),
    ("em_neurites", 0): Kind(("neurite",), ("electron",), ("cell",), ("object",)),
    ("em_chloroplast", 0): Kind(
        ("chloroplast",), ("electron", "plant"), (), ("cell", "object")
    ),
    ("plant_nuclei", 0): Kind(("nucleus",), ("fluorescence", "plant"), ("cell",)),
    ("plant_membrane", 0): Kind(("cell",), ("fluorescence", "plant")),
    ("aerial_buildings", 0): Kind(("building",), ("aerial",), ("photo",), ("object",)),
    ("leaf", 0): Kind(("leaf",), ("photo", "plant"), (), ("lesion", "object")),
    ("leaf_lesion", 0): Kind(("lesion",), ("photo",), ("plant",), ("leaf", "object")),
    ("scene_rods", 0): Kind(("bacterium",), (), ("cell", *_MICROSCOPES)),
    ("scene_cells", 0): Kind(("cell",), (), ("phase", "cytology")),
    ("scene_cells", 1): Kind(("nucleus",), (), ("cell", "phase", "cytology")),
    ("scene_leaves", 0): Kind(("leaf",), ("plant",), ("photo",)),
    ("scene_leaves", 1): Kind(("lesion",), (), ("photo", "plant")),
    ("scene_roofs", 0): Kind(("building",), ("aerial",), ("photo",)),
    ("scene_nuclei", 0): Kind(
        (), (), ("nucleus", "cell", "fluorescence", "histology", "cytology")
    ),
    ("scene_membranes", 0): Kind((), (), ("cell", "neurite", "plant", *_MICROSCOPES)),
    ("scene_filaments", 0): Kind((), (), ("neurite", "cell", *_MICROSCOPES)),
    ("scene_tails", 0): Kind((), (), ("bacterium", "cell", *_MICROSCOPES)),
    ("scene_objects", 0): Kind((), (), ("photo",)),
    ("scene_roads_fields", 0): Kind((), ("aerial",), ("photo", "plant")),
    ("scene_vehicles", 0): Kind((), ("aerial",), ("photo",)),
}
"""By domain and layer of the labels; others are left out."""

_COLUMN = {tag: column for column, tag in enumerate(TAGS)}


def of_object(kind: Kind) -> Truths:
    """Return (tags,) of a labelled object; its look is not known yet."""
    row = _blank()
    _put(row, ("object", *kind.things, *kind.settings), TRUE)
    _put(row, kind.perhaps, UNKNOWN)
    return row


def of_leftover(kind: Kind, what: str | None) -> Truths:
    """Return (tags,) of a mask that is no labelled object.

    Parameters
    ----------
    kind
        Of the objects in the image.
    what
        A key of `LEFTOVERS`, or None for a mask between good and bad.
    """
    row = _blank()
    _put(row, kind.settings, TRUE)
    _put(row, kind.perhaps, UNKNOWN)
    _put(row, [tag for tag in kind.perhaps if tag in THINGS], FALSE)
    _put(row, kind.unlabelled, UNKNOWN)
    if what is None:
        _put(row, ("object", *kind.things, *kind.perhaps, *LEFTOVERS), UNKNOWN)
    else:
        _put(row, (what,), TRUE)
    return row


def add_looks(truths: Truths, views: UInt8Array, measures: Float32Array) -> None:
    """Fill in the tags of colour, size, shape and texture, in place.

    Parameters
    ----------
    truths
        (N, tags).
    views, measures
        Of the same masks, see `tilesam.text.views.look_at`.
    """
    pixels = views[:, 0, :3].astype(np.float32) / 255
    mask: Float32Array = views[:, 0, 3].astype(np.float32) / np.float32(255)
    area = np.maximum(mask.sum(axis=(1, 2)), 1e-6)
    color = (pixels * mask[:, None]).sum(axis=(2, 3)) / area[:, None]
    light = pixels.mean(axis=1)
    inside = (light * mask).sum(axis=(1, 2)) / area
    variance = ((light - inside[:, None, None]) ** 2 * mask).sum(axis=(1, 2)) / area
    around = (light * (1 - mask)).sum(axis=(1, 2))
    around /= np.maximum((1 - mask).sum(axis=(1, 2)), 1e-6)
    _contrast(truths, inside - around)
    _colors(truths, color)
    _texture(truths, np.sqrt(variance) / np.maximum(inside, 0.1))
    _shape(truths, mask, measures)
    _range(truths, "small", -_sizes(measures), above=-14, below=-24)
    _range(truths, "large", _sizes(measures), above=60, below=35)


def _blank() -> Truths:
    row = np.full(len(TAGS), UNKNOWN, np.int8)
    _put(row, (*THINGS, *LEFTOVERS, *SETTINGS), FALSE)
    return row


def _put(row: Truths, tags: Iterable[str], value: int) -> None:
    row[[_COLUMN[tag] for tag in tags]] = value


def _range(
    truths: Truths, tag: str, value: Float32Array, *, above: float, below: float
) -> None:
    """Set a tag true above a bound, false below another, and leave it open between."""
    column = truths[:, _COLUMN[tag]]
    column[value >= above] = TRUE
    column[value <= below] = FALSE


def _sizes(measures: Float32Array) -> Float32Array:
    """Return the side of a square of the mask's area, in pixels."""
    return np.asarray(2 ** ((measures[:, 0] + 2) * 2), np.float32)


def _contrast(truths: Truths, difference: Float32Array) -> None:
    _range(truths, "bright", difference, above=0.1, below=-0.03)
    _range(truths, "dark", -difference, above=0.1, below=-0.03)


_HUES = {
    "red": (345, 15),
    "brown": (15, 45),
    "yellow": (45, 65),
    "green": (65, 165),
    "blue": (170, 255),
    "purple": (255, 340),
}
"""Degrees at which each begins and ends."""

_BLUR = 8.0
"""Degrees around the ends that are called neither so nor otherwise."""


def _colors(truths: Truths, color: Float32Array) -> None:
    value, low = color.max(axis=1), color.min(axis=1)
    saturation = (value - low) / np.maximum(value, 1e-6)
    is_colored, is_dull = saturation > 0.25, saturation < 0.1
    hue = _hue(color)
    for tag, (begin, end) in _HUES.items():
        middle = (begin + ((end - begin) % 360) / 2) % 360
        away = np.abs((hue - middle + 180) % 360 - 180) - ((end - begin) % 360) / 2
        column = truths[:, _COLUMN[tag]]
        column[is_dull | (is_colored & (away > _BLUR))] = FALSE
        column[is_colored & (value > 0.2) & (away < -_BLUR / 2)] = TRUE
    for tag, lowest, highest in (
        ("black", -1.0, 0.15),
        ("grey", 0.2, 0.75),
        ("white", 0.8, 2.0),
    ):
        column = truths[:, _COLUMN[tag]]
        beyond = np.maximum(lowest - value, value - highest)
        column[is_colored | (beyond > 0.08)] = FALSE
        column[is_dull & (beyond < 0)] = TRUE


def _hue(color: Float32Array) -> Float32Array:
    red, green, blue = color.T
    spread = np.maximum(color.max(axis=1) - color.min(axis=1), 1e-6)
    sectors = np.select(
        [color.argmax(axis=1) == 0, color.argmax(axis=1) == 1],
        [(green - blue) / spread, 2 + (blue - red) / spread],
        4 + (red - green) / spread,
    )
    return np.asarray(sectors * 60 % 360, np.float32)


def _texture(truths: Truths, roughness: Float32Array) -> None:
    _range(truths, "smooth", -roughness, above=-0.08, below=-0.16)
    _range(truths, "textured", roughness, above=0.2, below=0.1)


def _shape(truths: Truths, mask: Float32Array, measures: Float32Array) -> None:
    narrow, fullness = _moments(mask)
    smooth = (fullness - 0.88) / 0.1
    _range(truths, "round", np.minimum((narrow - 0.7) / 0.15, smooth), above=0.6,
           below=-0.5)  # fmt: skip
    _range(truths, "elongated", -narrow, above=-0.45, below=-0.65)
    _range(truths, "irregular", -fullness, above=-0.85, below=-0.93)
    _range(truths, "rectangular", measures[:, 2], above=0.9, below=0.82)


def _moments(mask: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Return short by long axis, and area by that of the ellipse with such axes."""
    side = mask.shape[-1]
    y, x = np.mgrid[:side, :side].astype(np.float32)
    area = np.maximum(mask.sum(axis=(1, 2)), 1e-6)

    def mean(values: Float32Array) -> Float32Array:
        return np.asarray((values * mask).sum(axis=(1, 2)) / area, np.float32)

    my, mx = mean(y), mean(x)
    yy, xx = mean(y * y) - my**2 + 1 / 12, mean(x * x) - mx**2 + 1 / 12
    xy = mean(y * x) - my * mx
    root = np.sqrt(((yy - xx) / 2) ** 2 + xy**2)
    long, short = (yy + xx) / 2 + root, np.maximum((yy + xx) / 2 - root, 1e-3)
    ellipse = 4 * np.pi * np.sqrt(long * short)
    return np.sqrt(short / long), np.asarray(area / ellipse, np.float32)
