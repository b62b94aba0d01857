"""How large the pixels of a layer are, as files say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tilesam.image.pixel_size import PixelSize


def pixel_size(attributes: Mapping[str, Any]) -> PixelSize | None:
    """Return how large a layer's pixels are; None where they are units themselves."""
    scale = [float(size) for size in attributes.get("scale", (1.0, 1.0))[-2:]]
    origin = [float(at) for at in attributes.get("translate", (0.0, 0.0))[-2:]]
    units = attributes.get("units", ("pixel", "pixel"))[-2:]
    if units[0] != units[1]:
        factor = float(units[0].m_from(1 * units[1]))
        scale[1], origin[1] = scale[1] * factor, origin[1] * factor
    size = PixelSize((scale[0], scale[1]), str(units[0]), (origin[0], origin[1]))
    return None if size == PixelSize((1.0, 1.0)) else size
