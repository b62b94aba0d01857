"""Segment everything in one window: ours beside the algorithm written straight down.

    python tests/benchmarks/bench_everything.py [--threads N] [--points-per-side N]
        [--rounds N] [--json FILE]

All have the embedded weights and the same image, and find the same masks. The
straightforward version decodes with the decoder of `transformers`, and once more with
ours, which shows what the rest is worth. Each runs in a process of its own, so that the
peaks of memory can be told apart; the image is encoded before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import (
    describe_machine,
    peak_mib,
    reset_peak,
    resident_mib,
)
from tests.benchmarks.scenes import fields_of_nuclei
from tests.engine.everything import straightforward
from tests.parity.peer_decoder import build_peer_decoder
from tilesam import load_model
from tilesam.everything.decode import decode_tile
from tilesam.everything.filters import filter_tile
from tilesam.everything.resolve import resolve
from tilesam.everything.settings import EverythingSettings
from tilesam.tiling import Grid
from tilesam.types import TileKey, UInt8Array

VERSIONS = ("ours", "straightforward, peer's decoder", "straightforward, our decoder")
TARGET_SPEED, TARGET_MEMORY = 4.0, 1.3


@dataclass(frozen=True)
class Run:
    """What one version took, and what it found."""

    version: str
    seconds: float
    peak_mib: float
    masks: int
    mean_iou: float
    seconds_moved: float | None = None
    """Of making objects anew with another threshold; nothing is decoded for that."""


def window_of_nuclei(side: int = 512) -> UInt8Array:
    """Return a generated fluorescence micrograph with some fifty nuclei, as RGB."""
    grey = fields_of_nuclei(6, size=side)[-1]
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def settings_for(points_per_side: int) -> EverythingSettings:
    """Return settings with the thresholds that the embedded model recommends."""
    config = load_model("tiny", device="cpu").network.config
    return EverythingSettings(points_per_side=points_per_side).resolved(config)


def run(version: str, points_per_side: int, threads: int) -> Run:
    """Segment everything once and measure it."""
    torch.set_num_threads(threads)
    model = load_model("tiny", device="cpu")
    image, settings = window_of_nuclei(), settings_for(points_per_side)
    warm = np.random.default_rng(0).uniform(0, 511, (8, 2))
    embedding = model.embed([image])[0].half().float()
    decode = build_peer_decoder(model) if "peer" in version else None
    (decode or (lambda e, xy: straightforward.decode_all(model, e, xy)))(
        embedding, warm
    )
    before = resident_mib() or 0.0
    reset_peak()
    moved = None
    start = time.perf_counter()
    if version == "ours":
        grid = Grid(image.shape[:2], model.input_size)
        top = TileKey(grid.top_level, 0, 0)
        tile = decode_tile(embedding, top, grid, model, settings.decoding())
        passed, _ = filter_tile(tile, settings, image.shape[:2])
        seconds = time.perf_counter() - start
        scores, count = passed.predicted_iou, len(passed)
        start = time.perf_counter()
        higher = replace(settings, pred_iou_thresh=settings.thresholds[0] + 0.1)
        resolve([tile], image.shape[:2], higher)
        moved = time.perf_counter() - start
    else:
        iou, stability = settings.thresholds
        found = straightforward.generate(
            model,
            image,
            points_per_side=points_per_side,
            pred_iou_thresh=iou,
            stability_score_thresh=stability,
            decode=decode,
        )
        seconds = time.perf_counter() - start
        scores = np.array([one.predicted_iou for one in found])
        count = len(found)
    peak = (peak_mib() or 0.0) - before
    return Run(version, seconds, peak, count, float(np.mean(scores)), moved)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--points-per-side", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        rounds = [
            [
                pool.apply(run, (version, options.points_per_side, options.threads))
                for version in VERSIONS
            ]
            for _ in range(options.rounds)
        ]
    # The one in the middle by its time: one process differs from the next.
    runs = [
        sorted(of_version, key=lambda one: one.seconds)[len(rounds) // 2]
        for of_version in zip(*rounds, strict=True)
    ]
    table = Table(title="everything in a window of 512 x 512 pixels, `tiny`")
    for column in ("", "s", "x ours", "peak MiB", "x ours", "masks", "mean IoU"):
        table.add_column(column)
    ours = runs[0]
    for one in runs:
        table.add_row(
            one.version,
            f"{one.seconds:.2f}",
            f"{one.seconds / ours.seconds:.1f}",
            f"{one.peak_mib:.0f}",
            f"{one.peak_mib / ours.peak_mib:.1f}",
            str(one.masks),
            f"{one.mean_iou:.4f}",
        )
    Console().print(describe_machine(options.threads))
    Console().print(table)
    if ours.seconds_moved is not None:
        Console().print(f"another threshold afterwards: {ours.seconds_moved:.3f} s")
    Console().print(f"wanted: {TARGET_SPEED}x the speed, {TARGET_MEMORY}x less memory")
    if options.json:
        records = [vars(one) for one in runs]
        options.json.write_text(json.dumps(records, indent=2))


if __name__ == "__main__":
    main()
