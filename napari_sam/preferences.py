"""What somebody has chosen in napari's Preferences, checked; read without Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from tilesam.errors import DeviceError
from tilesam.model.checkpoints.locations import find_local
from tilesam.model.checkpoints.registry import REGISTRY
from tilesam.writing import is_no_folder

logger = logging.getLogger(__name__)

PLUGIN = "napari-sam-tiles"
DEFAULT_MODEL = "tiny"
BEST_DEVICE = "best"
DEFAULT_CACHE_GB = 10
GIGABYTE = 10**9


def default_cache_folder() -> Path:
    """Return where embeddings are kept if no folder was chosen; it may be missing."""
    return platformdirs.user_cache_path(PLUGIN) / "embeddings"


def default_session_folder() -> Path:
    """Return where sessions are saved if no folder was chosen; it may be missing."""
    return platformdirs.user_data_path(PLUGIN) / "sessions"


@dataclass(frozen=True)
class Preferences:
    """Choices that hold for all images, until somebody says otherwise for one.

    Parameters
    ----------
    model
        Name of the registry, of weights that are on this machine.
    device
        None is the best there is.
    cache_folder
        Where embeddings are kept; absolute.
    cache_bytes
        How much all of them may take there; 0 keeps none on the disk.
    autosaves
        Whether every step is saved to a file.
    session_folder
        Where these files are made; absolute.
    problems
        A sentence for each value that could not be used; its default is.
    """

    model: str = DEFAULT_MODEL
    device: str | None = None
    cache_folder: Path = field(default_factory=default_cache_folder)
    cache_bytes: int = DEFAULT_CACHE_GB * GIGABYTE
    autosaves: bool = True
    session_folder: Path = field(default_factory=default_session_folder)
    problems: tuple[str, ...] = ()


def read_preferences() -> Preferences:
    """Return what is chosen now, defaults where nothing usable is; looks at the disk.

    Defaults alone where napari does not know the plugin, as in a script that runs it
    from a folder, or has no settings for plugins.
    """
    settings = _settings()
    return Preferences() if settings is None else check_preferences(settings)


def check_preferences(settings: Any) -> Preferences:
    """Return preferences for settings as the manifest describes them.

    Parameters
    ----------
    settings
        What napari makes of `configurations` in the manifest. It has checked types,
        limits and lists of choices already, not what depends on the machine.
    """
    problems: list[str] = []
    preferences = Preferences(
        model=_model(settings.models.default_model, problems),
        device=_device(settings.models.device, problems),
        cache_folder=_folder(
            *("folder of the cache", settings.cache.folder, default_cache_folder),
            problems,
        ),
        cache_bytes=settings.cache.size_gb * GIGABYTE,
        autosaves=settings.sessions.autosave,
        session_folder=_folder(
            *("folder of sessions", settings.sessions.folder, default_session_folder),
            problems,
        ),
        problems=tuple(problems),
    )
    for problem in problems:
        logger.warning("%s", problem)
    return preferences


def _settings() -> Any:
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:
        return None


def _model(name: str, problems: list[str]) -> str:
    entry = REGISTRY.get(name)
    if entry is not None and find_local(entry) is not None:
        return name
    if entry is None:
        known = ", ".join(REGISTRY)
        problem = f"there is no model {name!r} (there are {known})"
    else:
        problem = (
            f"the weights of {name} are not on this machine; download them in the dock "
            "'Tiles and model'"
        )
    problems.append(f"Preferences: {problem}; {DEFAULT_MODEL} answers instead")
    return DEFAULT_MODEL


def _device(name: str, problems: list[str]) -> str | None:
    if name == BEST_DEVICE:
        return None
    from tilesam.model.device import choose_device  # brings torch

    try:
        return str(choose_device(name))
    except DeviceError as error:
        problems.append(f"Preferences: {error}; the best device is used instead")
        return None


def _folder(
    what: str, given: str, default: Callable[[], Path], problems: list[str]
) -> Path:
    if not given.strip():
        return default()
    try:
        folder = Path(given.strip()).expanduser()
    except RuntimeError:  # of a user who is not known here
        folder = Path(given)
    # One question: a folder that is made meanwhile would fail two of them.
    if folder.is_absolute() and not is_no_folder(folder):
        return folder
    problems.append(
        f"Preferences: the {what} is {given!r}; expected the whole path of a folder; "
        f"{default()} is used instead"
    )
    return default()
