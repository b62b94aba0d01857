"""Where weights may lie on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from tilesam.model.checkpoints.registry import EMBEDDED_FOLDER

if TYPE_CHECKING:
    from tilesam.model.checkpoints.registry import ModelEntry

FOLDER_VARIABLE = "NAPARI_SAM_MODELS_DIR"
"""Environment variable: a folder of weights that is searched before the cache."""

OFFLINE_VARIABLE = "NAPARI_SAM_OFFLINE"
"""Environment variable; `1` forbids every download."""


def cache_folder() -> Path:
    """Return the folder that downloads go to; it may not exist yet."""
    return platformdirs.user_cache_path("napari-sam-tiles") / "models"


def search_folders(folder: Path | None = None) -> list[Path]:
    """Return the folders to look in: `folder`, the environment's, the cache."""
    from_environment = os.environ.get(FOLDER_VARIABLE)
    wanted = [folder, Path(from_environment) if from_environment else None]
    return [*(path.expanduser() for path in wanted if path), cache_folder()]


def find_local(entry: ModelEntry, folder: Path | None = None) -> Path | None:
    """Return the weights of a model if they are on this machine, unchecked.

    Parameters
    ----------
    entry
        Which model.
    folder
        Searched before all others.

    Returns
    -------
    Path or None
        The first file under one of the entry's `accepted_names`.
    """
    if entry.is_embedded:
        embedded = EMBEDDED_FOLDER / entry.file_name
        return embedded if embedded.is_file() else None
    for place in search_folders(folder):
        for name in entry.accepted_names:
            if (place / name).is_file():
                return place / name
    return None


def is_offline() -> bool:
    """Return whether the environment forbids downloads."""
    return os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0")
