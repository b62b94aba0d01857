"""Segment anything in images of any size: SAM in PyTorch, without a viewer.

`load_model` gives a network with weights, `Session` answers prompts about one image.
Importing this package loads neither torch nor scikit-image: the public names are
looked up when they are first used.

Examples
--------
>>> import tilesam
>>> session = tilesam.Session.open("cells.tif", model="tiny")  # doctest: +SKIP
>>> best, *others = session.prompt(points_yx=[(81, 103)])  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from tilesam.errors import (
    CheckpointError,
    DatasetError,
    DeviceError,
    DownloadError,
    EmbeddingError,
    ImageError,
    ImageReadError,
    OutputError,
    PromptError,
    StoreError,
    StoreFormatError,
    StoreMismatchError,
    StoreWriteError,
    TilesamError,
    TilingError,
    TrainingError,
    UnknownModelError,
)
from tilesam.types import MaskCandidate, MaskInput, Prompts, TileKey, Window

if TYPE_CHECKING:
    from tilesam.model.checkpoints.loading import load_model
    from tilesam.session import Session

__version__ = version("napari-sam-tiles")

_LAZY_NAMES = {
    "load_model": "tilesam.model.checkpoints.loading",
    "Session": "tilesam.session",
}

__all__ = [
    "CheckpointError",
    "DatasetError",
    "DeviceError",
    "DownloadError",
    "EmbeddingError",
    "ImageError",
    "ImageReadError",
    "MaskCandidate",
    "MaskInput",
    "OutputError",
    "PromptError",
    "Prompts",
    "Session",
    "StoreError",
    "StoreFormatError",
    "StoreMismatchError",
    "StoreWriteError",
    "TileKey",
    "TilesamError",
    "TilingError",
    "TrainingError",
    "UnknownModelError",
    "Window",
    "__version__",
    "load_model",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY_NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_LAZY_NAMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
