"""Compare thresholds and overlap policies of segment-everything on labelled images.

    python tests/benchmarks/bench_policies.py --data DIR [--model NAME]
        [--per-domain N] [--points-per-side N]

DIR has a manifest.csv, see the how-to on training; images of its split `val` are
segmented with a low floor, and judged again and again. The figure is F1 at IoU 0.5
between the painted labels and the labelled objects, the mean over domains. Where not
every object of an image is labelled it is too low. Without --data nothing is measured.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tilesam import load_model
from tilesam.everything.decode import decode_tile
from tilesam.everything.resolve import resolve
from tilesam.everything.settings import DecodeSettings, EverythingSettings, Overlap
from tilesam.everything.tile_masks import TileMasks
from tilesam.model.runtime import SamModel
from tilesam.tiling import Grid
from tilesam.training.datasets import Sample
from tilesam.training.manifest import ManifestDataset
from tilesam.types import TileKey

IOU_THRESHOLDS = (0.4, 0.5, 0.6)
STABILITY_THRESHOLDS = (0.85, 0.9)
VISIBLE_SHARES = (0.0, 0.15, 0.3, 0.5)
BEST_ROWS = 3


def decode_sample(model: SamModel, sample: Sample, points_per_side: int) -> TileMasks:
    """Return all masks of an image that any of the thresholds may let pass."""
    grid = Grid(sample.image.shape[:2], model.input_size)
    floor = DecodeSettings(
        points_per_side,
        lowest_pred_iou=min(IOU_THRESHOLDS),
        lowest_stability_score=min(STABILITY_THRESHOLDS),
    )
    embedding = model.embed([sample.image])[0].half().float()
    return decode_tile(embedding, TileKey(grid.top_level, 0, 0), grid, model, floor)


def count_matches(
    truth: NDArray[np.integer], found: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return how many objects match at IoU 0.5, and how many there are on each side."""
    truth, found = truth.astype(np.int64), found.astype(np.int64)
    width = int(found.max()) + 1
    shape = (int(truth.max()) + 1, width)
    both = np.bincount((truth * width + found).ravel(), minlength=np.prod(shape))
    both = both.reshape(shape)
    areas, found_areas = both.sum(axis=1)[1:], both.sum(axis=0)[1:]
    shared = both[1:, 1:]
    iou = shared / np.maximum(areas[:, None] + found_areas - shared, 1)
    return np.array([(iou > 0.5).sum(), (areas > 0).sum(), (found_areas > 0).sum()])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="tiny")
    parser.add_argument("--per-domain", type=int, default=4)
    parser.add_argument("--points-per-side", type=int, default=24)
    options = parser.parse_args()
    console = Console(width=140)
    if options.data is None:
        console.print("skipped: --data DIR names no labelled images")
        return
    model = load_model(options.model)
    samples = _some_of_each_domain(
        ManifestDataset(options.data, "val"), options.per_domain
    )
    counts: dict[tuple[str, float, float, float], dict[str, NDArray[np.int64]]] = (
        defaultdict(lambda: defaultdict(lambda: np.zeros(3, np.int64)))
    )
    for sample in track(samples, console=console):
        tile = decode_sample(model, sample, options.points_per_side)
        for choice in product(
            get_args(Overlap), IOU_THRESHOLDS, STABILITY_THRESHOLDS, VISIBLE_SHARES
        ):
            overlap, iou, stability, share = choice
            settings = EverythingSettings(
                pred_iou_thresh=iou,
                stability_score_thresh=stability,
                overlap=overlap,
                min_visible_share=share,
            )
            labels = resolve([tile], sample.image.shape[:2], settings).labels()
            truth = sample.label_layers[0]
            counts[choice][sample.domain] += count_matches(truth, labels)
    _print(console, counts, len(samples))


def _some_of_each_domain(images: ManifestDataset, per_domain: int) -> list[Sample]:
    by_domain = defaultdict(list)
    for sample in images:
        by_domain[sample.domain].append(sample)
    return [
        sample
        for samples in by_domain.values()
        for sample in samples[:: max(1, len(samples) // per_domain)][:per_domain]
    ]


def _print(
    console: Console,
    counts: dict[tuple[str, float, float, float], dict[str, NDArray[np.int64]]],
    images: int,
) -> None:
    f1 = {
        choice: {
            domain: 2 * matched / max(there + found, 1)
            for domain, (matched, there, found) in of_domains.items()
        }
        for choice, of_domains in counts.items()
    }
    domains = list(next(iter(f1.values())))
    names = ("overlap", "IoU", "stability", "visible share", "mean")
    table = Table(*names, *domains, title=f"F1 at IoU 0.5, {images} images")
    for overlap in get_args(Overlap):
        choices = [choice for choice in f1 if choice[0] == overlap]
        choices.sort(key=lambda choice: -np.mean(list(f1[choice].values())))
        # The best ones, and the best thresholds with every other visible share.
        shown = choices[:BEST_ROWS] + [c for c in choices if c[1:3] == choices[0][1:3]]
        for choice in dict.fromkeys(shown):
            scores = [f1[choice][domain] for domain in domains]
            figures = [f"{x:.2f}" for x in scores]
            table.add_row(*map(str, choice), f"{np.mean(scores):.3f}", *figures)
    console.print(table)


if __name__ == "__main__":
    main()
