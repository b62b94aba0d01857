"""What the decoder says of points that correct a mask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tilesam.model.runtime import Decoded
from tilesam.types import FOREGROUND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from tilesam.model.runtime import SamModel


def decode_prompts(
    model: SamModel, embedding: Tensor, prompts: Mapping[str, NDArray[Any]]
) -> Decoded:
    """Return what a model answers, with alternatives worth the name.

    Given an earlier mask, the decoder's four outputs all stay close to it. Where it was
    of something else, of a leaf instead of the spot on it, a click or two do not bring
    them away. A refiner judges masks well enough to change over to another one, so that
    it is also asked about those of the points alone.

    Parameters
    ----------
    model
        The network that made the embedding.
    embedding
        (256, g, g).
    prompts
        As `SamModel.decode` takes them, of N objects.

    Returns
    -------
    Decoded
        The single mask of all that was given first. Where points, one of them positive,
        correct a mask of a model with a refiner, whole, part and subpart are those of
        the points alone; else of all that was given.
    """
    corrected = model.decode(embedding, **prompts)
    if model.refiner is None or not _corrects_with_points(prompts):
        return corrected
    points = {name: prompts[name] for name in ("points_xy", "point_labels")}
    free = model.decode(embedding, **points)
    return Decoded(
        torch.cat([corrected.low_res_logits[:, :1], free.low_res_logits[:, 1:]], dim=1),
        torch.cat([corrected.predicted_iou[:, :1], free.predicted_iou[:, 1:]], dim=1),
    )


def _corrects_with_points(prompts: Mapping[str, NDArray[Any]]) -> bool:
    if prompts.get("mask_input") is None or "boxes_xyxy" in prompts:
        return False
    labels = prompts.get("point_labels")
    # "Not here" alone names no object.
    return labels is not None and bool((labels == FOREGROUND).any(axis=1).all())
