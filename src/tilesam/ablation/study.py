"""A whole study: every variant trained, measured and compared."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import torch

from tilesam.ablation.differences import Outcome, Run
from tilesam.ablation.document import build_study
from tilesam.ablation.making import place_of, train_variant
from tilesam.ablation.measuring import measure_model
from tilesam.ablation.plan import MEASURED_ON, check_plan, digest_data, identify
from tilesam.evaluation.folders import open_labelled
from tilesam.evaluation.results import KeptResults
from tilesam.model.checkpoints.loading import load_model
from tilesam.writing import require_writable_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tilesam.ablation.plan import Digests, Plan
    from tilesam.ablation.variants import Variant
    from tilesam.evaluation.folders import LabelledImages
    from tilesam.evaluation.reporting.document import Document

CPU = torch.device("cpu")
RUNS, MEASURED = "runs", "measured"

Bar: TypeAlias = "Callable[[str], AbstractContextManager[Callable[[int, int], None]]]"
"""Shows how far one piece of work is, given its title."""


@contextmanager
def no_bar(_title: str) -> Iterator[Callable[[int, int], None]]:
    """Show nothing."""
    yield lambda _done, _total: None


def run_study(
    plan: Plan, folder: Path, *, device: torch.device = CPU, bar: Bar = no_bar
) -> Document:
    """Train and measure all variants, and compare them with the full training.

    What is finished in the folder is not done again, and what was begun goes on.

    Parameters
    ----------
    plan
        What to do.
    folder
        Keeps weights, and results of single images.
    device
        Where it is computed.
    bar
        Shows how far each variant is.

    Raises
    ------
    DatasetError
        If images are missing or cannot be used.
    TrainingError, UnknownModelError, CheckpointError, DownloadError
        If a variant cannot be trained.
    OutputError
        If something cannot be written.
    """
    images = open_labelled(plan.data, MEASURED_ON)
    require_writable_folder(folder)
    digests = digest_data(plan.data)
    check_plan(plan, digests)
    bench = _Bench(plan, images, digests, folder, device, bar)
    runs: dict[str, list[Run]] = {variant.name: [] for variant in plan.variants}
    for number, (variant, seed) in enumerate(plan.jobs, start=1):
        title = f"{number}/{len(plan.jobs)} {variant.name}, seed {seed}"
        runs[variant.name].append(bench.run(variant, seed, title))
    return build_study(plan, [Outcome(v, runs[v.name]) for v in plan.variants])


@dataclass(frozen=True)
class _Bench:
    """All that a single run needs besides its variant and seed."""

    plan: Plan
    images: LabelledImages
    digests: Digests
    folder: Path
    device: torch.device
    bar: Bar

    def run(self, variant: Variant, seed: int, title: str) -> Run:
        """Train and measure."""
        key = identify(self.plan, variant, seed, self.digests)
        place = place_of(self.folder / RUNS, variant, seed, key)
        with self.bar(f"Training {title}") as progress:
            record = train_variant(
                *(self.plan, variant, seed, place),
                device=self.device,
                progress=progress,
            )
        with self.bar(f"Measuring {title}") as progress:
            scores = measure_model(
                load_model(place.weights, device=self.device),
                variant.prompting,
                self.images,
                limits=self.plan.limits,
                kept=KeptResults(self.folder / MEASURED),
                progress=progress,
            )
        return Run({**record, "weights": str(place.weights)}, scores)
