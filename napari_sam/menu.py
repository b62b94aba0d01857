"""Menu entries under Layers > Segment: open a dock for the active image layer."""

from __future__ import annotations

from napari import Viewer
from napari.layers import Image

from napari_sam.docks.image_dock import ImageDock

PLUGIN = "napari-sam-tiles"


def show_points(viewer: Viewer) -> None:
    """Open the dock for points, about the active image."""
    show_dock(viewer, "Point prompts")


def show_boxes(viewer: Viewer) -> None:
    """Open the dock for boxes, about the active image."""
    show_dock(viewer, "Box prompts")


def show_everything(viewer: Viewer) -> None:
    """Open the dock that segments everything, about the active image."""
    show_dock(viewer, "Segment everything")


def show_text(viewer: Viewer) -> None:
    """Open the dock for text prompts, about the active image."""
    show_dock(viewer, "Text prompts")


def show_dock(viewer: Viewer, name: str) -> ImageDock:
    """Open one of the plugin's docks, or bring it to the front.

    Parameters
    ----------
    viewer
        In which.
    name
        As the manifest calls it.
    """
    active = viewer.layers.selection.active
    dock = _opened(viewer, name)
    if dock is None:
        _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    if isinstance(active, Image):
        dock.show_image(active)
    return dock


def _opened(viewer: Viewer, name: str) -> ImageDock | None:
    """Return a dock that is open already, brought to the front.

    The menu Plugins opens it under a longer name than a command does.
    """
    for title, widget in viewer.window.dock_widgets.items():
        if title.startswith(f"{name} (") and isinstance(widget, ImageDock):
            frame = widget.parentWidget()
            if frame is not None:
                frame.show()
                frame.raise_()
            return widget
    return None
