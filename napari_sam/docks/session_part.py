"""The part of a dock for the session's file: where it is, open, save, restore."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_sam.controllers.messages import message_of
from napari_sam.layers.layer_origin import location_of_layer
from napari_sam.opening.store_place import file_name_of
from napari_sam.saving.places import EarlierSession
from napari_sam.views.building import build_column, finish_panel
from napari_sam.views.message_line import MessageLine
from napari_sam.views.numbers import counted
from napari_sam.views.session_box import SessionBox
from tilesam.errors import TilesamError

if TYPE_CHECKING:
    from napari_sam.annotator import Annotator
    from napari_sam.docks.image_dock import ImageDock


class SessionPart:
    """Joins the box for the session's file to the annotator of the dock.

    Parameters
    ----------
    dock
        It is a part of.
    """

    def __init__(self, dock: ImageDock) -> None:
        self._dock = dock
        self.box, self.message = SessionBox(), MessageLine()
        self.panel = QWidget()
        column = build_column(self.panel)
        column.addWidget(self.box)
        column.addWidget(self.message)
        finish_panel(self.panel, column)
        self.box.open_requested.connect(self._open)
        self.box.save_requested.connect(self._save)
        self.box.restore_requested.connect(self._restore)
        self.box.offer_dismissed.connect(self._dismiss)

    @property
    def _annotator(self) -> Annotator | None:
        return self._dock.annotator

    def wire(self, annotator: Annotator) -> None:
        """Show where an annotator saves."""
        self._dock.listen(annotator.keeper.changed, self.show)
        self._dock.listen(annotator.restorer.changed, self.show)
        self.box.setEnabled(True)
        self.box.set_name(_name_beside(annotator))
        self.show()

    def show(self) -> None:
        """Show the file, the offer, and what went wrong."""
        annotator = self._annotator
        if annotator is None:
            return
        path, offer = annotator.keeper.path, annotator.restorer.offer
        self.box.set_place(None if path is None else str(path))
        self.box.set_offer(None if offer is None else said_of(offer, datetime.now()))
        text = annotator.restorer.message or annotator.keeper.message
        self.message.set_message(text, "warning" if text else "info")

    def show_nothing(self) -> None:
        """Say that there is no session."""
        self.box.setEnabled(False)
        self.box.set_place(None)
        self.box.set_offer(None)
        self.message.set_message("")

    def _open(self, path: str) -> None:
        if self._annotator is not None:
            self._annotator.restorer.restore(Path(path))

    def _save(self, path: str) -> None:
        if self._annotator is None:
            return
        try:
            self._annotator.keeper.save_as(Path(path))
        except TilesamError as error:
            self.message.set_message(message_of(error), "error")

    def _restore(self) -> None:
        if self._annotator is not None:
            self._annotator.restorer.restore()

    def _dismiss(self) -> None:
        if self._annotator is not None:
            self._annotator.restorer.dismiss()


def said_of(earlier: EarlierSession, now: datetime) -> str:
    """Return a sentence that offers earlier work, for example with the time of today.

    Parameters
    ----------
    earlier
        What there is.
    now
        Local time.
    """
    saved = earlier.saved
    day = "today" if saved.date() == now.date() else f"on {saved:%d %B %Y}".lstrip("0")
    what = counted(earlier.count, "object") if earlier.count else "prompts"
    return f"There is earlier work: {what}, {day} at {saved:%H:%M}."


def _name_beside(annotator: Annotator) -> str:
    """Return the path, without suffix, that is offered for a session's file."""
    place, name = location_of_layer(annotator.image), file_name_of(annotator.image.name)
    return str(place.with_name(name)) if isinstance(place, Path) else name
