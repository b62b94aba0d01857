"""Weigh the ways to keep embeddings on disk: size, and time to read and to write.

    python tests/benchmarks/bench_store.py [--tiles N] [--json FILE]

Two kinds of embeddings: those of the embedded model for windows of photographs and
micrographs, and noise of the shape of ViT-B's. Tiles are read and written one at a
time, as prompts and the encoder do. Layouts take turns, so that whatever else the
machine does slows all of them alike; files are in the system's cache.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import zarr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Column, Table
from skimage import data
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import describe_machine
from tilesam import load_model
from tilesam.store import StoreContents, StoredTile, hash_pixels, open_store
from tilesam.types import ImageIdentity, TileKey

Embedding = NDArray[np.float32]

TURNS = 3
"""How often each tile is written and read."""

SIDE = 4
"""Tiles of a shard along each axis, and of the image."""

PICTURES = (
    "astronaut",
    "coffee",
    "immunohistochemistry",
    "hubble_deep_field",
    "camera",
)


@dataclass(frozen=True)
class Layout:
    """A way to keep embeddings: the settings of a zarr array."""

    name: str
    dtype: str = "float16"
    compressors: tuple[Any, ...] = (Crc32cCodec(),)
    is_sharded: bool = False


LAYOUTS = (
    Layout("fp16 raw"),
    Layout("fp16 zstd 1", compressors=(ZstdCodec(level=1), Crc32cCodec())),
    Layout("fp16 zstd 5", compressors=(ZstdCodec(level=5), Crc32cCodec())),
    Layout(
        "fp16 blosc shuffle zstd",
        compressors=(
            BloscCodec(cname="zstd", clevel=5, shuffle="shuffle", typesize=2),
            Crc32cCodec(),
        ),
    ),
    Layout(f"fp16 raw, {SIDE} x {SIDE} shards", is_sharded=True),
    Layout("fp32 raw", dtype="float32"),
)


@dataclass
class Candidate:
    """A layout or a store, and what was measured of it."""

    name: str
    read: Callable[[int], Any]
    write: Callable[[int, NDArray[Any]], None]
    folder: Path
    dtype: str = "float16"
    read_s: list[float] = field(default_factory=list)
    write_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """Size and times of one tile."""

    kind: str
    layout: str
    mib: float
    read_ms: float
    read_p95_ms: float
    write_ms: float
    write_p95_ms: float


def embed_pictures(count: int) -> list[Embedding]:
    """Return embeddings of the embedded model for windows of tiled pictures."""
    model = load_model("tiny")
    size = model.input_size
    windows = []
    for number in range(count):
        picture = getattr(data, PICTURES[number % len(PICTURES)])()
        rgb = np.atleast_3d(picture)[..., :3]
        rgb = np.broadcast_to(rgb, (*rgb.shape[:2], 3))
        tiled = np.tile(rgb, (3, 3, 1))
        start = 97 * number % rgb.shape[0]
        windows.append(tiled[start : start + size, start : start + size])
    embeddings = [model.embed([window])[0].cpu().numpy() for window in windows]
    # The network's own order of axes in memory is another one.
    return [np.ascontiguousarray(embedding) for embedding in embeddings]


def draw_noise(count: int, shape: tuple[int, int, int]) -> list[Embedding]:
    """Return embeddings that nothing can compress well, of a usual magnitude."""
    rng = np.random.default_rng(0)
    noise = [rng.standard_normal(shape, np.float32) for _ in range(count)]
    return [values * np.float32(0.1) for values in noise]


def build_candidates(folder: Path, shape: tuple[int, ...]) -> list[Candidate]:
    """Return all layouts and the store as it is, empty."""
    candidates = [
        _build_layout(folder / str(number), layout, shape)
        for number, layout in enumerate(LAYOUTS)
    ]
    return [*candidates, _build_store(folder / "store", shape)]


def _build_layout(folder: Path, layout: Layout, shape: tuple[int, ...]) -> Candidate:
    array = zarr.create_array(
        folder,
        shape=(SIDE, SIDE, *shape),
        chunks=(1, 1, *shape),
        shards=(SIDE, SIDE, *shape) if layout.is_sharded else None,
        dtype=layout.dtype,
        compressors=layout.compressors,
        filters=None,
        fill_value=0,
        chunk_key_encoding={"name": "default", "separator": "."},
    )

    def read(number: int) -> Any:
        return array[divmod(number, SIDE)]

    def write(number: int, embedding: NDArray[Any]) -> None:
        array[divmod(number, SIDE)] = embedding

    return Candidate(layout.name, read, write, folder, layout.dtype)


def _build_store(folder: Path, shape: tuple[int, ...]) -> Candidate:
    input_size = 16 * shape[-1]
    # The lattice of this image has SIDE x SIDE places and more.
    image = ImageIdentity((2 * input_size, 2 * input_size), "uint8", 3)
    depth, height, width = shape
    contents = StoreContents(
        image=image,
        channels=(0, 1, 2),
        plane=(),
        normalization={"limits": None},
        weights_sha256="0" * 64,
        model_name="benchmark",
        input_size=input_size,
        stride=input_size // 4,
        preprocessing_version=1,
        embedding_shape=(depth, height, width),
    )
    store = open_store(folder, contents)
    pixels_hash = hash_pixels(np.zeros((1, 1, 3), np.uint8))

    def read(number: int) -> Any:
        return store.read(TileKey(0, *divmod(number, SIDE)))

    def write(number: int, embedding: NDArray[Any]) -> None:
        tile = StoredTile(embedding, pixels_hash)
        store.write(TileKey(0, *divmod(number, SIDE)), tile)

    return Candidate("the store as it is", read, write, folder)


def measure(candidates: list[Candidate], embeddings: list[Embedding]) -> None:
    """Write and read all tiles, the candidates in turn."""
    for turn in range(1 + TURNS):
        for number, embedding in enumerate(embeddings):
            for candidate in candidates:
                values = embedding.astype(candidate.dtype)
                seconds = _seconds(candidate.write, number, values)
                candidate.write_s += [seconds] * (turn > 0)  # the first warms up
    for turn in range(1 + TURNS):
        for number in range(len(embeddings)):
            for candidate in candidates:
                seconds = _seconds(candidate.read, number)
                candidate.read_s += [seconds] * (turn > 0)


def _seconds(work: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def summarize(kind: str, candidate: Candidate, count: int) -> Result:
    """Return the figures of one candidate."""
    files = [path for path in candidate.folder.rglob("c.*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    return Result(
        kind,
        candidate.name,
        mib=size / count / 2**20,
        read_ms=statistics.median(candidate.read_s) * 1e3,
        read_p95_ms=float(np.percentile(candidate.read_s, 95)) * 1e3,
        write_ms=statistics.median(candidate.write_s) * 1e3,
        write_p95_ms=float(np.percentile(candidate.write_s, 95)) * 1e3,
    )


def weigh(kind: str, embeddings: list[Embedding]) -> list[Result]:
    """Return the figures of all layouts for one kind of embeddings."""
    count = len(embeddings)
    with tempfile.TemporaryDirectory() as folder:
        candidates = build_candidates(Path(folder), embeddings[0].shape)
        measure(candidates, embeddings)
        return [summarize(kind, candidate, count) for candidate in candidates]


def build_table(kind: str, results: list[Result]) -> Table:
    """Return what people read."""
    names = ("", "MiB", "size", "read ms", "p95", "ratio", "write ms", "p95", "ratio")
    table = Table(*(Column(name, no_wrap=True) for name in names), title=kind)
    first = results[0]
    for result in results:
        table.add_row(
            result.layout,
            f"{result.mib:.3f}",
            f"{result.mib / first.mib:.0%}",
            f"{result.read_ms:.2f}",
            f"{result.read_p95_ms:.2f}",
            f"{result.read_ms / first.read_ms:.1f}",
            f"{result.write_ms:.2f}",
            f"{result.write_p95_ms:.2f}",
            f"{result.write_ms / first.write_ms:.1f}",
        )
    return table


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=int, default=SIDE * SIDE, help="at most 16")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    machine = {**describe_machine(arguments.threads), "zarr": zarr.__version__}
    console = Console(width=110)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    count = min(arguments.tiles, SIDE * SIDE)
    kinds = {
        "tiny, 256 x 32 x 32": embed_pictures(count),
        "noise, 256 x 64 x 64": draw_noise(count, (256, 64, 64)),
    }
    results = []
    for kind, embeddings in kinds.items():
        with console.status(f"measuring {kind}"):
            results += weigh(kind, embeddings)
        console.print(build_table(kind, [r for r in results if r.kind == kind]))
    if arguments.json is not None:
        record = {"machine": machine, "results": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
