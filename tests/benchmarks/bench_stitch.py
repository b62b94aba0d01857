"""Time stitching: many windows, many objects, and ways that are often taken instead.

    python tests/benchmarks/bench_stitch.py [--windows N] [--json FILE]

How good it is, where windows do not agree: borders are off by a pixel, and of the
pieces that a window cuts 15 % are missing. The scenes are those of the tests.

And how fast: windows of 512 pixels overlap by a quarter and show a field of round
objects that touch or overlap, cut exactly at the windows' edges. What peers do instead
is counted on a small part of the same scene: leaving every window's ids as they are,
and joining whatever touches across the middle of an overlap.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import (
    describe_machine,
    peak_mib,
    reset_peak,
    resident_mib,
)
from tests.engine.tiling.label_scenes import (
    clamped_windows,
    matched_share,
    merges_and_splits,
    mixed,
    noisy,
    nuclei,
    thick,
)
from tilesam.masks.painting import paint
from tilesam.masks.run_masks import Extent, RunMasks, concatenate
from tilesam.masks.union import union_by_group
from tilesam.tiling.stitch import Stitched, WindowMasks, stitch
from tilesam.types import FloatArray, IntArray

SIDE, STRIDE = 512, 384
OBJECTS_PER_WINDOW = 100
NAIVE_WINDOWS = 49


@dataclass(frozen=True)
class Figure:
    """One line of the table; `target` is the highest value wanted, if there is one."""

    name: str
    value: float
    unit: str
    target: float | None = None


def build_windows(count: int) -> tuple[list[WindowMasks], tuple[int, int], int]:
    """Return windows in a square, the size of the image, and the objects in it.

    Every object is cut out of its windows by arithmetic, so that no image is made.
    """
    rows = math.isqrt(count)
    columns = count // rows
    height, width = ((n - 1) * STRIDE + SIDE for n in (rows, columns))
    # A few objects are seen by a window in part only: so many in a window's area.
    spacing = SIDE / math.sqrt(OBJECTS_PER_WINDOW * 0.87)
    rng = np.random.default_rng(0)
    shape = (int(height / spacing), int(width / spacing))
    grid = np.stack(np.mgrid[: shape[0], : shape[1]], axis=-1) + 0.5
    centers = (grid + rng.uniform(-0.2, 0.2, grid.shape)) * spacing
    radii = rng.uniform(0.35, 0.55, shape) * spacing
    windows = []
    for n in range(rows * columns):
        y, x = n // columns * STRIDE, n % columns * STRIDE
        low, high = (np.array(v) / spacing for v in ((y, x), (y + SIDE, x + SIDE)))
        near = tuple(
            slice(max(int(a) - 1, 0), int(b) + 2)
            for a, b in zip(low, high, strict=True)
        )
        extent = (y, x, y + SIDE, x + SIDE)
        windows.append(_see(extent, centers[near].reshape(-1, 2), radii[near].ravel()))
    return windows, (height, width), radii.size


def _see(extent: Extent, centers: FloatArray, radii: FloatArray) -> WindowMasks:
    """Return the discs in a window, drawn run by run."""
    top = np.ceil(centers[:, 0] - radii).astype(np.int64)
    counts = np.floor(centers[:, 0] + radii).astype(np.int64) - top + 1
    offsets = np.concatenate([[0], np.cumsum(counts)])
    disc = np.repeat(np.arange(len(radii)), counts)
    row = np.arange(len(disc)) - offsets[disc] + top[disc]
    half = np.sqrt(np.maximum(radii[disc] ** 2 - (row - centers[disc, 0]) ** 2, 0))
    start = np.ceil(centers[disc, 1] - half).astype(np.int32)
    stop = np.floor(centers[disc, 1] + half).astype(np.int32) + 1
    masks = RunMasks(offsets, row.astype(np.int32), start, stop).clipped(extent)
    masks = masks.take(masks.run_counts > 0)
    return WindowMasks(extent, masks, np.ones(len(masks)))


def measure_stitching(count: int) -> tuple[list[Figure], Stitched]:
    """Stitch many windows."""
    windows, image_hw, truth = build_windows(count)
    masks = sum(len(window.masks) for window in windows)
    runs = sum(len(window.masks.rows) for window in windows)
    reset_peak()
    before = resident_mib()
    start = time.perf_counter()
    found = stitch(windows, image_hw)
    seconds = time.perf_counter() - start
    peak = peak_mib()
    figures = [
        Figure("windows", len(windows), ""),
        Figure("masks in all windows", masks, ""),
        Figure("megapixels", image_hw[0] * image_hw[1] / 1e6, ""),
        Figure("objects, true", truth, ""),
        Figure("objects, stitched", len(found.masks), ""),
        Figure("stitching", seconds, "s", 60 * count / 10_000),
        Figure("memory of the masks given", runs * 12 / 2**20, "MiB"),
    ]
    if before is not None and peak is not None:
        figures.append(Figure("peak memory above that", peak - before, "MiB"))
    return figures, found


def measure_crowded() -> Figure:
    """Stitch two windows of 100,000 masks each, most of them on top of others."""
    rng = np.random.default_rng(0)
    windows = []
    for x in (0, 768):
        corners = rng.integers((0, x), (1000, x + 1000), (100_000, 2))
        rows = (corners[:, :1] + np.arange(16)).ravel().astype(np.int32)
        starts = np.repeat(corners[:, 1], 16).astype(np.int32)
        offsets = np.arange(100_001) * 16
        masks = RunMasks(offsets, rows, starts, starts + np.int32(16))
        windows.append(WindowMasks((0, x, 1024, x + 1024), masks, rng.random(100_000)))
    start = time.perf_counter()
    stitch(windows, (1024, 1792))
    return Figure("two windows of 100,000 masks", time.perf_counter() - start, "s")


def measure_naive() -> list[Figure]:
    """Count the objects that simpler ways find in a small scene."""
    windows, image_hw, truth = build_windows(NAIVE_WINDOWS)
    touching = _count_touching(windows)
    return [
        Figure("small scene: objects, true", truth, ""),
        Figure("objects, stitched", len(stitch(windows, image_hw).masks), ""),
        Figure("objects, ids never merged, halves of overlaps", touching[0], ""),
        Figure("objects, whatever touches at the seam merged", touching[1], ""),
    ]


def _count_touching(windows: list[WindowMasks]) -> tuple[int, int]:
    """Return the objects of cores side by side: all, and with touching ones joined."""
    margin = (SIDE - STRIDE) // 2
    bottom, right = (max(w.extent[k] for w in windows) for k in (2, 3))
    canvas = np.zeros((bottom, right), np.int64)
    first = 1
    for window in windows:
        y0, x0, y1, x1 = window.extent
        core = (
            *(n + margin * (n > 0) for n in (y0, x0)),
            *(n - margin * (n < end) for n, end in ((y1, bottom), (x1, right))),
        )
        names = np.arange(first, first + len(window.masks))
        canvas[core[0] : core[2], core[1] : core[3]] = paint(
            window.masks, names, core, np.int64
        )
        first += len(names)
    seams = [n * STRIDE + margin + STRIDE for n in range(max(bottom, right) // STRIDE)]
    pairs = [
        np.stack([image[s - 1], image[s]], axis=1)
        for image in (canvas, canvas.T)
        for s in seams
        if s < len(image) - margin
    ]
    touching = np.concatenate(pairs)
    touching = touching[(touching > 0).all(axis=1)]
    seen = np.unique(canvas)[1:]
    graph = coo_array((np.ones(len(touching)), touching.T), shape=(first, first))
    component = connected_components(graph, directed=False)[1]
    return len(seen), len(np.unique(component[seen]))


@dataclass(frozen=True)
class Quality:
    """What came back of one scene."""

    scene: str
    window: int
    overlap: int
    true: int
    stitched: int
    merged: int
    split: int
    f1: float
    best_f1: float


def measure_quality() -> list[Quality]:
    """Stitch scenes whose windows do not agree, beside what grouping by truth gives."""
    rng = np.random.default_rng(0)
    dense = nuclei((811, 1033), rng, spacing=20, radii=(9, 16))
    sizes = thick(mixed((1300, 1500), rng, count=900))
    large = thick(mixed((811, 1033), rng, count=400))
    return [
        _quality(name, labels, size, size // share)
        for name, labels, size in (
            ("dense nuclei", dense, 256),
            ("12 to 300 px", sizes, 512),
            ("some larger than a window", large, 192),
        )
        for share in (8, 4)
    ]


def _quality(name: str, labels: IntArray, size: int, overlap: int) -> Quality:
    hw, (truth, _) = labels.shape, RunMasks.from_labels(labels)
    extents = clamped_windows(hw, size, overlap)
    windows, shown = noisy(truth, hw, extents, np.random.default_rng(overlap))
    found = stitch(windows, hw)
    merged, split = merges_and_splits(found, shown)
    pieces = concatenate([window.masks for window in windows])
    ideal = union_by_group(pieces, shown, len(truth))
    return Quality(
        *(name, size, overlap, len(truth), len(found.masks), merged, split),
        f1=matched_share(found.masks, truth),
        best_f1=matched_share(ideal.take(ideal.areas > 0), truth),
    )


def build_quality_table(results: list[Quality]) -> Table:
    """Return what people read of the quality."""
    names = ("window", "overlap", "true", "stitched", "merged", "split")
    table = Table("", *names, "F1", "F1, grouped by truth")
    for result in results:
        *counts, f1, best_f1 = astuple(result)
        table.add_row(*map(str, counts), f"{f1:.4f}", f"{best_f1:.4f}")
    return table


def build_table(figures: list[Figure]) -> Table:
    """Return what people read."""
    table = Table("", "measured", "wanted")
    for figure in figures:
        target = "" if figure.target is None else f"<= {figure.target:g} {figure.unit}"
        table.add_row(figure.name, f"{figure.value:,.4g} {figure.unit}", target)
    return table


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=10_000)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    machine = describe_machine(threads=1)
    console = Console(width=110)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    with console.status("measuring"):
        figures, _ = measure_stitching(arguments.windows)
        figures += [measure_crowded(), *measure_naive()]
        quality = measure_quality()
    console.print(build_table(figures))
    console.print(build_quality_table(quality))
    if arguments.json is not None:
        record = {
            "machine": machine,
            "figures": [asdict(figure) for figure in figures],
            "quality": [asdict(result) for result in quality],
        }
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
