"""The refiner: a mask and the pixels around its object to a sharper mask.

The mask decoder sees an object as the few cells of the image embedding that it covers.
This network sees the pixels, with the object enlarged to about half of its input, and
is small enough to run for every answer. It is a network of our own, with the cascade
of earlier work on cropping interactive segmentation in mind: what Segment Anything
answers says where to look, and is one of the inputs.

See also Lin et al. 2022, "FocusCut", Chen et al. 2022, "FocalClick"; the network is a
residual U-Net (Ronneberger et al. 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tilesam.model.refining.inputs import CHANNELS


@dataclass(frozen=True)
class RefinerConfig:
    """Sizes of the network.

    Parameters
    ----------
    size
        Side of the regions that the weights know, in pixels, a multiple of 16.
    dims, depths
        Channels and residual blocks at strides 2, 4, 8 and 16.
    """

    size: int = 112
    dims: tuple[int, int, int, int] = (32, 64, 128, 224)
    depths: tuple[int, int, int, int] = (1, 2, 3, 3)


class RefinerOutput(NamedTuple):
    """One mask for each of B regions.

    Parameters
    ----------
    logits
        (B, S, S) float, unthresholded.
    predicted_iou
        (B,) float in [0, 1].
    """

    logits: Tensor
    predicted_iou: Tensor


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside the identity."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim)),
            nn.ReLU(),
            *(nn.Conv2d(dim, dim, 3, padding=1, bias=False), nn.BatchNorm2d(dim)),
        )
        # Begins as the identity.
        nn.init.zeros_(cast("nn.BatchNorm2d", self.body[-1]).weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, C, h, w) for (B, C, h, w)."""
        return F.relu(x + self.body(x))


class Refiner(nn.Module):
    """Nine channels of a region to its mask and the mask's predicted IoU."""

    def __init__(self, config: RefinerConfig | None = None) -> None:
        super().__init__()
        self.config = config or RefinerConfig()
        dims, depths = self.config.dims, self.config.depths
        stages, previous = [], CHANNELS
        for index, (dim, depth) in enumerate(zip(dims, depths, strict=True)):
            down = _down(previous, dim, kernel=5 if index == 0 else 3)
            stages.append(
                nn.Sequential(down, *(ResidualBlock(dim) for _ in range(depth)))
            )
            previous = dim
        self.stages = nn.ModuleList(stages)
        pairs = list(pairwise(dims))
        self.narrow = nn.ModuleList(nn.Conv2d(deep, fine, 1) for fine, deep in pairs)
        self.merge = nn.ModuleList(ResidualBlock(fine) for fine, _ in pairs)
        self.to_logits = nn.Conv2d(dims[0], 4, 1)
        self.to_iou = nn.Sequential(
            *(nn.Linear(dims[-1] + dims[0], 128), nn.ReLU(), nn.Linear(128, 1))
        )

    def forward(self, channels: Tensor) -> RefinerOutput:
        """Refine the masks of B regions.

        Parameters
        ----------
        channels
            (B, 9, S, S) as `RegionInputs.channels` makes them; S a multiple of 16.
        """
        features, x = [], channels
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        for index in reversed(range(len(self.merge))):
            coarse = F.interpolate(self.narrow[index](x), scale_factor=2.0)
            x = self.merge[index](features[index] + coarse)
        logits = F.pixel_shuffle(self.to_logits(x), 2)[:, 0]
        return RefinerOutput(logits, self._predict_iou(features[-1], x, logits))

    def _predict_iou(self, deep: Tensor, fine: Tensor, logits: Tensor) -> Tensor:
        """Judge by the region as a whole and by the features of the mask."""
        # Judging may form the features, but does not pull at the mask itself.
        share = F.avg_pool2d(logits.detach().sigmoid()[:, None], 2).to(fine)
        total = share.sum(dim=(2, 3)).clamp(min=1.0)
        of_mask = (fine * share).sum(dim=(2, 3)) / total
        whole = deep.mean(dim=(2, 3))
        judged = self.to_iou(torch.cat([whole, of_mask], dim=1))
        return cast("Tensor", judged.float().sigmoid().squeeze(1))


def _down(channels_in: int, channels_out: int, *, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            channels_in, channels_out, kernel, stride=2, padding=kernel // 2, bias=False
        ),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )
