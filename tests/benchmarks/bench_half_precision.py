"""Compare masks from embeddings that passed through float16 with those that did not.

    python tests/benchmarks/bench_half_precision.py --data DIR [--model NAME]

DIR has a manifest.csv, see the how-to on training; every object of its split `val` is
asked for by its box and by one point. Without --data nothing is measured.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from tilesam import load_model
from tilesam.evaluation.asking import Asked, Scores
from tilesam.evaluation.metrics import mask_iou
from tilesam.evaluation.protocols import center_point, tight_box
from tilesam.evaluation.runs import evaluate
from tilesam.model.preprocessing import (
    boxes_yxyx_to_input_xyxy,
    points_yx_to_input_xy,
)
from tilesam.training.manifest import ManifestDataset

WANTED = 0.995


def ask_both_ways(asked: Asked) -> Scores:
    """Return the IoU of the masks from float16 with those from float32, by prompt."""
    full, half = asked.embedding, asked.embedding.half().float()
    size = asked.model.input_size
    boxes = np.stack([tight_box(mask) for mask in asked.truth])
    points = np.array([[center_point(mask)] for mask in asked.truth])
    prompts = {
        "box": {
            "boxes_xyxy": boxes_yxyx_to_input_xyxy(boxes, asked.window, size)[:, None]
        },
        "point": {
            "points_xy": points_yx_to_input_xy(points, asked.window, size),
            "point_labels": np.ones(points.shape[:2], np.int64),
        },
    }
    tokens = {"box": slice(0, 1), "point": slice(1, None)}
    return {
        name: _agreement(
            asked.masks(asked.model.decode(full, **arrays), tokens[name]),
            asked.masks(asked.model.decode(half, **arrays), tokens[name]),
        )
        for name, arrays in prompts.items()
    }


def _agreement(first: Tensor, second: Tensor) -> np.ndarray:
    """Return the mean over tokens of the IoU of (N, tokens, H, W) masks, as (N,)."""
    iou = mask_iou(first, second)
    is_empty = ~(first | second).flatten(2).any(dim=2)
    return torch.where(is_empty, 1.0, iou).mean(dim=1).cpu().numpy()


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="tiny")
    arguments = parser.parse_args()
    console = Console(width=110)
    if arguments.data is None:
        console.print("skipped: --data DIR names no labelled images")
        return
    images = ManifestDataset(arguments.data, "val")
    rows = evaluate(load_model(arguments.model), images, ask_both_ways)
    table = Table("", "mean IoU", "lowest 1 %", "lowest", "wanted of the mean")
    for name in ("box", "point"):
        iou = np.array([row.scores[name] for row in rows])
        figures = (iou.mean(), np.percentile(iou, 1), iou.min())
        table.add_row(name, *(f"{x:.4f}" for x in figures), f">= {WANTED}")
    console.print(f"{len(rows)} objects, {arguments.model}")
    console.print(table)


if __name__ == "__main__":
    main()
