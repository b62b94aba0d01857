"""Write a million nuclei in every format: how long, how large, and in what memory?

    python tests/benchmarks/bench_export.py [--objects N] [--json FILE]

The segmentation itself, about 500 MB for a million objects, is in memory before; what
each format takes beyond it is measured. Outlines are compared with the union of squares
that a library joins.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import shapely
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import (
    describe_machine,
    peak_mib,
    reset_peak,
    resident_mib,
)
from tests.engine.export.segmentations import segmentation_of
from tilesam.everything.segmentation import Segmentation
from tilesam.export.outlines import outlines_of
from tilesam.export.segmentations import write_segmentation
from tilesam.masks.run_masks import RunMasks

OBJECTS = 10**6
SPACING = 36
SHAPES = 500
COMPARED = 2000
FORMATS = ("a.geojson", "a.json", "a.csv", "a.tif", "a.ome.zarr")


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    seconds: float
    megabytes: float | None = None
    files: int | None = None
    peak_mib: float | None = None


def draw_nucleus(rng: np.random.Generator) -> np.ndarray:
    """Return a bent disk of about 30 pixels across."""
    y, x = np.mgrid[:SPACING, :SPACING] - (SPACING - 1) / 2
    angle, radius = np.arctan2(y, x), rng.uniform(11, 15)
    for waves in (2, 3, 5):
        radius = radius + rng.uniform(0, 1) * np.sin(waves * angle + rng.uniform(0, 6))
    return np.hypot(y, x) < radius


def build_segmentation(count: int) -> Segmentation:
    """Return nuclei of some shapes on a grid."""
    rng = np.random.default_rng(0)
    shapes = [draw_nucleus(rng) for _ in range(SHAPES)]
    masks = RunMasks.from_crops(shapes, [(0, 0)] * SHAPES)
    masks = masks.take(rng.integers(0, SHAPES, count))
    columns = int(np.ceil(np.sqrt(count)))
    y, x = np.divmod(np.arange(count, dtype=np.int32), np.int32(columns))
    dy, dx = ((place * np.int32(SPACING))[masks.mask_of_run] for place in (y, x))
    placed = RunMasks(
        masks.offsets, masks.rows + dy, masks.starts + dx, masks.stops + dx
    )
    return segmentation_of(placed, (columns * SPACING, columns * SPACING))


def measure(folder: Path, segmentation: Segmentation) -> Iterator[Figure]:
    """Yield all figures."""
    some = segmentation.masks.take(np.arange(min(COMPARED, len(segmentation))))
    start = time.perf_counter()
    outlines_of(some)
    yield Figure(f"outlines of {len(some)}", time.perf_counter() - start)
    start = time.perf_counter()
    squares = shapely.box(some.starts, some.rows, some.stops, some.rows + 1)
    for first, last in zip(some.offsets[:-1], some.offsets[1:], strict=True):
        shapely.union_all(squares[first:last])
    yield Figure(f"unions of {len(some)}", time.perf_counter() - start)
    for name in FORMATS:
        yield _written(folder / name, segmentation)


def _written(path: Path, segmentation: Segmentation) -> Figure:
    reset_peak()
    before, start = resident_mib(), time.perf_counter()
    write_segmentation(path, segmentation)
    seconds, after = time.perf_counter() - start, peak_mib()
    files = [p for p in (path, *path.rglob("*")) if p.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    growth = None if before is None or after is None else after - before
    for file in files:
        file.unlink()
    return Figure(path.name, seconds, size, len(files), growth)


def build_table(figures: list[Figure]) -> Table:
    """Return what people read."""
    table = Table("", "seconds", "MB", "files", "MiB above the start")
    for figure in figures:
        numbers = (figure.seconds, figure.megabytes, figure.files, figure.peak_mib)
        table.add_row(figure.name, *("" if n is None else f"{n:.4g}" for n in numbers))
    return table


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    arguments = parse_arguments()
    machine = describe_machine(1)
    console = Console(width=100)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    segmentation = build_segmentation(arguments.objects)
    height, width = segmentation.image_hw
    console.print(f"{len(segmentation)} objects in {height} x {width} pixels")
    with console.status("measuring"), tempfile.TemporaryDirectory() as folder:
        figures = list(measure(Path(folder), segmentation))
    console.print(build_table(figures))
    if arguments.json is not None:
        record = {"machine": machine, "results": [asdict(figure) for figure in figures]}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
