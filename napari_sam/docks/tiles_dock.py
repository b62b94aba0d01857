"""The dock for the model that answers and for the tiles that it has embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_sam.docks.image_dock import ImageDock, build_scroll_area
from napari_sam.docks.model_part import ModelPart
from napari_sam.docks.tiles_part import TilesPart

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.annotator import Annotator


class TilesAndModel(ImageDock):
    """Dock widget: model, device and download; embedding, its map and its store.

    Parameters
    ----------
    napari_viewer
        The dock is in; napari knows the parameter by this name.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.model, self.tiles = ModelPart(self), TilesPart(self)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.model.panel)
        column.addWidget(self.tiles.panel)
        column.addStretch(1)
        super().__init__(napari_viewer, build_scroll_area(content))
        self.tiles.embedding.watch(napari_viewer.scene.camera)
        # Parts can outlive the widget, and must not reach for it then.
        self.destroyed.connect(self.model.close)
        self.destroyed.connect(self.tiles.embedding.close)

    def wire(self, annotator: Annotator) -> None:
        """Show what an annotator does."""
        self.model.wire(annotator)
        self.tiles.wire(annotator)

    def show_nothing(self) -> None:
        """Say that an image is needed."""
        self.model.show_message()
        self.tiles.show_nothing()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802, D102
        super().showEvent(event)
        self.tiles.embedding.on_view_moved()
