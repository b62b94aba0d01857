"""Keys on single layers, where they come before napari's own and disturb no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from napari.layers import Layer

KeyActions = Mapping[str, Callable[[], object]]
"""What to call, by keys in napari's notation, such as "M" or "Control-Shift-Z"."""


def bind_keys(layer: Layer, actions: KeyActions) -> None:
    """Have keys call functions while a layer is the active one.

    A key that the class of the layer, or the viewer, gives another meaning keeps it
    for other layers.
    """
    for key, action in actions.items():
        layer.bind_key(key, _without_layer(action), overwrite=True)


def unbind_keys(layer: Layer, keys: Iterable[str]) -> None:
    """Give keys back to napari on a layer that stays when the plugin goes."""
    for key in keys:
        layer.bind_key(key, None)


def _without_layer(action: Callable[[], object]) -> Callable[[Layer], None]:
    # A result would be taken for something to call when the key is released.
    def on_key(_layer: Layer) -> None:
        action()

    return on_key
