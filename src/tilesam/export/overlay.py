"""A picture for people: the image, what was asked, and three answers side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tilesam.types import FOREGROUND, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tilesam.export.records import Answer
    from tilesam.types import BoolArray, MaskCandidate, Prompts, UInt8Array

Color: TypeAlias = tuple[int, int, int]

OBJECT_COLORS: tuple[Color, ...] = (
    (240, 150, 0),
    (70, 180, 250),
    (245, 235, 60),
    (220, 110, 190),
    (150, 130, 255),
    (90, 235, 215),
)
"""Without green and red, which prompts have."""

POSITIVE, NEGATIVE, BOX = (20, 190, 60), (225, 30, 40), (255, 255, 255)
PAPER, INK, HALO = (255, 255, 255), (30, 30, 30), (0, 0, 0)

PANEL_SIDE = 640
"""Longest side of a panel in pixels, whatever the size of the image."""

TINT, CONTOUR_WIDTH, POINT_RADIUS, GAP = 0.35, 2, 7, 16
FONT_SIZE, LINE_HEIGHT, CAPTION_WIDTH = 16, 22, 380
TITLES = ("First candidate", "Second candidate", "Third candidate")


def region_of(answers: Sequence[Answer]) -> Window:
    """Return the smallest window around all windows that answered."""
    windows = [c.window for answer in answers for c in answer.candidates]
    y0, x0 = min(w.y0 for w in windows), min(w.x0 for w in windows)
    bottom = max(w.y0 + w.height for w in windows)
    right = max(w.x0 + w.width for w in windows)
    return Window(y0, x0, bottom - y0, right - x0)


def draw_overlay(
    pixels: UInt8Array, region: Window, answers: Sequence[Answer]
) -> Image.Image:
    """Draw one panel for the first candidates of all objects, one for the second ...

    Parameters
    ----------
    pixels
        (h, w, 3) RGB of the region.
    region
        The part of the image that is shown.
    answers
        One for each object, with equally many candidates.

    Returns
    -------
    Image
        RGB. Panels stand side by side, or below each other where the region is wide;
        the masks are tinted and outlined, foreground points are green with a plus,
        background points red with a minus, boxes white. Predicted IoU and stability
        score stand below.
    """
    background, scale = _enlarged_or_reduced(pixels)
    panels = []
    for index in range(len(answers[0].candidates)):
        picture = _tinted(background, region, [a.candidates[index] for a in answers])
        for number, answer in enumerate(answers, start=1):
            label = str(number) if len(answers) > 1 else ""
            _draw_prompts(
                picture, answer.prompts, region=region, scale=scale, label=label
            )
        panels.append(_with_caption(picture, TITLES[index], answers, index=index))
    return _arranged(panels, is_wide=region.width > 1.6 * region.height)


def _enlarged_or_reduced(pixels: UInt8Array) -> tuple[Image.Image, float]:
    """Return the pixels at panel size, and how many panel pixels one pixel became."""
    image = Image.fromarray(pixels)
    scale = PANEL_SIDE / max(image.size)
    if scale >= 2:
        # Single pixels are seen then: show them as squares, all of one size.
        scale, method = int(scale), Image.Resampling.NEAREST
    else:
        method = Image.Resampling.LANCZOS
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), method), scale


def _tinted(
    background: Image.Image, region: Window, candidates: Sequence[MaskCandidate]
) -> Image.Image:
    canvas = np.asarray(background).astype(np.float32)
    for number, candidate in enumerate(candidates):
        color = OBJECT_COLORS[number % len(OBJECT_COLORS)]
        mask = _mask_in_panel(candidate, region, background.size)
        canvas[mask] += (np.array(color, np.float32) - canvas[mask]) * TINT
        outer = _eroded(mask, CONTOUR_WIDTH)
        canvas[mask & ~outer] = color
        canvas[outer & ~_eroded(outer, 1)] = HALO
    return Image.fromarray(np.rint(canvas).astype(np.uint8))


def _mask_in_panel(
    candidate: MaskCandidate, region: Window, size: tuple[int, int]
) -> BoolArray:
    mask = np.zeros((region.height, region.width), np.bool_)
    y, x = candidate.offset_yx[0] - region.y0, candidate.offset_yx[1] - region.x0
    mask[y : y + candidate.mask.shape[0], x : x + candidate.mask.shape[1]] = (
        candidate.mask
    )
    resized = Image.fromarray(mask).resize(size, Image.Resampling.NEAREST)
    return np.asarray(resized, np.bool_)


def _eroded(mask: BoolArray, width: int) -> BoolArray:
    """Return the mask without `width` pixels along its edge."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = inner & padded[2:, 1:-1] & padded[:-2, 1:-1]
        inner = inner & padded[1:-1, 2:] & padded[1:-1, :-2]
    return inner


def _draw_prompts(
    picture: Image.Image, prompts: Prompts, *, region: Window, scale: float, label: str
) -> None:
    draw = ImageDraw.Draw(picture)

    def to_panel(y: float, x: float) -> tuple[float, float]:
        return (x - region.x0 + 0.5) * scale, (y - region.y0 + 0.5) * scale

    anchor: tuple[float, float] | None = None
    for y0, x0, y1, x1 in prompts.boxes_yxyx:
        corners = [to_panel(y0, x0), to_panel(y1, x1)]
        draw.rectangle(corners, outline=HALO, width=4)
        draw.rectangle(corners, outline=BOX, width=2)
        anchor = anchor or corners[0]
    for (y, x), kind in zip(prompts.points_yx, prompts.point_labels, strict=True):
        centre = to_panel(y, x)
        _draw_point(draw, centre, is_positive=kind == FOREGROUND)
        anchor = anchor or centre
    if label and anchor is not None:
        place = (anchor[0] + POINT_RADIUS + 3, anchor[1] - POINT_RADIUS - 3)
        _draw_text(draw, place, label, fill=PAPER, is_outlined=True)


def _draw_point(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], *, is_positive: bool
) -> None:
    x, y = centre
    draw.circle(centre, POINT_RADIUS + 1, fill=HALO)
    draw.circle(
        centre,
        POINT_RADIUS,
        fill=POSITIVE if is_positive else NEGATIVE,
        outline=PAPER,
        width=2,
    )
    arm = POINT_RADIUS - 4
    draw.line([(x - arm, y), (x + arm, y)], fill=PAPER, width=2)
    if is_positive:
        draw.line([(x, y - arm), (x, y + arm)], fill=PAPER, width=2)


def _with_caption(
    picture: Image.Image, title: str, answers: Sequence[Answer], *, index: int
) -> Image.Image:
    """Return the picture on paper, with a line of scores below for each object."""
    width = max(picture.width, CAPTION_WIDTH)
    height = picture.height + LINE_HEIGHT * (1 + len(answers)) + GAP // 2
    panel = Image.new("RGB", (width, height), PAPER)
    panel.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(panel)
    y = picture.height + GAP // 2
    _draw_text(draw, (0, y), title, fill=INK)
    for number, answer in enumerate(answers):
        y += LINE_HEIGHT
        swatch = (0, y + 3, 14, y + 17)
        draw.rectangle(swatch, fill=OBJECT_COLORS[number % len(OBJECT_COLORS)])
        text = _scores(answer.candidates[index])
        if len(answers) > 1:
            text = f"{number + 1}:  {text}"
        _draw_text(draw, (22, y), text, fill=INK)
    return panel


def _scores(candidate: MaskCandidate) -> str:
    scores = (
        f"predicted IoU {candidate.predicted_iou:.2f},  "
        f"stability {candidate.stability_score:.2f}"
    )
    return scores if candidate.area else f"{scores}  (empty mask)"


def _draw_text(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    *,
    fill: Color,
    is_outlined: bool = False,
) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    draw.text(
        place, text, fill=fill, font=font,
        stroke_width=2 if is_outlined else 0, stroke_fill=HALO,
    )  # fmt: skip


def _arranged(panels: Sequence[Image.Image], *, is_wide: bool) -> Image.Image:
    """Return panels in a row, or in a column if they are wide, on one sheet."""
    step_x = 0 if is_wide else panels[0].width + GAP
    step_y = panels[0].height + GAP if is_wide else 0
    last = len(panels) - 1
    size = (
        panels[0].width + last * step_x + 2 * GAP,
        panels[0].height + last * step_y + 2 * GAP,
    )
    sheet = Image.new("RGB", size, PAPER)
    for index, panel in enumerate(panels):
        sheet.paste(panel, (GAP + index * step_x, GAP + index * step_y))
    return sheet
