"""The part of a dock for the objects layer: which, undo, redo, export."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari.layers import Labels

from napari_sam.annotator_actions import KEYS, NEW
from napari_sam.controllers.exporting import export_of
from napari_sam.controllers.messages import message_of
from napari_sam.layers.shown_only import is_shown_only
from napari_sam.opening.store_place import file_name_of
from napari_sam.views.numbers import counted
from napari_sam.views.objects_panel import ObjectsPanel
from napari_sam.views.records import ExportFormat

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock
    from tilesam.annotation.overlaps import Policy

FORMATS = (
    ExportFormat("Outlines for QuPath and QGIS", ".geojson"),
    ExportFormat("Masks as in SA-1B and COCO", ".json"),
    ExportFormat("Labels as OME-Zarr", ".ome.zarr"),
    ExportFormat("Labels as TIFF", ".tif"),
    ExportFormat("Table", ".csv"),
    ExportFormat("Picture", ".png"),
)


class ObjectsPart:
    """Joins the panel for objects to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self.panel = panel = ObjectsPanel(keys=KEYS)
        panel.layer_chosen.connect(self._choose)
        panel.new_layer_requested.connect(partial(self._choose, NEW))
        panel.undo_requested.connect(self._undo)
        panel.redo_requested.connect(self._redo)
        panel.policy_changed.connect(self._set_policy)
        panel.export_requested.connect(self._export)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        self._dock.listen(annotator.objects.changed, self.show)
        self.panel.set_formats(FORMATS, file_name_of(annotator.image.name))
        self.panel.set_message("")
        self.show()

    def show(self, _event: object = None) -> None:
        """List the labels layers that there are, and the steps of the chosen one."""
        annotator = self._annotator
        if annotator is None:
            return
        layers = [
            (layer.name, layer)
            for layer in reversed(self._dock.viewer.layers)
            if isinstance(layer, Labels) and not is_shown_only(layer)
        ]
        chosen = annotator.objects.current
        self.panel.set_policy(annotator.objects.policy)
        self.panel.set_layers(layers, None if chosen is None else chosen.layer)
        self.panel.set_count(0 if chosen is None else len(chosen))
        history = None if chosen is None else chosen.history
        undo = [] if history is None else history.undo_names
        redo = [] if history is None else history.redo_names
        self.panel.set_steps(next(iter(undo), None), next(iter(redo), None))

    def show_nothing(self) -> None:
        """Offer no layers: there is no image."""
        self.panel.set_layers(())
        self.panel.set_count(0)
        self.panel.set_steps(None, None)
        self.panel.set_message("")

    def _choose(self, layer: object) -> None:
        if self._annotator is not None:
            self._annotator.choose_objects(layer)

    def _undo(self) -> None:
        if self._annotator is not None:
            self._annotator.objects.undo()

    def _redo(self) -> None:
        if self._annotator is not None:
            self._annotator.objects.redo()

    def _set_policy(self, policy: Policy) -> None:
        if self._annotator is not None:
            self._annotator.objects.policy = policy

    def _export(self, path: str) -> None:
        annotator = self._annotator
        write = None if annotator is None else export_of(annotator, Path(path))
        if annotator is None or write is None:
            return
        count = len(annotator.objects.current or ())
        self.panel.set_message(f"Writing {counted(count, 'object')} ...", "busy")
        annotator.in_background(
            write, on_result=self._on_written, on_error=self._on_not_written
        )

    def _on_written(self, path: Path) -> None:
        self.panel.set_message(f"Written to {path}.")

    def _on_not_written(self, error: Exception) -> None:
        self.panel.set_message(message_of(error), "error")
