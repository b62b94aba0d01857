"""Teach the projection of embeddings to prompt tokens; everything else stays frozen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tilesam.image import open_image
from tilesam.masks.run_masks import RunMasks
from tilesam.model.preprocessing import window_to_input
from tilesam.text.token import decode_with_token
from tilesam.text.views import look_at, to_input
from tilesam.text.vocabulary import numbers_of
from tilesam.training.datasets import sampling_weights
from tilesam.training.losses import mask_iou, mask_losses, soften
from tilesam.training.prompt_simulation import sample_boxes, sample_points
from tilesam.training.recipes import SHARP
from tilesam.training.text.captions import caption_for
from tilesam.training.text.truths import KINDS, of_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from tilesam.model.sam import Sam
    from tilesam.text.network import TextNetwork
    from tilesam.training.datasets import Sample
    from tilesam.training.manifest import ManifestDataset
    from tilesam.types import BoolArray

OBJECTS = 6
"""Of one image that are asked for in a step."""

RATE = 1e-3
SIDE = 512

WORDS_SHARE = 0.5
"""Of the steps whose token comes from a caption: at inference all do."""


def train_token(
    network: TextNetwork,
    sam: Sam,
    images: ManifestDataset,
    *,
    steps: int,
    seed: int,
    report: Callable[[int, int, float, float], None] | None = None,
) -> None:
    """Train `network.to_token`, in place.

    Parameters
    ----------
    network
        With encoders that are trained already.
    sam
        The network whose decoder is asked; is not changed.
    images
        The training split.
    steps
        Each with one image.
    seed
        Of what is drawn.
    report
        Called after each step with (done, total, IoU with the token, IoU without).
    """
    for frozen in (sam, network):
        frozen.requires_grad_(False)
    network.to_token.requires_grad_(True)
    optimizer = torch.optim.AdamW(network.to_token.parameters(), lr=RATE)
    weights = sampling_weights(images.domains, images.object_counts)
    for step in range(steps):
        rng = np.random.default_rng((seed, step))
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        sample = images[int(rng.choice(len(images), p=weights))]
        loss, with_token, without = _one_step(network, sam, sample, rng)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if report is not None:
            report(step + 1, steps, with_token, without)


def _one_step(
    network: TextNetwork, sam: Sam, sample: Sample, rng: np.random.Generator
) -> tuple[Tensor, float, float]:
    """Return the loss with the token, and the IoU with it and without it."""
    labels = sample.label_layers[0]
    ids = np.unique(labels[labels > 0])
    chosen = rng.permutation(ids)[:OBJECTS]
    masks = np.stack([labels == number for number in chosen])
    meant = _meant(network, sample, masks, rng)
    with torch.no_grad():
        image = window_to_input(sample.image, SIDE)[None]
        embedding = sam.encode(image)
    target = _to_input_frame(masks)[None]
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    prompts: dict[str, Tensor] = {}
    if rng.random() < 0.5:
        prompts["points_xy"] = sample_points(target, generator)
    else:
        prompts["boxes_xyxy"] = sample_boxes(target, generator)
    output = decode_with_token(sam, network, embedding, meant, **prompts)
    soft = soften(target, output.low_res_logits.shape[-1])
    loss = mask_losses(output.low_res_logits[:, :, :1], soft, SHARP).mean()
    with torch.no_grad():
        plain = decode_with_token(sam, network, embedding, None, **prompts)
        iou = [
            float(mask_iou(answer.low_res_logits[:, :, 0], soft).mean())
            for answer in (output, plain)
        ]
    return loss, iou[0], iou[1]


def _meant(
    network: TextNetwork, sample: Sample, masks: BoolArray, rng: np.random.Generator
) -> Tensor:
    """Return (N, D) of the objects' crops, or of a caption of their kind."""
    with torch.no_grad():
        if rng.random() < WORDS_SHARE:
            caption = caption_for(of_object(KINDS[sample.domain, 0]), rng)
            if caption is not None:
                words = torch.from_numpy(numbers_of([caption.phrase]))
                return network.text(words).expand(len(masks), -1)
        runs = RunMasks.from_crops(list(masks), [(0, 0)] * len(masks))
        views, measures = look_at(open_image(sample.image), runs)
        return network.crops(to_input(views), torch.from_numpy(measures))


def _to_input_frame(masks: BoolArray) -> Tensor:
    """Return (N, S, S) bool masks, resized and padded as the image is."""
    height, width = masks.shape[1:]
    scale = SIDE / max(height, width)
    hw = max(1, int(height * scale + 0.5)), max(1, int(width * scale + 0.5))
    resized = torch.nn.functional.interpolate(
        torch.from_numpy(masks)[None].float(), size=hw, mode="nearest"
    )[0]
    target = torch.zeros(len(masks), SIDE, SIDE, dtype=torch.bool)
    target[:, : hw[0], : hw[1]] = resized > 0.5
    return target
