"""Segment everything in a micrograph of 10,000 x 10,000 pixels, and watch the memory.

    python tests/benchmarks/bench_whole_image.py [--side N] [--points-per-side N]
        [--threads N] [--json FILE]

The image is a TIFF of generated fluorescent nuclei, read tile by tile; the model is
the embedded one, on the CPU, with a coarse grid of points at all levels. Nothing is
embedded before. Masks are kept in a folder, objects are made of them, and labels, table
and outlines are written.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import describe_machine, peak_mib, resident_mib
from tests.benchmarks.scenes import write_slide
from tilesam import Session
from tilesam.everything.progress import EverythingProgress
from tilesam.everything.settings import EverythingSettings
from tilesam.everything.table import Status
from tilesam.export.segmentations import write_segmentation

Result = TypeVar("Result")


@dataclass(frozen=True)
class Figure:
    """One line of the table; `wanted` in words."""

    name: str
    value: str
    wanted: str = ""


class Shares:
    """Adds up where the time of all tiles went."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.last: EverythingProgress | None = None

    def add(self, progress: EverythingProgress) -> None:
        """Count one more tile."""
        for step in ("reading", "encoding", "decoding", "writing"):
            self.seconds[step] += getattr(progress.outcome, f"seconds_{step}")
        self.last = progress


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return a result and how many seconds it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def measure(folder: Path, side: int, points_per_side: int) -> list[Figure]:
    """Segment a slide of a folder and return the figures."""
    image = folder / "slide.tif"
    write_slide(image, side)
    before = resident_mib() or 0.0
    session = Session.open(image)
    settings = EverythingSettings(points_per_side=points_per_side)
    shares = Shares()
    decoded, seconds = timed(
        lambda: session.decode_everything(
            settings=settings, work=folder / "masks", progress=shares.add
        )
    )
    found, resolving = timed(decoded.resolve)
    outputs = [
        (name, timed(lambda path=folder / name: write_segmentation(path, found))[1])
        for name in ("labels.ome.zarr", "objects.geojson", "objects.csv")
    ]
    megapixels = side * side / 1e6
    status = Counter(found.table.status.tolist())
    tiles = len(decoded.keys)
    outside = 1 - shares.seconds["decoding"] / seconds
    return [
        Figure("tiles of all levels", str(tiles)),
        Figure("decoding all of them", f"{seconds:.0f} s"),
        Figure("throughput", f"{megapixels / seconds:.3f} megapixels/s"),
        Figure("share of the time outside of the decoder", f"{outside:.1%}"),
        Figure("of that the image encoder", f"{shares.seconds['encoding']:.0f} s"),
        Figure("masks in all tiles", str(shares.last.masks if shares.last else 0)),
        Figure("filtering, stitching, layering", f"{resolving:.1f} s"),
        Figure("objects", str(len(found))),
        *(
            Figure(f"masks that are {name.name.lower()}", str(status[name]))
            for name in (Status.COVERED, Status.DUPLICATE, Status.FRAGMENT)
        ),
        *(Figure(f"writing {name}", f"{taken:.1f} s") for name, taken in outputs),
        Figure("resident memory before", f"{before:.0f} MiB"),
        Figure("peak of resident memory", f"{peak_mib() or 0:.0f} MiB", "< 2000 MB"),
    ]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--points-per-side", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.side, options.points_per_side)
    title = (
        f"{options.side} x {options.side}, {options.points_per_side}^2 points a tile"
    )
    table = Table("", "measured", "wanted", title=title)
    for figure in figures:
        table.add_row(figure.name, figure.value, figure.wanted)
    console = Console()
    console.print(describe_machine(options.threads))
    console.print(table)
    if options.json:
        options.json.write_text(json.dumps([vars(f) for f in figures], indent=2))


if __name__ == "__main__":
    main()
