"""Results of the demo, written by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tilesam.masks.rle import compress_counts, encode_rle

SIZE = 6, 8


def candidate(rows: slice, columns: slice, *, predicted_iou: float | None) -> dict:
    mask = np.zeros(SIZE, bool)
    mask[rows, columns] = True
    counts = compress_counts(encode_rle(mask))
    return {
        "predicted_iou": predicted_iou,
        "stability_score": 0.5,
        "segmentation": {"size": list(SIZE), "counts": counts},
    }


def two_objects() -> list[dict]:
    """Return what the engine writes about a click, and a box with a click beside it."""
    left, right = slice(0, 3), slice(5, 8)
    return [
        {
            "prompts": {"points_yx": [[1, 1]], "point_labels": [1], "boxes_yxyx": []},
            "candidates": [
                candidate(slice(0, 2), left, predicted_iou=0.91),
                candidate(slice(0, 4), left, predicted_iou=0.8),
                candidate(slice(0, 6), left, predicted_iou=None),
            ],
        },
        {
            "prompts": {
                "points_yx": [[0, 0]],
                "point_labels": [0],
                "boxes_yxyx": [[2, 5, 5, 7]],
            },
            "candidates": [
                candidate(slice(2, 6), right, predicted_iou=0.756),
                candidate(slice(3, 6), right, predicted_iou=0.5),
                candidate(slice(4, 6), right, predicted_iou=0.25),
            ],
        },
    ]


@pytest.fixture
def write_result():
    """Return a function that fills a folder with the result for one small image."""
    return _write_result


def _write_result(folder, *, name="cells") -> None:
    record = {
        "format": "napari-sam-candidates",
        "version": 1,
        "image": {"name": name, "height": SIZE[0], "width": SIZE[1]},
        "objects": two_objects(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "candidates.json").write_text(json.dumps(record))
    Image.fromarray(np.full((*SIZE, 3), 7, np.uint8)).save(folder / "image.png")
