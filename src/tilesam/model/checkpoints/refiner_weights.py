"""The refiner's weights: a file beside those of the model whose masks it refines.

Beside `mine.safetensors` that is `mine-refiner.safetensors`; in it is written which
weights it was trained with.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import TYPE_CHECKING

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.digests import hash_file
from tilesam.model.checkpoints.files import read_tensors
from tilesam.model.checkpoints.fitting import check_fits
from tilesam.model.checkpoints.saving import save_tensors
from tilesam.model.refining.network import Refiner, RefinerConfig
from tilesam.model.refining.refiner import MaskRefiner

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG_KEY = "refiner"
"""Entry of the file's metadata: the sizes of the network, as JSON."""

REFINES_KEY = "refines"
"""Entry of the file's metadata: the sha256 of the model's weights."""

logger = logging.getLogger(__name__)


def refiner_path(weights: Path) -> Path:
    """Return where the refiner of some weights lies, if they have one."""
    return weights.with_name(f"{weights.stem}-refiner.safetensors")


def find_refiner(
    weights: Path, weights_sha256: str, *, input_size: int
) -> MaskRefiner | None:
    """Return the refiner that lies beside a model's weights, if there is one.

    Parameters
    ----------
    weights
        The model's file.
    weights_sha256
        Of its content. A refiner that was trained with other weights is left alone,
        with a warning.
    input_size
        Of the model, in pixels.

    Raises
    ------
    CheckpointError
        If there is a file, but it is damaged or no refiner.
    """
    path = refiner_path(weights)
    if not path.is_file():
        return None
    refines = read_tensors(path).metadata.get(REFINES_KEY)
    if refines != weights_sha256:
        logger.warning(
            "%s was trained with the weights %s, not with these (%s); masks are not "
            "refined; train it again with `napari-sam train refiner`",
            *(path, (refines or "unknown")[:12], weights_sha256[:12]),
        )
        return None
    return MaskRefiner(
        load_refiner(path),
        weights_sha256=hash_file(path, "sha256")["sha256"].value,
        input_size=input_size,
    )


def load_refiner(path: Path) -> Refiner:
    """Return a refiner with its weights, on the CPU in float32.

    Raises
    ------
    CheckpointError
        If the file is missing, damaged, or not that of a refiner.
    """
    if not path.is_file():
        raise CheckpointError(
            f"there is no file {path}; expected the weights of a refiner; make them "
            "with `napari-sam train refiner`, or install the package again"
        )
    content = read_tensors(path)
    network = Refiner(_config_of(path, content.metadata))
    check_fits(content, network)
    network.load_state_dict(content.tensors, strict=True)
    return network.eval()


def _config_of(path: Path, metadata: Mapping[str, str]) -> RefinerConfig:
    try:
        sizes = json.loads(metadata[CONFIG_KEY])
        config = RefinerConfig(
            sizes["size"], tuple(sizes["dims"]), tuple(sizes["depths"])
        )
        _require_sizes(config)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not say what refiner it holds; expected a file that "
            "`napari-sam train refiner` has made; give another one"
        ) from error
    return config


def _require_sizes(config: RefinerConfig) -> None:
    """Raise ValueError unless a network can have these sizes."""
    numbers = (config.size, *config.dims, *config.depths)
    are_numbers = all(isinstance(number, int) for number in numbers)
    if not are_numbers or (len(config.dims), len(config.depths)) != (4, 4):
        raise ValueError(f"{config} has no four stages")
    if config.size % 16 or min(config.size, *config.dims) < 1 or min(config.depths) < 0:
        raise ValueError(f"{config} has sizes that are too small, or no multiple of 16")


def save_refiner(
    network: Refiner, path: Path, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights in half precision, whole or not at all.

    Parameters
    ----------
    path
        Ends in `.safetensors`.
    metadata
        Further entries, for example how the weights were made.

    Raises
    ------
    OutputError
        If the file cannot be written, or if values are not finite.
    """
    about = {**(metadata or {}), CONFIG_KEY: json.dumps(asdict(network.config))}
    save_tensors(network.state_dict(), path, metadata=about)
