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
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    if isinstance(active, Image):
        dock.show_image(active)
    return dock
