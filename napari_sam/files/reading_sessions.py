"""Session files for napari's *Open*: the image comes back, and all that was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from npe2 import read as read_by_plugins

from napari_sam.files.reading_images import PLUGIN, LayerData, read_image
from napari_sam.layers.layer_origin import ORIGIN
from napari_sam.saving.places import SUFFIX
from napari_sam.saving.restoring import build_labels
from tilesam.annotation.session_file import LoadedSession, load_session
from tilesam.errors import SessionFileError
from tilesam.image.locations import Location

PLACE, TEXTS = (
    ("scale", "translate", "rotate", "shear", "affine"),
    ("units", "axis_labels"),
)


def get_session_reader(
    path: str | Sequence[str],
) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return what reads the file of a session; None of anything else."""
    is_one = isinstance(path, str | PathLike) and str(path).lower().endswith(SUFFIX)
    return read_session if is_one else None


def read_session(path: str | PathLike[str] | Sequence[str]) -> list[LayerData]:
    """Return the image of a session as a layer that knows of the session.

    Whoever annotates that layer goes on where the session was left; in a window the
    dock for that is opened. Where the image is not to be found, its objects are shown
    alone, and nothing is saved.

    Parameters
    ----------
    path
        Of a file that ends with `.sam.json`.

    Returns
    -------
    list of LayerData
        One image layer, or one labels layer.

    Raises
    ------
    SessionFileError
        If it cannot be read.
    """
    file = Path(path if isinstance(path, str | PathLike) else path[0]).absolute()
    loaded = load_session(file)
    place = loaded.document.image.path
    if place is None or (isinstance(place, Path) and not place.exists()):
        _warn_of_missing(loaded, place)
        return [_objects_alone(loaded)]
    layer = _image_layer(file, loaded, place)
    _open_dock_soon()
    return [layer]


def _image_layer(file: Path, loaded: LoadedSession, place: Location) -> LayerData:
    shown = _layer_settings(loaded)
    reader, name = (
        shown.get("reader"),
        str(shown.get("name", loaded.document.image.name)),
    )
    layers = [
        part
        for data, options, kind in map(_filled_up, _read(place, reader))
        if kind == "image"
        for part in _split_channels(data, options)
    ]
    ndim = len(shown.get("scale", loaded.document.labels.shape))
    fitting = [layer for layer in layers if _fits(layer, loaded, ndim)]
    if not fitting:
        raise SessionFileError(
            f"{place} is another image than the one that {file.name} is of, or was "
            "opened otherwise then; put the image back, or open it as it was opened "
            "and then the session in the dock 'Point prompts'"
        )
    named = [layer for layer in fitting if layer[1].get("name") == name]
    data, options, _ = (named or fitting)[0]
    options = {**options, **_said_of_place(shown), "name": name}
    if not options.get("rgb") and "contrast_limits" in shown:
        options["contrast_limits"] = shown["contrast_limits"]
    origin = {"path": str(place), "reader": reader, "session": str(file)}
    options["metadata"] = {**options.get("metadata", {}), ORIGIN: origin}
    return data, options, "image"


def _layer_settings(loaded: LoadedSession) -> dict[str, Any]:
    """Return how the image was shown when something was recorded last."""
    recorded = [
        action["settings"] for action in loaded.actions if action["kind"] == "settings"
    ]
    latest = recorded[-1] if recorded else loaded.document.settings
    layer = latest.get("layer", {})
    return layer if isinstance(layer, dict) else {}


def _read(place: Location, reader: str | None) -> list[LayerData]:
    if reader == PLUGIN:
        return read_image(place)
    try:
        return read_by_plugins([str(place)], stack=False, plugin_name=reader)
    except ValueError:
        # A reader that is not installed any more, or none that knows the file.
        return read_image(place)


def _filled_up(layer: Any) -> LayerData:
    """Return a layer with what readers may leave out: options, and that it is one."""
    data, options, kind = (*layer, *({}, "image")[len(layer) - 1 :])
    return data, options, kind


def _split_channels(data: Any, options: dict[str, Any]) -> list[LayerData]:
    """Return a layer for each channel, as napari makes them."""
    axis = options.get("channel_axis")
    if axis is None:
        return [(data, options, "image")]
    is_multiscale = bool(options.get("multiscale"))
    levels = data if is_multiscale else [data]
    parts: list[LayerData] = []
    for channel in range(levels[0].shape[axis]):
        place = (slice(None),) * (axis % levels[0].ndim) + (channel,)
        taken = [level[place] for level in levels]
        own = {
            key: value[channel] if isinstance(value, list) else value
            for key, value in options.items()
            if key != "channel_axis"
        }
        if channel and not isinstance(options.get("name"), list):
            # So napari calls them.
            own["name"] = f"{options.get('name', 'Image')} [{channel}]"
        parts.append((taken if is_multiscale else taken[0], own, "image"))
    return parts


def _fits(layer: LayerData, loaded: LoadedSession, ndim: int) -> bool:
    data, options, _ = layer
    finest = data[0] if options.get("multiscale") or isinstance(data, list) else data
    identity = loaded.document.image.identity
    shape = finest.shape[:-1] if options.get("rgb") else finest.shape
    is_same_type = np.dtype(finest.dtype).name == identity.dtype
    is_same_size = tuple(shape[-2:]) == tuple(identity.hw) and len(shape) == ndim
    return is_same_size and is_same_type


def _said_of_place(shown: dict[str, Any]) -> dict[str, Any]:
    numbers = {name: np.array(shown[name]) for name in PLACE if name in shown}
    return {**numbers, **{name: tuple(shown[name]) for name in TEXTS if name in shown}}


def _objects_alone(loaded: LoadedSession) -> LayerData:
    labels, replayed = build_labels(loaded)
    columns = replayed.rows.columns()
    options = {
        "name": f"objects: {loaded.document.image.name}",
        "features": {"index": columns["label"], **columns},
        "multiscale": isinstance(labels, list),
        **_said_of_place(_layer_settings(loaded)),
    }
    return labels, options, "labels"


def _warn_of_missing(loaded: LoadedSession, place: Location | None) -> None:
    from napari.utils.notifications import show_warning

    name = loaded.document.image.name
    what = f"is not at {place}" if place is not None else "was never in a file"
    show_warning(
        f"The image '{name}' of this session {what}: its objects are shown alone. To "
        "go on with the session, open the image, then the session in the dock 'Point "
        "prompts'."
    )


def _open_dock_soon() -> None:
    """Open the dock for points once the layer is there, if there is a window."""
    import napari
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    viewer = napari.current_viewer()
    if viewer is None or QApplication.instance() is None:
        return
    from napari_sam.menu import show_points

    QTimer.singleShot(0, lambda: show_points(viewer))
