"""The training loop: phases of crops, rounds of prompts, one optimiser step each."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import DataLoader

from tilesam.errors import DatasetError, TrainingError
from tilesam.model.checkpoints.loading import load_model
from tilesam.model.checkpoints.saving import save_weights
from tilesam.model.configs import CONFIGS, SamConfig, build_sam
from tilesam.training.batches import CropDataset
from tilesam.training.dense import DenseHead
from tilesam.training.manifest import ManifestDataset
from tilesam.training.optimisation import (
    WeightAverage,
    build_optimizer,
    learning_rate,
    set_learning_rate,
)
from tilesam.training.resumable import ResumableRun
from tilesam.training.run_files import RunFiles, plot_log
from tilesam.training.step import Figures, average, go_backward
from tilesam.training.validation import QuickValidation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tilesam.model.sam import Sam
    from tilesam.training.batches import Batch
    from tilesam.training.recipes import Phase, Recipe
    from tilesam.training.step import Progress

logger = logging.getLogger(__name__)

LOG_EVERY = 10
"""Steps whose figures are averaged in one line of the log."""

CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainingOptions:
    """How a recipe is run.

    Parameters
    ----------
    seed
        Determines weights, crops and prompts.
    initial_weights
        Name or path of weights to begin with, see `load_model`; None begins with
        random ones.
    workers
        Processes that prepare crops; 0 prepares them in this one.
    checkpoint_every
        Steps between checkpoints.
    left_out
        Domains of the data that are not trained on.
    stop_after
        Leave after this many steps of the recipe, with a checkpoint; for sharing a
        machine, or for comparing recipes over the same time.
    """

    seed: int = 0
    initial_weights: str | None = None
    device: torch.device = CPU
    workers: int = 0
    checkpoint_every: int = 100
    stop_after: int | None = None
    left_out: tuple[str, ...] = ()


class Trainer(ResumableRun):
    """A run of a recipe that can be killed at any step and resumed.

    Parameters
    ----------
    recipe
        What to do.
    data
        Folder with a `manifest.csv`.
    weights
        The file to make; the other files of the run lie beside it.
    options
        How to do it.
    """

    def __init__(
        self, recipe: Recipe, data: Path, weights: Path, options: TrainingOptions
    ) -> None:
        super().__init__()
        self.recipe = recipe
        self.options = options
        self.files = RunFiles(weights)
        self.images = ManifestDataset(data, "train", left_out=options.left_out)
        self.validation_images = ManifestDataset(data, "val")
        torch.manual_seed(options.seed)
        self.network: Sam = build_network(recipe, options.initial_weights)
        self.network.to(options.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.dense_head = DenseHead().to(options.device)
        self.optimizer = build_optimizer([self.network, self.dense_head], recipe)
        self.average = WeightAverage(self.network, recipe.ema_decay)

    def run(self, progress: Progress | None = None) -> None:
        """Train to the end of the recipe and write the averaged weights.

        Parameters
        ----------
        progress
            Told of every step.
        """
        last = min(
            self.options.stop_after or self.recipe.total_steps, self.recipe.total_steps
        )
        self.files.truncate_log(self.step)
        while self.step < last:
            index, start = self.recipe.phase_at(self.step)
            self._run_phase(index, start, last, progress)
        self._finish()

    def _parts(self) -> dict[str, Any]:
        return {**super()._parts(), "dense_head": self.dense_head}

    @property
    def _identity(self) -> str:
        begun = self.options.initial_weights or "random weights"
        left_out = "".join(f" without {name}" for name in self.options.left_out)
        seed = self.options.seed
        return f"{self.recipe.description} seed {seed} from {begun}{left_out}"

    def _run_phase(
        self, index: int, start: int, last: int, progress: Progress | None
    ) -> None:
        phase = self.recipe.phases[index]
        logger.info("phase %d from step %d: %s", index, self.step, phase)
        validation = QuickValidation(self.validation_images, size=phase.size)
        recent: list[Figures] = []
        for batch in self._load(phase, self.step - start, index):
            figures = self._train_step(batch.to(self.options.device), phase)
            self.step += 1
            recent.append(figures)
            if self.step % self.recipe.validate_every == 0:
                figures |= self._validate(validation)
            if self.step % LOG_EVERY == 0 or "val_box" in figures:
                self._log(average(recent), index)
                recent = []
            if progress is not None:
                progress(self.step, self.recipe.total_steps, figures)
            if self.step % self.options.checkpoint_every == 0 or self.step == last:
                self._save_checkpoint()
            if self.step == last:
                break

    def _load(self, phase: Phase, done: int, index: int) -> Iterator[Batch]:
        crops = CropDataset(self.images, phase, seed=self.options.seed * 1000 + index)
        order = range(done * phase.batch_size, phase.steps * phase.batch_size)
        loader = DataLoader(
            crops,
            batch_size=phase.batch_size,
            sampler=order,
            num_workers=self.options.workers,
            pin_memory=self.options.device.type == "cuda",
            persistent_workers=False,
        )
        try:
            yield from loader
        except DatasetError as error:
            # From another process the one line comes inside of a traceback.
            line = str(error).rpartition(f"{DatasetError.__name__}: ")[2].strip()
            raise DatasetError(line) from error

    def _train_step(self, batch: Batch, phase: Phase) -> Figures:
        rate = learning_rate(self.step, self.recipe)
        set_learning_rate(self.optimizer, rate)
        self.network.train()
        # From the step alone: a resumed run simulates the prompts it would have, and
        # drops the paths it would have.
        seed = self.options.seed * 1_000_003 + self.step
        torch.manual_seed(seed)
        figures = go_backward(
            self.network,
            self.dense_head,
            batch,
            phase,
            seed=seed,
            bfloat16=self.recipe.bfloat16,
            prompting=self.recipe.prompting,
        )
        self._update_weights()
        return {"learning_rate": rate, **figures}

    def _update_weights(self) -> None:
        parameters = [p for g in self.optimizer.param_groups for p in g["params"]]
        norm = torch.nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        if torch.isfinite(norm):
            self.optimizer.step()
            self.average.update(self.network)
        else:
            logger.warning("step %d skipped: the gradient is not finite", self.step)
        self.optimizer.zero_grad(set_to_none=True)

    def _averaged_network(self) -> Sam:
        network = build_sam(training_config(self.recipe)).to(self.options.device)
        network.load_state_dict(self.average.state)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return network.eval()

    def _validate(self, validation: QuickValidation) -> Figures:
        score = validation.score(self._averaged_network(), self.options.device)
        return {f"val_{name}": value for name, value in asdict(score).items()}

    def _log(self, figures: Figures, phase: int) -> None:
        row = {name: f"{value:.5g}" for name, value in figures.items()}
        row |= {
            "step": str(self.step),
            "phase": str(phase),
            "cpu_seconds": f"{self.cpu_seconds:.1f}",
        }
        self.files.append_log(dict(row))

    def _finish(self) -> None:
        provenance = {
            "recipe": self.recipe.description,
            "seed": str(self.options.seed),
            "initial_weights": self.options.initial_weights or "random",
            "steps": str(self.step),
        }
        if self.options.left_out:
            provenance["left_out"] = ", ".join(self.options.left_out)
        save_weights(
            self._averaged_network(),
            self.files.weights,
            dtype=torch.float16,
            metadata=provenance,
        )
        plot_log(self.files.log, self.files.plot)


def build_network(recipe: Recipe, initial_weights: str | None) -> Sam:
    """Return the network that a recipe begins with, on the CPU.

    Raises
    ------
    TrainingError
        If the weights are of another architecture.
    UnknownModelError, CheckpointError, DownloadError
        If the weights cannot be loaded.
    """
    network = build_sam(training_config(recipe))
    if initial_weights is None:
        return network

    begun = load_model(initial_weights, device="cpu").network
    if begun.config.name != network.config.name:
        raise TrainingError(
            f"{initial_weights} is of architecture {begun.config.name}, and "
            f"{network.config.name} is to be trained; choose --architecture "
            f"{begun.config.name} or other weights"
        )
    network.load_state_dict(begun.state_dict())
    return network


def training_config(recipe: Recipe) -> SamConfig:
    """Return the architecture of a recipe, with the recipe's drop path.

    Raises
    ------
    TrainingError
        If there is no such architecture.
    """
    if recipe.architecture not in CONFIGS:
        raise TrainingError(
            f"there is no architecture {recipe.architecture!r}; there are "
            f"{', '.join(CONFIGS)}"
        )
    config = CONFIGS[recipe.architecture]
    encoder = replace(config.encoder, drop_path_rate=recipe.drop_path_rate)
    input_size = recipe.input_size or config.input_size
    return replace(config, encoder=encoder, input_size=input_size)
