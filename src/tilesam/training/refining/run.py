"""The refiner's run: killed at any step it goes on with what it would have done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader

from tilesam.model.checkpoints.refiner_weights import (
    REFINES_KEY,
    load_refiner,
    save_refiner,
)
from tilesam.model.refining.network import Refiner, RefinerConfig
from tilesam.training.optimisation import (
    WeightAverage,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from tilesam.training.recipes import Phase, Recipe
from tilesam.training.refining.corrections import CorrectionDraw
from tilesam.training.refining.records import RegionDraw
from tilesam.training.refining.rounds import go_backward
from tilesam.training.refining.sizes import RegionsOfTwoSizes
from tilesam.training.resumable import ResumableRun
from tilesam.training.run_files import RunFiles, plot_log
from tilesam.training.step import average

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tilesam.training.refining.answers import DecoderAnswers
    from tilesam.training.refining.records import RegionBatch
    from tilesam.training.step import Figures, Progress

LOG_EVERY, CHECKPOINT_EVERY = 20, 200


def refiner_recipe(
    *, steps: int = 7000, batch_size: int = 24, learning_rate: float = 1.5e-3
) -> Recipe:
    """Return how the refiner is trained.

    Parameters
    ----------
    steps
        Optimiser steps.
    batch_size
        Regions a step.
    learning_rate
        Peak.
    """
    return Recipe(
        "refiner",
        (Phase(steps, RefinerConfig().size, batch_size, 1, 2),),
        learning_rate=learning_rate,
        weight_decay=0.05,
        warmup_steps=min(200, steps // 10 + 1),
        ema_decay=0.998,
        bfloat16=True,
    )


@dataclass(frozen=True)
class RefinerOptions:
    """How a run is done.

    Parameters
    ----------
    seed
        Equal seeds make equal weights.
    initial_weights
        Of a refiner to begin with; None begins with random ones.
    config
        Sizes of a network that begins with random weights.
    stop_after
        Leave after so many steps, with a checkpoint.
    workers
        Processes that prepare regions; 0 prepares them in this one.
    regions
        How regions are drawn.
    corrections
        How clicks on errors are simulated.
    large_every
        One step in so many has larger regions of large objects; 0 for none.
    """

    seed: int = 0
    initial_weights: Path | None = None
    config: RefinerConfig = field(default_factory=RefinerConfig)
    stop_after: int | None = None
    workers: int = 0
    regions: RegionDraw = field(default_factory=RegionDraw)
    corrections: CorrectionDraw = field(default_factory=CorrectionDraw)
    large_every: int = 3


class RefinerTrainer(ResumableRun):
    """A run over regions.

    Parameters
    ----------
    answers
        Of the model whose masks are to be refined, about the training images.
    weights
        The file to make; the other files of the run lie beside it.
    recipe
        Steps, rates and sizes.
    options
        How to do it.
    """

    def __init__(
        self,
        answers: DecoderAnswers,
        weights: Path,
        recipe: Recipe,
        options: RefinerOptions,
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.options = options
        self.files = RunFiles(weights)
        torch.manual_seed(options.seed)
        self.network: Refiner = self._begin()
        self.regions = RegionsOfTwoSizes(
            answers,
            size=self.network.config.size,
            seed=options.seed,
            draw=options.regions,
        )
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer([self.network], recipe)
        self.average = WeightAverage(self.network, recipe.ema_decay)

    def _begin(self) -> Refiner:
        if self.options.initial_weights is None:
            return Refiner(self.options.config)
        return load_refiner(self.options.initial_weights)

    def run(self, report: Progress | None = None) -> None:
        """Train to the end of the recipe and write the averaged weights.

        Parameters
        ----------
        report
            Told of every step.
        """
        total = self.recipe.total_steps
        last = min(self.options.stop_after or total, total)
        self.files.truncate_log(self.step)
        recent: list[Figures] = []
        for batch in self._load(last):
            recent.append(self._train_step(batch))
            self.step += 1
            if report is not None:
                report(self.step, total, recent[-1])
            if self.step % LOG_EVERY == 0:
                self._log(average(recent))
                recent = []
            if self.step % CHECKPOINT_EVERY == 0 or self.step == last:
                self._save_checkpoint()
        self._finish()

    def _load(self, last: int) -> Iterator[RegionBatch]:
        batches = self.regions.batches(
            range(self.step, last),
            batch_size=self.recipe.phases[0].batch_size,
            large_every=self.options.large_every,
        )
        yield from DataLoader(
            self.regions,
            batch_sampler=batches,
            num_workers=self.options.workers,
        )

    def _train_step(self, batch: RegionBatch) -> Figures:
        rate = learning_rate(self.step, self.recipe)
        set_learning_rate(self.optimizer, rate)
        self.network.train()
        # From the step alone, so that a resumed run draws what it would have drawn.
        seed = self.options.seed * 1_000_003 + self.step
        figures = go_backward(
            *(self.network, batch),
            rounds=self._draw_rounds(seed),
            generator=torch.Generator().manual_seed(seed),
            draw=self.options.corrections,
            bfloat16=self.recipe.bfloat16,
        )
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.average.update(self.network)
        self.optimizer.zero_grad(set_to_none=True)
        return {"learning_rate": rate, **figures}

    def _draw_rounds(self, seed: int) -> int:
        """Return how often the batch is asked: at first once, later up to thrice."""
        if self.step < self.recipe.total_steps // 6:
            return 1
        return int(np.random.default_rng(seed).choice([1, 2, 3], p=[0.55, 0.33, 0.12]))

    def averaged(self) -> Refiner:
        """Return the network with its averaged weights."""
        network = Refiner(self.network.config)
        network.load_state_dict(self.average.state)
        return network.eval()

    @property
    def _identity(self) -> str:
        options = self.options
        begun = options.initial_weights or "random weights"
        draws = f"{options.regions!r} {options.corrections!r} {options.large_every}"
        return (
            f"{self.recipe!r} {self.network.config!r} {draws} seed {options.seed} from "
            f"{begun}, {len(self.regions.usual.images)} images, refines {self._refines}"
        )

    @property
    def _refines(self) -> str:
        return self.regions.usual.answers.model.weights_sha256

    def _log(self, figures: Figures) -> None:
        row = {name: f"{value:.5g}" for name, value in figures.items()}
        row |= {
            "step": str(self.step),
            "phase": "0",
            "cpu_seconds": f"{self.cpu_seconds:.1f}",
        }
        self.files.append_log(dict(row))

    def _finish(self) -> None:
        begun = self.options.initial_weights
        about = {
            "recipe": repr(self.recipe),
            "seed": str(self.options.seed),
            # Where it lay is nobody's business.
            "initial_weights": "random" if begun is None else begun.name,
            "steps": str(self.step),
            REFINES_KEY: self._refines,
        }
        save_refiner(self.averaged(), self.files.weights, metadata=about)
        plot_log(self.files.log, self.files.plot)
