"""Where a mask's logits are cut so that its expected IoU is largest.

Cut at zero, a mask shows what is more likely part of the object than not. Of an object
that is hardly seen this may be nothing at all, though much of it is nearly as likely
as not. For the IoU, a pixel is worth showing as soon as its probability exceeds
E / (1 + E), where E is the expected IoU of the whole mask: one half for sure masks, and
less the less sure they are.

See also Nowozin 2014, "Optimal decisions from probabilistic models: the
intersection-over-union case"; the iteration is Dinkelbach's (1967).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CALIBRATION = 0.8
"""Factor that makes logits those of probabilities: they come out too sure."""

LEAST_EXPECTED_IOU = 0.02
"""Below it, nothing is thought to be there."""

_STEPS = 8
"""Each squares the distance to the optimum, roughly."""


def best_cut(logits: Tensor) -> Tensor:
    """Return where to cut each of B masks.

    The expected IoU is taken as expected overlap over expected union.

    Parameters
    ----------
    logits
        (B, S, S) float32.

    Returns
    -------
    Tensor
        (B,) float32, zero or less.
    """
    calibrated = logits.flatten(1) * CALIBRATION
    probability = calibrated.sigmoid()
    total = probability.sum(dim=1)
    expected = probability.mean(dim=1)  # of all pixels together
    for _ in range(_STEPS):
        shown = calibrated > _cut_for(expected)[:, None]
        overlap = (probability * shown).sum(dim=1)
        union = shown.sum(dim=1) + total - overlap
        # Of surely nothing all are zero.
        expected = overlap / union.clamp(min=1e-6)
    return _cut_for(expected) / CALIBRATION


def cut_best(logits: Tensor, has_box: Tensor) -> Tensor:
    """Return logits, shifted so that zero is where people see them cut.

    That is the best cut for boxes, and where zero itself would show nothing. Points
    leave open which of several objects is meant; a mask of much of each of them
    promises most, but is none of them, and clicks on its errors are wasted.

    Parameters
    ----------
    logits
        (B, S, S) float32.
    has_box
        (B,) bool, whether a box is among the prompts.
    """
    is_shifted = has_box | (logits <= 0).all(dim=2).all(dim=1)
    shifted = logits.clone()
    shifted[is_shifted] -= best_cut(logits[is_shifted])[:, None, None]
    return shifted


def _cut_for(expected_iou: Tensor) -> Tensor:
    """Return the logit of E / (1 + E), which is the logarithm of E."""
    return expected_iou.clamp(LEAST_EXPECTED_IOU, 1.0).log()
