"""Time the first answer in a huge image, and answers from tiles on disk.

    python tests/benchmarks/bench_tiles.py [--threads N] [--json FILE]

The huge image has 100,000 x 100,000 pixels, computed when they are looked at. Each
figure stands beside what is wanted of it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import dask.array as da
import numpy as np
import torch
import zarr
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
from tilesam.model.runtime import SamModel
from tilesam.tiling import Grid

HUGE = 100_000
CHUNK = 2048
PROMPTS = 5
WARM_SIDE = 4096


@dataclass(frozen=True)
class Figure:
    """One line of the table; `target` is the highest value wanted, if there is one."""

    name: str
    value: float
    unit: str
    target: float | None = None


def virtual_slide(side: int = HUGE) -> da.Array:
    """Return a lazy RGB image of round, coloured objects on a bright ground."""
    chunks = (CHUNK, CHUNK, 3)
    return da.map_blocks(
        _draw_block, chunks=da.core.normalize_chunks(chunks, (side, side, 3)),
        dtype=np.uint8, meta=np.empty((0, 0, 0), np.uint8),
    )  # fmt: skip


def _draw_block(
    block_info: dict[None, dict[str, list[tuple[int, int]]]],
) -> NDArray[np.uint8]:
    (y0, y1), (x0, x1), _ = block_info[None]["array-location"]
    y, x = np.ogrid[y0:y1, x0:x1]
    # One object in each cell of 48 pixels, moved by a hash of the cell.
    cell_y, cell_x = y // 48, x // 48
    shift = (cell_y * 7919 + cell_x * 104_729) % 17 - 8
    is_object = (y % 48 - 24 - shift) ** 2 + (x % 48 - 24 + shift) ** 2 < 14**2
    texture = ((y * 31 + x * 17) % 23).astype(np.uint8)
    ground = np.array([225, 205, 220], np.uint8)
    ink = np.array([110, 60, 140], np.uint8)
    return np.where(is_object[..., None], ink, ground) - texture[..., None]


def measure_huge_image(model: SamModel) -> Iterator[Figure]:
    """Open the virtual slide and ask for five objects far apart."""
    slide = virtual_slide()
    reset_peak()
    before = resident_mib()
    start = time.perf_counter()
    session = Session.open(slide, model=model)
    yield Figure("open 100,000 x 100,000", time.perf_counter() - start, "s", 2)
    deep = slide[..., 0].astype(np.uint16) * 200
    seconds_deep = _time(lambda: Session.open(deep, model=model))
    yield Figure("the same in 16-bit grey, limits sampled", seconds_deep, "s", 2)
    rng = np.random.default_rng(0)
    seconds = []
    for y, x in rng.integers(0, HUGE, (PROMPTS, 2)):
        start = time.perf_counter()
        session.prompt(points_yx=(y, x))
        seconds.append(time.perf_counter() - start)
    yield Figure("first prompt", seconds[0], "s", 3)
    yield Figure(f"slowest of {PROMPTS} prompts at random places", max(seconds), "s", 3)
    peak = peak_mib()
    if before is not None and peak is not None:
        yield Figure("peak memory above the model's", peak - before, "MiB", 1500)


def measure_grid() -> Iterator[Figure]:
    """Look tiles up in images of very different sizes."""
    for side in (10**3, 10**5, 10**7):
        grid = Grid((side, side), 512)
        places = np.random.default_rng(0).uniform(0, side - 200, (2000, 2)).tolist()
        start = time.perf_counter()
        for y, x in places:
            grid.choose((y, x, y + 100, x + 150))
        microseconds = (time.perf_counter() - start) / len(places) * 1e6
        yield Figure(
            f"tile of a box, image of {side:,} pixels a side", microseconds, "us"
        )


def measure_warm_prompts(model: SamModel) -> Iterator[Figure]:
    """Answer clicks from tiles that are on disk and not in memory."""
    with tempfile.TemporaryDirectory() as folder:
        image = zarr.create_array(
            Path(folder) / "image.zarr", shape=(WARM_SIDE, WARM_SIDE, 3),
            chunks=(1024, 1024, 3), dtype="uint8",
        )  # fmt: skip
        image[:] = virtual_slide(WARM_SIDE).compute()
        store = Path(folder) / "store"
        Session.open(image, model=model, store=store).embed()
        reads, answers = [], []
        session = Session.open(image, model=model, store=store)
        tiles = session.plan()
        _time(lambda: session.prompt(points_yx=(200, 200)))  # what is built once
        for key in tiles:
            reads.append(_time(lambda key=key: session.store.read(key)))
        for key in tiles[1:]:
            window = session.grid.window(key)
            click = (window.y0 + window.height / 2, window.x0 + window.width / 2)
            answers.append(_time(lambda click=click: session.prompt(points_yx=click)))
    yield Figure(
        "read of a stored tile, median", statistics.median(reads) * 1e3, "ms", 5
    )
    yield Figure(
        "answer from a tile on disk, median", statistics.median(answers) * 1e3, "ms"
    )
    p95 = statistics.quantiles(answers, n=20)[-1] * 1e3
    yield Figure("answer from a tile on disk, p95", p95, "ms", 150)


def _time(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def build_table(figures: list[Figure]) -> Table:
    """Return what people read."""
    table = Table("", "measured", "wanted")
    for figure in figures:
        target = "" if figure.target is None else f"<= {figure.target:g} {figure.unit}"
        table.add_row(figure.name, f"{figure.value:.3g} {figure.unit}", target)
    return table


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine = describe_machine(arguments.threads)
    console = Console(width=110)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    model = load_model("tiny", device="cpu")
    with console.status("measuring"):
        figures = [
            *measure_huge_image(model),
            *measure_grid(),
            *measure_warm_prompts(model),
        ]
    console.print(build_table(figures))
    if arguments.json is not None:
        record = {"machine": machine, "figures": [asdict(figure) for figure in figures]}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
