"""Prompts and their candidates as JSON, with masks that pycocotools reads."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tilesam.masks.rle import compress_counts, encode_rle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tilesam.model.runtime import SamModel
    from tilesam.types import MaskCandidate, Prompts

FORMAT = "napari-sam-candidates"
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False)
class Answer:
    """What was asked about one object, and the candidates in order of preference."""

    prompts: Prompts
    candidates: Sequence[MaskCandidate]


@dataclass(frozen=True)
class StoreUse:
    """What some answers took from a store on disk, and what they left there.

    Parameters
    ----------
    path
        Folder of the store.
    tiles
        Embeddings that it holds of this image for this model.
    embedded_now
        How many of them were not there before the answers.
    """

    path: str
    tiles: int
    embedded_now: int


def build_record(
    answers: Sequence[Answer],
    *,
    image_name: str,
    image_hw: tuple[int, int],
    model: SamModel,
    store: StoreUse | None = None,
) -> dict[str, Any]:
    """Return everything about some answers as plain values for JSON.

    Parameters
    ----------
    answers
        One for each object.
    image_name, image_hw
        Name, height and width of the image.
    model
        The network that answered.
    store
        Where embeddings are kept, if that is on disk.

    Returns
    -------
    dict
        `format`, `version`, `image`, `model`, `store` and `objects`; each object has
        `prompts` and `candidates`. Coordinates are `(y, x)` except in `bbox`, which is
        COCO's `[x, y, width, height]`; `segmentation` is COCO's compressed run lengths
        of the whole image; `store` is None if no store was given.
    """
    refiner = model.refiner
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "image": {"name": image_name, "height": image_hw[0], "width": image_hw[1]},
        "model": {
            "name": model.name,
            "weights_sha256": model.weights_sha256,
            "refiner_sha256": None if refiner is None else refiner.weights_sha256,
            "input_size": model.input_size,
        },
        "store": None if store is None else asdict(store),
        "objects": [
            {
                "prompts": _prompts_to_plain(answer.prompts),
                "candidates": [
                    candidate_to_plain(candidate, image_hw)
                    for candidate in answer.candidates
                ],
            }
            for answer in answers
        ],
    }


def candidate_to_plain(
    candidate: MaskCandidate, image_hw: tuple[int, int]
) -> dict[str, Any]:
    """Return one candidate as plain values; low-resolution logits are left out."""
    (y, x), (height, width) = candidate.offset_yx, candidate.mask.shape
    counts = encode_rle(candidate.mask, offset_yx=(y, x), image_hw=image_hw)
    score = candidate.predicted_iou
    return {
        # JSON has no NaN, which a network in half precision may predict.
        "predicted_iou": score if math.isfinite(score) else None,
        "stability_score": candidate.stability_score,
        "token": candidate.token,
        "area": candidate.area,
        "offset_yx": [y, x],
        "bbox": [x, y, width, height],
        "tile": asdict(candidate.tile),
        "window": asdict(candidate.window),
        "segmentation": {"size": list(image_hw), "counts": compress_counts(counts)},
    }


def _prompts_to_plain(prompts: Prompts) -> dict[str, Any]:
    return {
        "points_yx": prompts.points_yx.tolist(),
        "point_labels": prompts.point_labels.tolist(),
        "boxes_yxyx": prompts.boxes_yxyx.tolist(),
        "has_mask_input": prompts.mask_input is not None,
    }


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    text = json.dumps(record, indent=2, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8")
