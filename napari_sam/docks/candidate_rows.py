"""Candidates as the panel lists them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.layers import Image

from napari_sam.candidate_layers import COLORS
from napari_sam.views.records import CandidateRow
from napari_sam.views.thumbnails import draw_thumbnail, place_mask, thumbnail_window
from tilesam.image.source import ImageSource
from tilesam.types import MaskCandidate, Window

COLOR_NAMES = ("orange", "blue", "pink")

THUMBNAIL_PIXELS = 128
"""The image is read at no more than this for a thumbnail."""


def candidate_rows(
    candidates: Sequence[MaskCandidate], source: ImageSource, image: Image
) -> list[CandidateRow]:
    """Return a row for each candidate, all thumbnails of the same part of the image.

    Parameters
    ----------
    candidates
        By rank.
    source
        Where pixels are read.
    image
        The layer, for areas in its units.
    """
    bounds = [c.bounds_yxyx for c in candidates if c.bounds_yxyx is not None]
    if not bounds:
        return [_row(c, rank, image, None) for rank, c in enumerate(candidates)]
    low = np.min([b[:2] for b in bounds], axis=0)
    high = np.max([b[2:] for b in bounds], axis=0)
    window = thumbnail_window((*low, *high), source.hw)
    y0, x0, y1, x1 = window
    scale = min(1.0, THUMBNAIL_PIXELS / max(y1 - y0, x1 - x0))
    hw = (max(round((y1 - y0) * scale), 1), max(round((x1 - x0) * scale), 1))
    pixels = source.read_resampled(Window(y0, x0, y1 - y0, x1 - x0), hw)
    return [
        _row(
            candidate,
            rank,
            image,
            draw_thumbnail(
                pixels,
                place_mask(candidate.mask, candidate.offset_yx, window),
                color=_rgb(COLORS[rank % len(COLORS)]),
            ),
        )
        for rank, candidate in enumerate(candidates)
    ]


def _row(
    candidate: MaskCandidate, rank: int, image: Image, thumbnail: np.ndarray | None
) -> CandidateRow:
    return CandidateRow(
        predicted_iou=candidate.predicted_iou,
        stability_score=candidate.stability_score,
        area=candidate.area,
        physical_area=_physical_area(candidate.area, image),
        thumbnail=thumbnail,
        color_name=COLOR_NAMES[rank % len(COLOR_NAMES)],
    )


def _physical_area(area: int, image: Image) -> tuple[float, str] | None:
    unit = f"{image.units[-1]:~}"
    if image.units[-2] != image.units[-1] or unit in ("px", "pixel", ""):
        return None
    return area * abs(float(np.prod(image.scale[-2:]))), f"{unit}²"


def _rgb(color: str) -> tuple[int, int, int]:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue
