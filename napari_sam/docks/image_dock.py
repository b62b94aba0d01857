"""What all docks have in common: the image that they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from psygnal import SignalInstance
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from napari_sam.annotators import images_of, open_session
from napari_sam.docks.connections import Connections
from napari_sam.views.building import Rows
from napari_sam.views.choice_box import ChoiceBox

if TYPE_CHECKING:
    from napari import Viewer

    from napari_sam.annotator import Annotator


def build_scroll_area(content: QWidget) -> QScrollArea:
    """Return a panel that scrolls up and down where the dock is too low for it."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    # Panels are as narrow as the dock; the bar itself needs room beside them.
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    area.setMinimumWidth(
        content.minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width()
    )
    return area


class ImageDock(QWidget):
    """A list of image layers above a panel; subclasses wire the panel.

    Nothing is annotated before somebody chooses an image, or the dock is opened while
    there is one: then that is chosen.

    Parameters
    ----------
    viewer
        The dock is in.
    panel
        What is shown below the list.
    """

    def __init__(self, viewer: Viewer, panel: QWidget) -> None:
        super().__init__()
        self.viewer, self.panel = viewer, panel
        self.annotator: Annotator | None = None
        self._left: Image | None = None
        self._connections, self._lasting = Connections(), Connections()
        self.images = ChoiceBox("Image", "The image layer that is segmented")
        self.images.activated.connect(self._on_chosen)
        rows = Rows()
        rows.add("Image", self.images)
        rows.setContentsMargins(8, 8, 8, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(rows)
        column.addWidget(panel, 1)
        events = viewer.layers.events
        for event in (events.inserted, events.removed, events.reordered):
            self.listen_always(event, self._list_images)
        self.listen_always(events.inserted, self._listen_to_name)
        for layer in viewer.layers:
            self.listen_always(layer.events.name, self._on_renamed)
        for connections in (self._connections, self._lasting):
            self.destroyed.connect(connections.end)
        self._list_images()

    def show_image(self, layer: Image) -> None:
        """Be about an image layer from now on."""
        self._choose(layer)
        self._list_images()

    @property
    def was_left(self) -> bool:
        """Whether somebody has ended the annotation of an image that is still there."""
        return self._left is not None and self._left in self.viewer.layers

    def wire(self, annotator: Annotator) -> None:
        """Connect the panel to an annotator; with `listen`, so that it can end."""
        raise NotImplementedError

    def show_nothing(self) -> None:
        """Show that there is no image."""

    def listen(self, signal: SignalInstance, callback: Callable[..., Any]) -> None:
        """Connect to a signal of the annotator for as long as it is shown here."""
        self._connections.add(signal, callback)

    def listen_always(self, signal: Any, callback: Callable[..., Any]) -> None:
        """Connect to a signal of the viewer for as long as the dock is there."""
        self._lasting.add(signal, callback)

    def on_renamed(self) -> None:
        """Show the names of layers anew."""
        self._list_images()

    def _listen_to_name(self, event: Any) -> None:
        self.listen_always(event.value.events.name, self._on_renamed)

    def _on_renamed(self, _event: Any) -> None:
        self.on_renamed()

    def _list_images(self, _event: Any = None) -> None:
        layers = images_of(self.viewer)
        if self.annotator is None and layers and not self.was_left:
            self._choose(layers[0])
        current = None if self.annotator is None else self.annotator.image
        self.images.clear()
        for layer in layers:
            self.images.add(layer.name, layer)
        self.images.setEnabled(bool(layers))
        self.images.setCurrentIndex(layers.index(current) if current in layers else -1)

    def _on_chosen(self) -> None:
        self._choose(self.images.currentData())

    def _choose(self, layer: Image | None) -> None:
        if self.annotator is not None and self.annotator.image is layer:
            return
        self._connections.end()
        self.annotator = None
        if layer is None:
            self.show_nothing()
            return
        self._left = None
        self.annotator = open_session(self.viewer, layer)
        self.listen(self.annotator.closed, self._on_closed)
        self.wire(self.annotator)

    def _on_closed(self) -> None:
        """Show nothing; of an image that stays it was the user's wish."""
        # The image may go as well, in a moment: the prompts lie above it.
        self._left = None if self.annotator is None else self.annotator.image
        self._choose(None)
        self._list_images()
