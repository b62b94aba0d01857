"""Time our network beside that of `transformers`, in one run with the same weights.

    python tests/benchmarks/bench_model.py [--quick] [--threads N] [--json FILE]

Runs of the two alternate, so that whatever else the machine does slows both alike; the
median of each is reported, and the largest difference between their answers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
import transformers
from rich.console import Console
from rich.table import Column, Table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # when run as a script

from tests.benchmarks.machine import (
    describe_machine,
    peak_mib,
    reset_peak,
    resident_mib,
)
from tests.parity.peer import build_ours, build_peer
from tilesam.model.configs import CONFIGS, ViTConfig, build_sam
from tilesam.model.sam import Sam

Work = Callable[[], Tensor]

QUICK_ENCODER = ViTConfig(768, depth=3, num_heads=12, global_blocks=(2,))
"""A quarter of ViT-B, in its proportion of windowed to global blocks."""


@dataclass(frozen=True)
class Case:
    """Something to time, here and there; `target` is the highest ratio wanted."""

    name: str
    ours: Work
    peer: Work | None = None
    target: float | None = None
    repeats: int = 3


@dataclass(frozen=True)
class Result:
    """Medians in seconds, peaks of resident memory above the start in MiB."""

    name: str
    ours_s: float
    peer_s: float | None
    ratio: float | None
    target: float | None
    largest_difference: float | None
    ours_peak_mib: float | None
    peer_peak_mib: float | None


def build_cases(is_quick: bool) -> Iterator[Case]:
    """Yield all cases; the networks are built on the way."""
    config = CONFIGS["vit_b"]
    if is_quick:
        config = replace(config, encoder=QUICK_ENCODER)
    peer = build_peer(config, seed=0)
    ours = build_ours(config, peer)
    batch, few, many = (16, 2, 5) if is_quick else (64, 3, 21)
    name = "ViT-B, 3 blocks" if is_quick else "ViT-B"
    yield _encode_case(f"{name}: encode 1024 px", ours, peer, repeats=few)
    yield _prompt_case(f"{name}: {batch} points", ours, peer, count=batch, repeats=few)
    yield _prompt_case(f"{name}: one point", ours, peer, count=1, repeats=many)
    torch.manual_seed(0)
    tiny = build_sam(CONFIGS["tiny"]).eval()
    yield _encode_case("tiny: encode 512 px", tiny, None, repeats=many)
    yield _prompt_case(f"tiny: {batch} points", tiny, None, count=batch, repeats=few)
    yield _prompt_case("tiny: one point", tiny, None, count=1, repeats=many)


def _encode_case(
    name: str, ours: Sam, peer: transformers.SamModel | None, *, repeats: int
) -> Case:
    images = torch.randn(1, 3, ours.config.input_size, ours.config.input_size)

    def ask_ours() -> Tensor:
        return ours.encode(images)

    def ask_peer() -> Tensor:
        assert peer is not None
        return peer.get_image_embeddings(images)

    return Case(name, ask_ours, ask_peer if peer else None, 0.8, repeats)


def _prompt_case(
    name: str,
    ours: Sam,
    peer: transformers.SamModel | None,
    *,
    count: int,
    repeats: int,
) -> Case:
    size = ours.config.input_size
    embedding = torch.randn(1, 256, size // 16, size // 16)
    points_xy = torch.rand(1, count, 1, 2) * size
    labels = torch.ones(1, count, 1, dtype=torch.int64)

    def ask_ours() -> Tensor:
        output = ours.decode(embedding, points_xy=points_xy, point_labels=labels)
        return output.low_res_logits[:, :, 1:]

    def ask_peer() -> Tensor:
        assert peer is not None
        output = peer(
            image_embeddings=embedding, input_points=points_xy, input_labels=labels
        )
        return output.pred_masks

    target = 0.5 if count > 1 else 1.0
    return Case(name, ask_ours, ask_peer if peer else None, target, repeats)


def measure(case: Case) -> Result:
    """Run a case: once to warm up and to compare, then alternately for the clock."""
    ours_answer, ours_peak = _run_and_peak(case.ours)
    works, difference, peer_peak = [case.ours], None, None
    if case.peer is not None:
        peer_answer, peer_peak = _run_and_peak(case.peer)
        difference = float((ours_answer - peer_answer).abs().max())
        works.append(case.peer)
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(case.repeats):
        for work, own_seconds in zip(works, seconds, strict=True):
            start = time.perf_counter()
            work()
            own_seconds.append(time.perf_counter() - start)
    ours_s, *others = (statistics.median(own) for own in seconds)
    peer_s = others[0] if others else None
    return Result(
        name=case.name,
        ours_s=ours_s,
        peer_s=peer_s,
        ratio=None if peer_s is None else ours_s / peer_s,
        target=None if peer_s is None else case.target,
        largest_difference=difference,
        ours_peak_mib=ours_peak,
        peer_peak_mib=peer_peak,
    )


def _run_and_peak(work: Work) -> tuple[Tensor, float | None]:
    """Return the answer, and how far the resident memory rose, where Linux tells."""
    reset_peak()
    before = resident_mib()
    answer = work()
    after = peak_mib()
    return answer, None if before is None or after is None else after - before


def build_table(results: list[Result]) -> Table:
    """Return what people read."""
    names = ("", "ours", "peer", "ratio", "target", "difference", "MiB", "peer MiB")
    table = Table(*(Column(name, no_wrap=True) for name in names))
    for result in results:
        table.add_row(
            result.name,
            _seconds(result.ours_s),
            _seconds(result.peer_s),
            _optional(result.ratio, "{:.2f}"),
            _optional(result.target, "<= {:.1f}"),
            _optional(result.largest_difference, "{:.0e}"),
            _optional(result.ours_peak_mib, "{:.0f}"),
            _optional(result.peer_peak_mib, "{:.0f}"),
        )
    return table


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def parse_arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a fraction of the work")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    return parser.parse_args()


def main() -> None:
    """Measure, print a table, and write JSON where asked to."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    machine = describe_machine(arguments.threads)
    machine["transformers"] = transformers.__version__
    console = Console(width=110)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()))
    with torch.inference_mode(), console.status("measuring"):
        results = [measure(case) for case in build_cases(arguments.quick)]
    console.print(build_table(results))
    if arguments.json is not None:
        record = {"machine": machine, "results": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
