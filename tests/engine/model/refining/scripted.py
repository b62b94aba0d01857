"""Refiners whose answers can be foretold, and what they are asked about."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from tilesam.model.refining.network import Refiner, RefinerConfig, RefinerOutput
from tilesam.model.refining.questions import Question
from tilesam.model.refining.refiner import MaskRefiner
from tilesam.types import Window

PIXELS, INSIDE, ANSWER, EARLIER, POSITIVE, NEGATIVE, BOX = slice(0, 3), 3, 4, 5, 6, 7, 8
"""Channels of the input."""

SURE = 40.0

TINY = RefinerConfig(size=32, dims=(4, 4, 4, 4), depths=(1, 1, 1, 1))
"""A complete network that runs in a millisecond."""

Rule = Callable[[Tensor], Tensor]


def bright(channels: Tensor) -> Tensor:
    """Say that what is brighter than the middle of the range is the object."""
    light = channels[:, PIXELS].mean(dim=1)
    middle = (light.amax(dim=(1, 2)) + light.amin(dim=(1, 2)))[:, None, None] / 2
    found = (light >= middle) & (channels[:, INSIDE] > 0)
    return found * 2 * SURE - SURE


def bright_in_boxes(channels: Tensor) -> Tensor:
    """Say that what is bright and in the box is the object."""
    return torch.where(channels[:, BOX] > 0, bright(channels), -SURE)


def only(channel: int) -> Rule:
    """Repeat one of the channels; say that there is nothing where it is empty."""

    def rule(channels: Tensor) -> Tensor:
        shown = channels[:, channel]
        is_empty = ~shown.flatten(1).any(dim=1)[:, None, None]
        return torch.where(is_empty, -1.0, shown) * SURE

    return rule


def everywhere(channels: Tensor) -> Tensor:
    """Say that all is object."""
    return torch.full_like(channels[:, INSIDE], SURE)


def nowhere(channels: Tensor) -> Tensor:
    """Say that nothing is."""
    return -everywhere(channels)


def half_sure(channels: Tensor) -> Tensor:
    """Return the same score whatever is asked."""
    return torch.full((len(channels),), 0.5)


def surplus(channels: Tensor) -> Tensor:
    """Score by what the decoder's answer has beyond what is bright, the worst best."""
    light = bright(channels) > 0
    beyond = ~light & (channels[:, ANSWER] > 0)
    found = beyond.float().sum(dim=(1, 2)) / light.sum(dim=(1, 2)).clamp(min=1)
    return found.clamp(max=1)


class ScriptedNetwork(nn.Module):
    """Stands for `Refiner`; keeps the channels that it was shown."""

    def __init__(self, rule: Rule, score: Rule = half_sure, *, size: int = 64) -> None:
        super().__init__()
        self.config = RefinerConfig(size=size)
        self.rule, self.score = rule, score
        self.shown: list[Tensor] = []

    def forward(self, channels: Tensor) -> RefinerOutput:
        self.shown.append(channels)
        return RefinerOutput(self.rule(channels), self.score(channels))


def scripted_refiner(
    rule: Rule, score: Rule = half_sure, *, size: int = 64, input_size: int = 64
) -> MaskRefiner:
    network = ScriptedNetwork(rule, score, size=size)
    return MaskRefiner(network, weights_sha256="a" * 64, input_size=input_size)


def tiny_network(seed: int = 0, config: RefinerConfig = TINY) -> Refiner:
    """Return a network with random weights, none of them without effect."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Refiner(config)
        for name, value in network.named_parameters():
            if not value.any():  # blocks begin as the identity
                nn.init.uniform_(value, -1.0, 1.0)
            assert value.any(), name
    return network.eval()


def shown_to(refiner: MaskRefiner) -> Tensor:
    """Return (B, 9, S, S), all that a scripted refiner was shown."""
    return torch.cat(refiner.network.shown)


def question(
    window: Window,
    *,
    points=(),
    labels=None,
    boxes=(),
    answer=None,
    earlier=None,
) -> Question:
    """Return a question; the decoder's answer is empty by default."""
    points_yx = np.array(points, np.float64).reshape(-1, 2)
    if labels is None:
        labels = np.ones(len(points_yx), np.int64)
    return Question(
        points_yx,
        np.array(labels, np.int64),
        np.array(boxes, np.float64).reshape(-1, 4),
        window,
        np.full((16, 16), -SURE, np.float32) if answer is None else answer,
        earlier,
    )


def cells(y0: int, x0: int, y1: int, x1: int) -> np.ndarray:
    """Return (16, 16) logits that are positive in a rectangle."""
    logits = np.full((16, 16), -SURE, np.float32)
    logits[y0:y1, x0:x1] = SURE
    return logits


def paste(crop: np.ndarray, offset_yx: tuple[int, int], hw: tuple[int, int]):
    """Return a mask of the whole image."""
    mask = np.zeros(hw, bool)
    (y, x), (height, width) = offset_yx, crop.shape
    mask[y : y + height, x : x + width] = crop
    return mask
