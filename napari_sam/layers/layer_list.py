"""Add and remove layers of the plugin's own without getting in the user's way."""

from __future__ import annotations

from collections.abc import Sequence

from napari.components import LayerList
from napari.layers import Layer


def add_quietly(
    layers: LayerList, layer: Layer, *, below: Sequence[Layer] = ()
) -> None:
    """Add a layer if it is missing, and leave selected what is selected.

    Parameters
    ----------
    layers
        `viewer.layers`.
    layer
        The one to add. napari makes a new layer the active one, which takes the tool
        out of the user's hand.
    below
        Layers of which none shall be covered; by default it comes on top.
    """
    if layer in layers:
        return
    active, selected = layers.selection.active, set(layers.selection)
    upper = [layers.index(other) for other in below if other in layers]
    layers.insert(min(upper, default=len(layers)), layer)
    if selected:
        layers.selection = selected
        layers.selection.active = active


def discard(layers: LayerList, layer: Layer) -> None:
    """Remove a layer if it is there: the user may have been faster."""
    if layer in layers:
        layers.remove(layer)
