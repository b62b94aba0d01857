"""Models and devices as the panel lists them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_sam.state.models import ModelChoice
from napari_sam.views.records import ModelRow, Place
from tilesam.model.checkpoints.registry import REGISTRY
from tilesam.model.device import available_devices


def model_rows(choices: Sequence[ModelChoice], current: str) -> list[ModelRow]:
    """Return a row for each model, those of which the weights are here first.

    Parameters
    ----------
    choices
        See `napari_sam.state.models.read_choices`.
    current
        The model that answers; the path of a checkpoint gets a row of its own.
    """
    rows = [
        ModelRow(
            *(choice.name, choice.nbytes, choice.licence, _place(choice)),
            good_for=choice.good_for,
            is_size_exact=choice.is_exact,
        )
        for choice in sorted(choices, key=lambda choice: not choice.is_present)
    ]
    if all(row.name != current for row in rows):
        rows.insert(0, _row_of_file(current))
    return rows


def device_rows() -> list[tuple[str, str]]:
    """Return the devices of this machine with words for them, the best one first."""
    return [(name, _in_words(name)) for name in available_devices()]


def _place(choice: ModelChoice) -> Place:
    if REGISTRY[choice.name].is_embedded:
        return "in the package"
    return "downloaded" if choice.is_present else "to be downloaded"


def _row_of_file(path: str) -> ModelRow:
    file = Path(path).expanduser()
    nbytes = file.stat().st_size if file.is_file() else 0
    return ModelRow(path, nbytes, "", "downloaded")


def _in_words(device: str) -> str:
    kind, _, index = device.partition(":")
    if kind == "cuda":
        return f"GPU {index} ({device})"
    return {"mps": "Apple GPU (mps)", "cpu": "Processor (cpu)"}.get(kind, device)
