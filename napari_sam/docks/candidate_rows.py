"""Candidates as the panel lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from napari.layers import Image

from napari_sam.layers.candidate_layers import COLORS
from napari_sam.views.records import CandidateRow
from napari_sam.views.thumbnails import draw_thumbnail, place_mask, thumbnail_window
from tilesam.types import MaskCandidate, UInt8Array, Window

COLOR_NAMES = ("orange", "blue", "pink")

THUMBNAIL_PIXELS = 128
"""The image is read at no more than this for a thumbnail."""


class ThumbnailPlace(NamedTuple):
    """What of the image all thumbnails of an answer show, and how large to read it."""

    window: Window
    out_hw: tuple[int, int]


def thumbnail_place(
    candidates: Sequence[MaskCandidate], image_hw: tuple[int, int]
) -> ThumbnailPlace | None:
    """Return what to read for the thumbnails; None if all masks are empty."""
    bounds = [c.bounds_yxyx for c in candidates if c.bounds_yxyx is not None]
    if not bounds:
        return None
    low = np.min([b[:2] for b in bounds], axis=0)
    high = np.max([b[2:] for b in bounds], axis=0)
    y0, x0, y1, x1 = thumbnail_window((*low, *high), image_hw)
    scale = min(1.0, THUMBNAIL_PIXELS / max(y1 - y0, x1 - x0))
    hw = (max(round((y1 - y0) * scale), 1), max(round((x1 - x0) * scale), 1))
    return ThumbnailPlace(Window(y0, x0, y1 - y0, x1 - x0), hw)


def candidate_rows(
    candidates: Sequence[MaskCandidate],
    image: Image,
    place: ThumbnailPlace | None = None,
    pixels: UInt8Array | None = None,
) -> list[CandidateRow]:
    """Return a row for each candidate.

    Parameters
    ----------
    candidates
        By rank.
    image
        The layer, for areas in its units.
    place, pixels
        What `thumbnail_place` says, and the pixels there, once they were read.
    """
    return [
        _row(candidate, rank, image, _thumbnail(candidate, rank, place, pixels))
        for rank, candidate in enumerate(candidates)
    ]


def _thumbnail(
    candidate: MaskCandidate,
    rank: int,
    place: ThumbnailPlace | None,
    pixels: UInt8Array | None,
) -> UInt8Array | None:
    if place is None or pixels is None:
        return None
    y0, x0 = place.window.y0, place.window.x0
    extent = (y0, x0, y0 + place.window.height, x0 + place.window.width)
    mask = place_mask(candidate.mask, candidate.offset_yx, extent)
    return draw_thumbnail(pixels, mask, color=_rgb(COLORS[rank % len(COLORS)]))


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
