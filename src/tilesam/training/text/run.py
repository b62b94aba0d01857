"""The contrastive run: killed at any step it goes on with what it would have done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch

from tilesam.text.network import TextNetwork
from tilesam.text.vocabulary import vocabulary
from tilesam.text.weights import load_text_network, save_text_network
from tilesam.training.optimisation import (
    WeightAverage,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from tilesam.training.recipes import Phase, Recipe
from tilesam.training.resumable import ResumableRun
from tilesam.training.run_files import RunFiles
from tilesam.training.text.aligning import alignment_loss, draw_pairs, mask_weights

if TYPE_CHECKING:
    from pathlib import Path

    from tilesam.training.text.samples import MaskSamples

Report: TypeAlias = Callable[[int, int, float], None]
"""Called after each step with (steps done, steps in all, loss)."""

LOG_EVERY, CHECKPOINT_EVERY = 20, 100


def text_recipe(*, steps: int = 3000, batch_size: int = 128) -> Recipe:
    """Return how the two encoders are trained.

    Parameters
    ----------
    steps
        Optimiser steps.
    batch_size
        Masks a step.
    """
    return Recipe(
        "text-tiny",
        (Phase(steps, 48, batch_size, 0, 0),),
        learning_rate=1.5e-3,
        weight_decay=0.05,
        warmup_steps=min(100, steps // 10 + 1),
        ema_decay=0.995,
    )


@dataclass(frozen=True)
class TextTrainingOptions:
    """How a run is done.

    Parameters
    ----------
    seed
        Equal seeds make equal weights.
    initial_weights
        Text weights to begin with; None begins with random ones.
    stop_after
        Leave after so many steps, with a checkpoint.
    """

    seed: int = 0
    initial_weights: Path | None = None
    stop_after: int | None = None


class TextTrainer(ResumableRun):
    """A run over masks that were collected before.

    Parameters
    ----------
    samples
        What is learned from.
    weights
        The file to make; the other files of the run lie beside it.
    recipe
        Steps, rates and sizes.
    options
        How to do it.
    """

    def __init__(
        self,
        samples: MaskSamples,
        weights: Path,
        recipe: Recipe,
        options: TextTrainingOptions,
    ) -> None:
        super().__init__()
        self.samples = samples
        self.recipe = recipe
        self.options = options
        self.files = RunFiles(weights)
        torch.manual_seed(options.seed)
        self.network: TextNetwork = TextNetwork(len(vocabulary()))
        if options.initial_weights is not None:
            begun = load_text_network(options.initial_weights)
            self.network.load_state_dict(begun.state_dict())
        self.network.crops.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer([self.network], recipe)
        self.average = WeightAverage(self.network, recipe.ema_decay)
        self._weights = mask_weights(samples)

    def run(self, report: Report | None = None) -> None:
        """Train to the end of the recipe and write the averaged weights.

        Parameters
        ----------
        report
            Told of every step.
        """
        total = self.recipe.total_steps
        last = min(self.options.stop_after or total, total)
        self.files.truncate_log(self.step)
        recent: list[float] = []
        while self.step < last:
            recent.append(self._train_step())
            self.step += 1
            if self.step % LOG_EVERY == 0:
                self._log(fmean(recent))
                recent = []
            if self.step % CHECKPOINT_EVERY == 0 or self.step == last:
                self._save_checkpoint()
            if report is not None:
                report(self.step, total, recent[-1] if recent else float("nan"))
        self.save(self.averaged())

    @property
    def is_done(self) -> bool:
        """Whether all steps of the recipe were made."""
        return self.step >= self.recipe.total_steps

    def save(self, network: TextNetwork, **more: int) -> None:
        """Write a network as the weights of this run.

        Parameters
        ----------
        network
            Averaged, and perhaps trained further.
        **more
            What else was done, for the file.
        """
        about = {
            "recipe": repr(self.recipe),
            "seed": str(self.options.seed),
            "initial_weights": str(self.options.initial_weights or "random"),
            "steps": str(self.step),
            **{name: str(value) for name, value in more.items()},
        }
        save_text_network(network, self.files.weights, metadata=about)

    def averaged(self) -> TextNetwork:
        """Return the network with its averaged weights."""
        network = TextNetwork(len(vocabulary()))
        network.load_state_dict(self.average.state)
        return network.eval()

    @property
    def _identity(self) -> str:
        begun = self.options.initial_weights or "random weights"
        return (
            f"{self.recipe!r} seed {self.options.seed} from {begun}, "
            f"{len(self.samples)} masks"
        )

    def _train_step(self) -> float:
        set_learning_rate(self.optimizer, learning_rate(self.step, self.recipe))
        self.network.train()
        # From the step alone, so that a resumed run draws what it would have drawn.
        rng = np.random.default_rng((self.options.seed, self.step))
        torch.manual_seed(self.options.seed * 1_000_003 + self.step)
        batch_size = self.recipe.phases[0].batch_size
        pairs = draw_pairs(self.samples, self._weights, batch_size, rng)
        loss = alignment_loss(self.network, pairs)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimizer.step()
        self.average.update(self.network)
        self.optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _log(self, loss: float) -> None:
        self.files.append_log(
            {
                "step": str(self.step),
                "phase": "0",
                "learning_rate": f"{learning_rate(self.step, self.recipe):.5g}",
                "loss": f"{loss:.5g}",
                "cpu_seconds": f"{self.cpu_seconds:.1f}",
            }
        )
