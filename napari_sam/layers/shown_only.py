"""Layers of the plugin that show something, and are nobody's to paint on."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer

_KEY = "napari-sam-tiles shows"


def shown_only(what: str) -> dict[str, Any]:
    """Return metadata for a layer that shows something, such as "candidate"."""
    return {_KEY: what}


def is_shown_only(layer: Layer) -> bool:
    """Return whether a layer shows answers or tiles, of whichever image."""
    return _KEY in layer.metadata
