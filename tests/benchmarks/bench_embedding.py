"""Embed a large image: does the encoder wait, and what does the store take?

    python tests/benchmarks/bench_embedding.py [--quick] [--threads N] [--json FILE]

The image has 8192 x 8192 pixels (--quick: 4096 x 4096) in a tiled, compressed TIFF. It
is embedded with the embedded model into an empty store on disk, then all of it is
checked in a second run. Each figure stands beside what is wanted of it.
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
import tifffile
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import (
    describe_machine,
    peak_mib,
    reset_peak,
    resident_mib,
)
from tilesam import Session, load_model
from tilesam.embedding.estimate import seconds_per_tile
from tilesam.embedding.progress import EmbeddingProgress
from tilesam.model.memory import keep_freed_memory

SIDE, QUICK_SIDE = 8192, 4096
FILE_TILE = 512
GIGAPIXEL = 10**9


@dataclass(frozen=True)
class Figure:
    """One line of the table; `target` is what is wanted, as text, if there is any."""

    name: str
    value: float
    unit: str
    target: str = ""


def draw_image(side: int) -> NDArray[np.uint8]:
    """Return a (side, side, 3) image of cells on glass, with the noise of a camera."""
    rng = np.random.default_rng(0)
    block = rng.normal(235, 3, (1024, 1024, 3))
    y, x = np.mgrid[:1024, :1024]
    for _ in range(300):
        (cy, cx), radius = rng.integers(0, 1024, 2), rng.uniform(6, 18)
        is_cell = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
        block[is_cell] = rng.normal((120, 80, 150), 12)
    tile = np.clip(block, 0, 255).astype(np.uint8)
    repeats = side // 1024
    return np.tile(tile, (repeats, repeats, 1))


def measure(folder: Path, *, side: int, threads: int) -> Iterator[Figure]:
    """Yield all figures."""
    path = folder / "image.tif"
    tifffile.imwrite(
        path,
        draw_image(side),
        tile=(FILE_TILE, FILE_TILE),
        compression="zlib",
        photometric="rgb",
    )
    model = load_model("tiny", device="cpu")
    session = Session.open(path, model=model, store=folder / "store")
    alone = seconds_per_tile(model, torch_threads=threads)
    reset_peak()
    before = resident_mib()
    seconds, last = _embed(session, threads)
    after = peak_mib()
    encoding = last.encoder_share * seconds / last.embedded
    yield Figure("tiles", last.embedded, "")
    yield Figure("wall time", seconds, "s")
    yield Figure("tiles per second", last.embedded / seconds, "1/s")
    yield Figure("encoder's share of it", 100 * last.encoder_share, "%", ">= 90")
    yield Figure("encoding a tile alone", 1e3 * alone, "ms")
    yield Figure("encoding a tile in the run", 1e3 * encoding, "ms")
    if before is not None and after is not None:
        yield Figure("memory above the start", after - before, "MiB")
    gigapixels = side**2 / GIGAPIXEL
    files = session.store.file_count()
    yield Figure(
        "store per gigapixel", session.store.nbytes / gigapixels / 2**30, "GiB"
    )
    yield Figure("files per gigapixel", files / gigapixels, "")
    seconds, last = _embed(session, threads)
    yield Figure("checking a stored tile", 1e3 * seconds / last.present, "ms")


def _embed(session: Session, threads: int) -> tuple[float, EmbeddingProgress]:
    start = time.perf_counter()
    last = session.embed(torch_threads=threads)
    if last is None:
        raise SystemExit("there was no tile to embed")
    return time.perf_counter() - start, last


def build_table(figures: list[Figure]) -> Table:
    """Return what people read."""
    table = Table("", "measured", "wanted")
    for figure in figures:
        number = f"{figure.value:.3g}" if figure.value < 100 else f"{figure.value:.0f}"
        table.add_row(figure.name, f"{number} {figure.unit}", figure.target)
    return table


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the image")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()  # as the command line does
    machine = describe_machine(arguments.threads)
    side = QUICK_SIDE if arguments.quick else SIDE
    console = Console(width=100)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    with console.status("measuring"), tempfile.TemporaryDirectory() as folder:
        figures = list(measure(Path(folder), side=side, threads=arguments.threads))
    console.print(f"{side} x {side} pixels")
    console.print(build_table(figures))
    if arguments.json is not None:
        record = {"machine": machine, "results": [asdict(figure) for figure in figures]}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
