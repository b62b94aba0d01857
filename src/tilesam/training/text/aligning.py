"""One step of the contrastive run: masks and captions, and which of them belong."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from tilesam.text.network import VIEWS
from tilesam.text.views import to_input
from tilesam.text.vocabulary import numbers_of
from tilesam.training.datasets import sampling_weights
from tilesam.training.text.captions import Caption, caption_for, fits, say
from tilesam.training.text.truths import FALSE, KINDS, TRUE

if TYPE_CHECKING:
    from tilesam.text.network import TextNetwork
    from tilesam.training.text.samples import MaskSamples
    from tilesam.types import FloatArray

CAPTIONS = 48
"""Of a step, besides the names of all classes."""

FOCUS = 1.0
"""Pairs that are right already count less, by this power of their error."""


class Pairs(NamedTuple):
    """N masks and K captions.

    Parameters
    ----------
    views, measures
        Of the masks, see `CropEncoder`.
    words
        (K, T) int64 numbers of words.
    truth
        (N, K) int8: TRUE, FALSE or UNKNOWN.
    """

    views: Tensor
    measures: Tensor
    words: Tensor
    truth: Tensor


def mask_weights(samples: MaskSamples) -> FloatArray:
    """Return how often each mask is drawn: small domains are not drowned."""
    names = samples.domains.tolist()
    return sampling_weights(names, [1] * len(names))


def draw_pairs(
    samples: MaskSamples,
    weights: FloatArray,
    batch_size: int,
    rng: np.random.Generator,
) -> Pairs:
    """Return masks, changed at random in light and direction, and captions."""
    rows = rng.choice(len(samples), size=batch_size, p=weights)
    truths = samples.truths[rows]
    captions = [*class_captions(rng)]
    for row in rng.permutation(batch_size)[:CAPTIONS]:
        caption = caption_for(truths[row], rng)
        if caption is not None:
            captions.append(caption)
    views = augment_views(to_input(samples.views[rows]), rng)
    return Pairs(
        views,
        torch.from_numpy(samples.measures[rows]),
        torch.from_numpy(numbers_of([caption.phrase for caption in captions])),
        torch.from_numpy(fits(truths, captions)),
    )


def class_captions(rng: np.random.Generator) -> list[Caption]:
    """Return a name for each kind of labelled object, with and without its setting."""
    claimed = {frozenset(("object",))}
    for (domain, _), kind in KINDS.items():
        if not domain.startswith("scene_"):
            claimed.add(frozenset(kind.things))
            claimed.add(frozenset((*kind.things, *kind.settings)))
    in_order = sorted(claimed, key=sorted)
    return [Caption(say(tags, rng), tags) for tags in in_order]


def augment_views(views: Tensor, rng: np.random.Generator) -> Tensor:
    """Turn, mirror, brighten and blur masks' views; (N, V, 4, S, S) in [-1, 1]."""
    if rng.random() < 0.5:
        views = views.flip(-1)
    if rng.random() < 0.5:
        views = views.flip(-2)
    if rng.random() < 0.5:
        views = views.transpose(-1, -2)
    count = len(views)

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return torch.from_numpy(rng.uniform(low, high, shape)).float()

    light = (views[:, :, :3] + 1) / 2
    grey = light.mean(dim=2, keepdim=True)
    # Grey images stay grey: that they are says more than any tint.
    is_colored = ((light - grey).abs().amax(dim=(1, 2, 3, 4)) > 0.01).float()
    is_colored = is_colored.reshape(-1, 1, 1, 1, 1)
    light = grey + (light - grey) * draw(0.4, 1.3, count, 1, 1, 1, 1)
    tint = 1 + is_colored * draw(-0.12, 0.12, count, 1, 3, 1, 1)
    gain = draw(0.8, 1.2, count, 1, 1, 1, 1) * tint
    gamma = draw(0.75, 1.3, count, 1, 1, 1, 1)
    light = (light.clamp(min=1e-4) ** gamma * gain).clamp(0, 1)
    noise = draw(0.0, 0.04, count, 1, 1, 1, 1)
    light = light + noise * torch.from_numpy(
        rng.standard_normal((count, VIEWS, 1, *views.shape[-2:]), dtype=np.float32)
    )
    return torch.cat([light * 2 - 1, views[:, :, 3:]], dim=2)


def alignment_loss(network: TextNetwork, pairs: Pairs) -> Tensor:
    """Return how badly scores tell pairs that belong from others; () float.

    True and false pairs count alike in sum, and what is unknown not at all.
    """
    crops = network.crops(pairs.views, pairs.measures)
    logits = network.logits(crops, network.text(pairs.words))
    target = (pairs.truth == TRUE).float()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    error = (logits.detach().sigmoid() - target).abs()
    weighted = entropy * error**FOCUS
    is_true, is_false = pairs.truth == TRUE, pairs.truth == FALSE
    return (weighted * is_true).sum() / is_true.sum().clamp(min=1) + (
        weighted * is_false
    ).sum() / is_false.sum().clamp(min=1) * FALSE_WEIGHT


FALSE_WEIGHT = 4.0
"""There are twenty false pairs for a true one: as many as this count like true ones."""
