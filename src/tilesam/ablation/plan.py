"""What is to be trained and measured, checked before anything is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tilesam.errors import DatasetError
from tilesam.evaluation.runs import Limits
from tilesam.model.checkpoints.digests import hash_file
from tilesam.model.checkpoints.loading import find_weights
from tilesam.training.manifest import ManifestRow, read_manifest, without_domains

if TYPE_CHECKING:
    from pathlib import Path

    from tilesam.ablation.variants import Variant
    from tilesam.training.recipes import Recipe

VERSION = 2
"""Of training; raise it when equal recipes and data come to other weights."""

TRAINED_ON, MEASURED_ON = "train", "val"

Digests: TypeAlias = Mapping[ManifestRow, str]


@dataclass(frozen=True)
class Plan:
    """A study: variants, each with the same seeds.

    Parameters
    ----------
    data
        Folder with a manifest.
    variants
        The full training is the first.
    recipe
        Of the full training.
    seeds
        Each variant is trained with each of them.
    initial_weights
        Name or path of weights to begin with; None begins with random ones.
    limits
        How much of the validation split is measured.
    """

    data: Path
    variants: tuple[Variant, ...]
    recipe: Recipe
    seeds: tuple[int, ...] = (0,)
    initial_weights: str | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def jobs(self) -> list[tuple[Variant, int]]:
        """Every variant with every seed; all variants of a seed come together."""
        return [(variant, seed) for seed in self.seeds for variant in self.variants]

    def to_plain(self) -> dict[str, Any]:
        """Return what was asked for, on one level."""
        return {
            "data": str(self.data),
            "split": MEASURED_ON,
            "architecture": self.recipe.architecture,
            "input_size": self.recipe.input_size,
            "steps": self.recipe.total_steps,
            "seeds": list(self.seeds),
            "initial_weights": self.initial_weights or "random",
            "images_per_domain": self.limits.images_per_domain,
            "objects_per_image": self.limits.objects_per_image,
        }


def identify(plan: Plan, variant: Variant, seed: int, digests: Digests) -> str:
    """Return what tells the weights of a variant and a seed from all others.

    Parameters
    ----------
    digests
        From `digest_data`.

    Returns
    -------
    str
        A sha256 of the recipe, the seed, the weights to begin with, and of the images
        and labels that are trained on.
    """
    begun = plan.initial_weights
    rows = without_domains(list(digests), variant.left_out)
    configuration = {
        "version": VERSION,
        "recipe": variant.change_recipe(plan.recipe).description,
        "seed": seed,
        "initial_weights": None if begun is None else find_weights(begun).sha256,
        "data": [digests[row] for row in rows],
    }
    return hashlib.sha256(json.dumps(configuration).encode()).hexdigest()


def digest_data(folder: Path) -> dict[ManifestRow, str]:
    """Return a digest of the files and figures of each row that is trained on.

    Raises
    ------
    DatasetError
        If there is no manifest or no such row, or a file cannot be read.
    """
    return {row: _digest_row(row) for row in read_manifest(folder, TRAINED_ON)}


def _digest_row(row: ManifestRow) -> str:
    try:
        files = [
            hash_file(p, "xxh128")["xxh128"].value for p in (row.image, row.labels)
        ]
    except OSError as error:
        raise DatasetError(
            f"'{error.filename}' cannot be read ({error.strerror}); expected an image; "
            "check its permissions"
        ) from error
    return f"{row.domain} {row.instances} {row.height}x{row.width} {' '.join(files)}"


def check_plan(plan: Plan, digests: Digests) -> None:
    """Make sure that every variant can be trained, before the first one is.

    Raises
    ------
    DatasetError
        If a domain that is left out has no rows or leaves none.
    TrainingError
        If an input size cannot be.
    UnknownModelError, CheckpointError, DownloadError
        If the weights to begin with are not here.
    """
    for variant in plan.variants:
        identify(plan, variant, plan.seeds[0], digests)
