"""Weights of one variant: made once, found again, and gone on with if half made."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from tilesam.model.checkpoints.loading import find_weights
from tilesam.training.loop import Trainer, TrainingOptions
from tilesam.training.run_files import RunFiles
from tilesam.writing import written_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tilesam.ablation.plan import Plan
    from tilesam.ablation.variants import Variant

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")
CHECKPOINT_EVERY = 50
"""Steps; they are lost when a run is killed."""

LONGEST_NAME = 80
SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Place:
    """Where the files of a variant and a seed lie.

    Parameters
    ----------
    folder
        Of these alone; its name says which variant, seed and configuration it is of.
    """

    folder: Path

    @property
    def weights(self) -> Path:
        """What is made."""
        return self.folder / "weights.safetensors"

    @property
    def record(self) -> Path:
        """There as soon as all is done."""
        return self.folder / "finished.json"

    def read_record(self) -> dict[str, Any] | None:
        """Return what is known of finished weights, None if they are not finished."""
        try:
            record = json.loads(self.record.read_text(encoding="utf-8"))
            found = find_weights(self.weights).sha256
        except (OSError, ValueError, LookupError):
            return None
        is_same = isinstance(record, dict) and record.get("weights_sha256") == found
        return record if is_same else None


def place_of(folder: Path, variant: Variant, seed: int, key: str) -> Place:
    """Return where a variant and a seed are kept.

    Parameters
    ----------
    folder
        Of all of them.
    key
        From `identify`.
    """
    name = re.sub(r"[^\w.+-]", "_", variant.name)[:LONGEST_NAME]
    return Place(folder / f"{name}-seed-{seed}-{key[:SHOWN_DIGITS]}")


def train_variant(
    plan: Plan,
    variant: Variant,
    seed: int,
    place: Place,
    *,
    device: torch.device = CPU,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Train a variant, unless that was done, and return what is known of its weights.

    Parameters
    ----------
    plan
        Of the study.
    place
        Where its files are; a run that was killed there goes on.
    device
        Where it is computed.
    progress
        Is called after each step with (steps done, steps in all).

    Returns
    -------
    dict
        `seed`, `steps`, `cpu_seconds`, `recipe`, `left_out` and `weights_sha256`.

    Raises
    ------
    DatasetError, TrainingError, OutputError
        If it cannot be trained, or nothing be written.
    """
    record = place.read_record()
    if record is not None:
        logger.info("%s is finished", place.folder)
        return record
    options = TrainingOptions(
        seed=seed,
        initial_weights=plan.initial_weights,
        device=device,
        checkpoint_every=CHECKPOINT_EVERY,
        left_out=variant.left_out,
    )
    recipe = variant.change_recipe(plan.recipe)
    trainer = Trainer(recipe, plan.data, place.weights, options)
    files = RunFiles(place.weights)
    if files.checkpoint.exists():
        trainer.resume()
    trainer.run(lambda done, total, _: progress(done, total) if progress else None)
    record = {
        "seed": seed,
        "steps": trainer.step,
        "cpu_seconds": round(trainer.cpu_seconds, 1),
        "recipe": recipe.description,
        "left_out": list(variant.left_out),
        "weights_sha256": find_weights(place.weights).sha256,
    }
    with written_whole(place.record) as partial:
        partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    # Several times as large as the weights, and not needed again.
    files.checkpoint.unlink(missing_ok=True)
    return record
