"""Which models there are to choose from, and which one answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from psygnal import SignalGroupDescriptor

from tilesam.model.checkpoints.locations import find_local
from tilesam.model.checkpoints.registry import REGISTRY, ModelEntry


@dataclass(frozen=True)
class ModelChoice:
    """One line of the list of models.

    Parameters
    ----------
    name
        What `tilesam.load_model` takes.
    nbytes
        Of the weights' file.
    is_exact
        Whether this size is published, or estimated from the number of parameters.
    licence
        Of the weights.
    good_for
        What it segments well.
    source
        Web page of the authors.
    is_present
        Whether the weights are on this machine.
    """

    name: str
    nbytes: int
    is_exact: bool
    licence: str
    good_for: str
    source: str
    is_present: bool


def read_choices(folder: Path | None = None) -> tuple[ModelChoice, ...]:
    """Return all named models, and which of them are here; looks at the disk.

    Parameters
    ----------
    folder
        Of weights, searched before the others.
    """
    return tuple(_choice(entry, folder) for entry in REGISTRY.values())


def is_here(model: str) -> bool:
    """Return whether weights, named in the registry or by a path, are on this disk."""
    entry = REGISTRY.get(model)
    return Path(model).exists() if entry is None else find_local(entry) is not None


def _choice(entry: ModelEntry, folder: Path | None) -> ModelChoice:
    path = find_local(entry, folder)
    return ModelChoice(
        name=entry.name,
        nbytes=entry.likely_bytes if path is None else path.stat().st_size,
        is_exact=path is not None or entry.size_bytes is not None,
        licence=entry.licence,
        good_for=entry.good_for,
        source=entry.source,
        is_present=path is not None,
    )


@dataclass(frozen=True)
class Download:
    """How far the weights of a model are on their way.

    Parameters
    ----------
    name
        Of the model.
    nbytes
        That are here.
    total
        None while it is unknown.
    """

    name: str
    nbytes: int = 0
    total: int | None = None


@dataclass(eq=False)
class ModelsState:
    """What the dock for models shows.

    Parameters
    ----------
    choices
        See `read_choices`; none before somebody looked.
    chosen
        Name or path of the model that is wanted.
    device
        Where it should run; None is the best there is.
    loaded
        Name of the model that answers; None before one was loaded.
    loaded_on
        The device it runs on.
    is_loading
        Whether a model is being loaded.
    download
        Of its weights; None if there is none on its way.
    message
        What a person has to be told; empty if there is nothing.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    choices: tuple[ModelChoice, ...] = ()
    chosen: str = "tiny"
    device: str | None = None
    loaded: str | None = None
    loaded_on: str | None = None
    is_loading: bool = False
    download: Download | None = None
    message: str = ""

    @property
    def chosen_choice(self) -> ModelChoice | None:
        """The line of the chosen model; None if it is a path."""
        by_name = {choice.name: choice for choice in self.choices}
        return by_name.get(self.chosen)
