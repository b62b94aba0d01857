"""The napari plugin: the screen in front of `tilesam`.

Importing it loads neither torch nor Qt. What napari may call is in `napari.yaml`.
"""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

__all__ = ["open_session"]

_NAMESAKE = "napari-sam"


def _warn_of_namesake() -> None:
    # Another project on PyPI installs an import package of the same name. pip lets the
    # two overwrite each other's files without a word, so somebody has to say it.
    try:
        distribution(_NAMESAKE)
    except PackageNotFoundError:
        return
    warnings.warn(
        f"the distributions '{_NAMESAKE}' and 'napari-sam-tiles' are both installed, "
        "and each brings a package named 'napari_sam', so one has overwritten files of "
        f"the other; keep one of them: run `pip uninstall {_NAMESAKE} napari-sam-tiles`"
        " and then `pip install napari-sam-tiles`",
        RuntimeWarning,
        stacklevel=3,
    )


_warn_of_namesake()


def __getattr__(name: str) -> Any:
    """Import what is public when it is used first: it brings napari and Qt."""
    if name != "open_session":
        raise AttributeError(f"module 'napari_sam' has no attribute {name!r}")
    from napari_sam.annotators import open_session

    return open_session
