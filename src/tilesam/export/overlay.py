"""A picture for people: the image, what was asked, and three answers side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tilesam.types import FOREGROUND, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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

LARGEST_SIDE = 2048
"""Longest side of the pixels that are asked of the image, however much they show."""

TINT, CONTOUR_WIDTH, POINT_RADIUS, GAP = 0.35, 2, 7, 16
FONT_SIZE, LINE_HEIGHT, CAPTION_WIDTH = 16, 22, 380
TITLES = ("First candidate", "Second candidate", "Third candidate")


def region_of(answers: Sequence[Answer], image_hw: tuple[int, int]) -> Window:
    """Return the smallest part of the image around all windows that answered."""
    windows = [c.window for answer in answers for c in answer.candidates]
    y0, x0 = min(w.y0 for w in windows), min(w.x0 for w in windows)
    # Windows of coarse levels may stick out of the image by part of a pixel of theirs.
    bottom = min(max(w.y0 + w.height for w in windows), image_hw[0])
    right = min(max(w.x0 + w.width for w in windows), image_hw[1])
    return Window(y0, x0, bottom - y0, right - x0)


def shown_hw(region: Window) -> tuple[int, int]:
    """Return at which height and width to read a region: its own if it is not large."""
    sides = (region.height, region.width)
    shrinking = max(1.0, max(sides) / LARGEST_SIDE)
    height, width = (max(1, round(side / shrinking)) for side in sides)
    return height, width


def draw_overlay(
    pixels: UInt8Array, region: Window, answers: Sequence[Answer]
) -> Image.Image:
    """Draw one panel for the first candidates of all objects, one for the second ...

    Parameters
    ----------
    pixels
        (h, w, 3) RGB of the region, of any size: that of `shown_hw` serves best.
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
    frame = _build_frame(region)
    background = Image.fromarray(pixels).resize(
        (frame.width, frame.height),
        # Where single pixels are seen, they are shown as squares.
        Image.Resampling.NEAREST if frame.is_enlarged else Image.Resampling.LANCZOS,
    )
    panels = []
    for index in range(len(answers[0].candidates)):
        picture = _tinted(background, frame, [a.candidates[index] for a in answers])
        for number, answer in enumerate(answers, start=1):
            label = str(number) if len(answers) > 1 else ""
            _draw_prompts(picture, frame, answer.prompts, label=label)
        panels.append(_with_caption(picture, TITLES[index], answers, index=index))
    return _arranged(panels, is_wide=region.width > 1.6 * region.height)


@dataclass(frozen=True)
class _Frame:
    """Where a panel of so many pixels shows what of the image.

    Places on a panel are as Pillow has them, the centre of the first pixel at (0, 0).
    """

    region: Window
    height: int
    width: int

    @property
    def is_enlarged(self) -> bool:
        """Whether single pixels of the image are seen."""
        return self.width >= 2 * self.region.width

    def place(self, y: float, x: float) -> tuple[float, float]:
        """Return (x, y) on the panel of a place in the image."""
        panel_y = (y - self.region.y0 + 0.5) * self.height / self.region.height
        panel_x = (x - self.region.x0 + 0.5) * self.width / self.region.width
        return panel_x - 0.5, panel_y - 0.5

    def mask(self, candidate: MaskCandidate) -> BoolArray:
        """Return which panel pixels have their centre on the mask."""
        y, x = candidate.offset_yx
        rows = _pixels_at_centres(self.height, self.region.height) + self.region.y0 - y
        columns = _pixels_at_centres(self.width, self.region.width) + self.region.x0 - x
        is_row = (rows >= 0) & (rows < candidate.mask.shape[0])
        is_column = (columns >= 0) & (columns < candidate.mask.shape[1])
        mask = np.zeros((self.height, self.width), np.bool_)
        mask[np.ix_(is_row, is_column)] = candidate.mask[
            np.ix_(rows[is_row], columns[is_column])
        ]
        return mask


def _build_frame(region: Window) -> _Frame:
    scale = PANEL_SIDE / max(region.height, region.width)
    if scale >= 2:
        scale = int(scale)  # all squares of one size
    height, width = (
        max(1, round(side * scale)) for side in (region.height, region.width)
    )
    return _Frame(region, height, width)


def _pixels_at_centres(panel_size: int, size: int) -> NDArray[np.int64]:
    """Return which of `size` pixels each pixel of a panel has under its centre."""
    return (2 * np.arange(panel_size) + 1) * size // (2 * panel_size)


def _tinted(
    background: Image.Image, frame: _Frame, candidates: Sequence[MaskCandidate]
) -> Image.Image:
    canvas = np.asarray(background).astype(np.float32)
    for number, candidate in enumerate(candidates):
        color = OBJECT_COLORS[number % len(OBJECT_COLORS)]
        mask = frame.mask(candidate)
        canvas[mask] += (np.array(color, np.float32) - canvas[mask]) * TINT
        outer = _eroded(mask, CONTOUR_WIDTH)
        canvas[mask & ~outer] = color
        canvas[outer & ~_eroded(outer, 1)] = HALO
    return Image.fromarray(np.rint(canvas).astype(np.uint8))


def _eroded(mask: BoolArray, width: int) -> BoolArray:
    """Return the mask without `width` pixels along its edge."""
    inner = mask
    for _ in range(width):
        padded = np.pad(inner, 1)
        inner = inner & padded[2:, 1:-1] & padded[:-2, 1:-1]
        inner = inner & padded[1:-1, 2:] & padded[1:-1, :-2]
    return inner


def _draw_prompts(
    picture: Image.Image, frame: _Frame, prompts: Prompts, *, label: str
) -> None:
    draw = ImageDraw.Draw(picture)
    anchor: tuple[float, float] | None = None
    for y0, x0, y1, x1 in prompts.boxes_yxyx:
        corners = [frame.place(y0, x0), frame.place(y1, x1)]
        draw.rectangle(corners, outline=HALO, width=4)
        draw.rectangle(corners, outline=BOX, width=2)
        anchor = anchor or corners[0]
    for (y, x), kind in zip(prompts.points_yx, prompts.point_labels, strict=True):
        centre = frame.place(y, x)
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
    return scores if candidate.mask.any() else f"{scores}  (empty mask)"


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
