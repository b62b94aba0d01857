"""The weights of the embedded backend: one file beside those of the embedded model."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tilesam.errors import CheckpointError
from tilesam.model.checkpoints.files import read_tensors
from tilesam.model.checkpoints.fitting import check_fits
from tilesam.model.checkpoints.registry import EMBEDDED_FOLDER
from tilesam.model.checkpoints.saving import save_tensors
from tilesam.text.network import TextNetwork
from tilesam.text.vocabulary import vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EMBEDDED_WEIGHTS = EMBEDDED_FOLDER / "text-tiny.safetensors"

VOCABULARY_KEY = "vocabulary"
"""Entry of the file's metadata: all words, separated by spaces, in their order."""


def load_text_network(path: Path = EMBEDDED_WEIGHTS) -> TextNetwork:
    """Return both encoders with their weights, on the CPU in float32.

    Raises
    ------
    CheckpointError
        If the file is missing or damaged, or of another vocabulary.
    """
    if not path.is_file():
        raise CheckpointError(
            f"there are no weights {path}; expected those of the text encoder, which "
            "come with the package; install it again, or make them with "
            "`napari-sam train text`"
        )
    content = read_tensors(path)
    if content.metadata.get(VOCABULARY_KEY, "").split() != list(vocabulary()):
        raise CheckpointError(
            f"{path} was made for other words than this version of the package knows; "
            "install the package again, or train again with `napari-sam train text`"
        )
    network = TextNetwork(len(vocabulary()))
    check_fits(content, network)
    network.load_state_dict(content.tensors, strict=True)
    return network.eval()


@cache
def embedded_text_network() -> TextNetwork:
    """Return the network that comes with the package; it is loaded once."""
    return load_text_network()


def save_text_network(
    network: TextNetwork, path: Path, *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write the weights in half precision, whole or not at all.

    Parameters
    ----------
    network
        Both encoders.
    path
        Ends in `.safetensors`.
    metadata
        Further entries, for example how the weights were made.

    Raises
    ------
    OutputError
        If the file cannot be written, or if values are not finite.
    """
    about = {**(metadata or {}), VOCABULARY_KEY: " ".join(vocabulary())}
    save_tensors(network.state_dict(), path, metadata=about)
