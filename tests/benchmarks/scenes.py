"""Images for benchmarks that look like microscopy, of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from tilesam.training.scenes import render_scene

FIELD = 500
"""Side of a field in pixels. Its nuclei are 20 to 60 pixels wide."""

FIELDS = 16


def fields_of_nuclei(
    count: int = FIELDS, *, size: int = FIELD
) -> list[NDArray[np.uint8]]:
    """Return fluorescence micrographs on black, generated, (size, size)."""
    fields: list[NDArray[np.uint8]] = []
    seed = 0
    while len(fields) < count:
        image = render_scene("nuclei", size=size, rng=np.random.default_rng(seed)).image
        seed += 1
        grey = image if image.ndim == 2 else image[..., 0]
        is_grey = image.ndim == 2 or (np.ptp(image, axis=2) == 0).all()
        if is_grey and np.median(grey) < 40:
            fields.append(grey.astype(np.uint8))
    return fields


def write_slide(path: Path, side: int) -> None:
    """Write a tiled 8-bit TIFF of so many pixels a side, turned fields side by side."""
    fields = fields_of_nuclei()
    rng = np.random.default_rng(0)
    slide = np.zeros((side, side), np.uint8)
    for y in range(0, side, FIELD):
        for x in range(0, side, FIELD):
            field = np.rot90(fields[rng.integers(len(fields))], rng.integers(4))
            height, width = min(FIELD, side - y), min(FIELD, side - x)
            slide[y : y + height, x : x + width] = field[:height, :width]
    tifffile.imwrite(path, slide, tile=(512, 512), compression="zlib")
