"""A simulated user: first a point or a loose box, then points where the mask is wrong.

Kirillov et al. 2023, "Segment Anything", appendix A, "Training algorithm".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tilesam.model.mask_decoder import MaskDecoderOutput
    from tilesam.model.sam import Sam

FirstPrompt = Literal["point", "box"]

BOX_NOISE = 0.1
"""Standard deviation of a corner's displacement, as a share of the box's side."""

BOX_NOISE_LIMIT = 20.0
"""Largest displacement of a corner, in pixels of a 1024-pixel input."""


@dataclass(frozen=True)
class PromptState:
    """All prompts so far on (B, N) objects; the names are those of `Sam.decode`."""

    points_xy: Tensor | None = None
    point_labels: Tensor | None = None
    boxes_xyxy: Tensor | None = None
    mask_input: Tensor | None = None

    @property
    def is_single_point(self) -> bool:
        """Whether nothing but one point was given: the ambiguous case."""
        return (
            self.boxes_xyxy is None
            and self.mask_input is None
            and self.point_labels is not None
            and self.point_labels.shape[-1] == 1
        )

    def with_point(self, point_xy: Tensor, label: Tensor) -> PromptState:
        """Return the state with one more (B, N, 1, 2) point of (B, N, 1) label."""
        if self.points_xy is None or self.point_labels is None:
            return replace(self, points_xy=point_xy, point_labels=label)
        return replace(
            self,
            points_xy=torch.cat([self.points_xy, point_xy], dim=2),
            point_labels=torch.cat([self.point_labels, label], dim=2),
        )


@dataclass(frozen=True)
class Round:
    """One question to the network and its answer."""

    prompts: PromptState
    output: MaskDecoderOutput


def simulate_rounds(
    network: Sam,
    image_embedding: Tensor,
    masks: Tensor,
    *,
    first: FirstPrompt,
    error_points: int,
    repeats: int,
    generator: torch.Generator,
    multimask_output: bool = True,
    mask_feedback: bool = True,
) -> Iterator[Round]:
    """Ask for objects again and again, as the paper's training does.

    Parameters
    ----------
    image_embedding
        (B, 256, h, w).
    masks
        (B, N, S, S) bool, the objects meant.
    first
        What the first prompt of all of them is.
    error_points
        Rounds with one more point, drawn where the last mask was wrong.
    repeats
        Rounds without a new point: one last, the others at random places.
    multimask_output
        Whether a single point is answered by three masks, not by the single one.
    mask_feedback
        Whether further rounds are given the logits that they correct; else they have
        all points, and nothing besides.

    Yields
    ------
    Round
        `1 + error_points + repeats` of them. The mask fed back is detached.
    """
    prompts = build_first_prompt(masks, first, generator)
    output = network.decode(image_embedding, **vars(prompts))
    yield Round(prompts, output)
    for has_new_point in draw_plan(error_points, repeats, generator):
        feedback = choose_feedback(output, prompts, multimask_output=multimask_output)
        if mask_feedback:
            prompts = replace(prompts, mask_input=feedback)
        if has_new_point:
            prompts = prompts.with_point(
                *sample_error_point(masks, feedback, generator)
            )
        output = network.decode(image_embedding, **vars(prompts))
        yield Round(prompts, output)


def draw_plan(
    error_points: int, repeats: int, generator: torch.Generator
) -> list[bool]:
    """Return for each round after the first whether it has a new point."""
    plan = [True] * error_points
    for _ in range(repeats - 1):
        place = int(torch.randint(0, len(plan) + 1, (1,), generator=generator))
        plan.insert(place, False)
    return plan + [False] * min(repeats, 1)


def build_first_prompt(
    masks: Tensor, first: FirstPrompt, generator: torch.Generator
) -> PromptState:
    """Return a point uniform in each mask, or a box around it with loose corners."""
    if first == "box":
        return PromptState(boxes_xyxy=sample_boxes(masks, generator))
    points_xy = sample_points(masks, generator)
    labels = torch.ones(points_xy.shape[:-1], dtype=torch.long, device=masks.device)
    return PromptState(points_xy=points_xy, point_labels=labels)


def sample_points(regions: Tensor, generator: torch.Generator) -> Tensor:
    """Return one pixel of each (B, N, H, W) bool region as (B, N, 1, 2) float xy."""
    # Of random numbers on the region's pixels the largest is at a uniform place.
    noise = torch.rand(regions.shape, generator=generator).to(regions.device)
    index = (noise + 1e-6).mul_(regions).flatten(2).argmax(dim=2, keepdim=True)
    width = regions.shape[-1]
    return torch.stack([index % width, index // width], dim=-1).float()


def tight_boxes(masks: Tensor) -> Tensor:
    """Return the boxes of (B, N, H, W) bool masks as (B, N, 1, 4) float xyxy."""
    sides = []
    for profile in (masks.any(dim=2), masks.any(dim=3)):  # columns, then rows
        length = profile.shape[-1]
        first = profile.to(torch.uint8).argmax(dim=-1)
        last = length - 1 - profile.flip(-1).to(torch.uint8).argmax(dim=-1)
        sides.append((first, last))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], dim=-1).unsqueeze(2).float()


def sample_boxes(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Return (B, N, 1, 4) boxes with noisy corners, at least two pixels wide."""
    boxes = tight_boxes(masks)
    size = masks.shape[-1]
    sides = (boxes[..., 2:] - boxes[..., :2]).repeat(1, 1, 1, 2)
    noise = torch.randn(boxes.shape, generator=generator).to(boxes.device)
    limit = BOX_NOISE_LIMIT * size / 1024
    shift = (noise * BOX_NOISE * sides).clamp(-limit, limit)
    boxes = (boxes + shift).clamp(0, size - 1)
    lower = boxes[..., :2].minimum(boxes[..., 2:] - 1)
    upper = boxes[..., 2:].maximum(boxes[..., :2] + 1)
    return torch.cat([lower, upper], dim=-1).clamp(0, size - 1)


def choose_feedback(
    output: MaskDecoderOutput, prompts: PromptState, *, multimask_output: bool = True
) -> Tensor:
    """Return the (B, N, 4h, 4w) logits that the next round is given, detached.

    After a single point that is the best of the three by predicted IoU, later, and
    without `multimask_output`, the single mask.
    """
    logits = output.low_res_logits.detach()
    if not (multimask_output and prompts.is_single_point):
        return logits[:, :, 0]
    best = output.predicted_iou.detach()[:, :, 1:].argmax(dim=-1) + 1
    index = best[:, :, None, None, None].expand(-1, -1, 1, *logits.shape[-2:])
    return logits.gather(2, index).squeeze(2)


def sample_error_point(
    masks: Tensor, logits: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return a point where the mask is wrong: (B, N, 1, 2) xy and (B, N, 1) label.

    A missed pixel gives a positive, a superfluous one a negative point. A perfect
    mask gets one more positive point.
    """
    factor = masks.shape[-1] // logits.shape[-1]
    predicted = (logits > 0).repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    wrong = predicted ^ masks
    is_perfect = ~wrong.flatten(2).any(dim=2)
    region = torch.where(is_perfect[:, :, None, None], masks, wrong)
    points_xy = sample_points(region, generator)
    index = points_xy[..., 1] * masks.shape[-1] + points_xy[..., 0]
    labels = masks.flatten(2).gather(2, index.long())
    return points_xy, labels.long()
