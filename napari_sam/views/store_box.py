"""Where embeddings are kept, how much of the disk they take, and how to clear them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QWidget
from superqt import QElidingLabel

from napari_sam.views.building import (
    SPACING,
    build_button,
    build_column,
    build_heading,
    build_text,
)
from napari_sam.views.questions import ask_folder, ask_yes_no
from napari_sam.views.sentences import clear_question, store_content

_IN_MEMORY = "In memory, until napari closes"

_FRAME = 8
"""Of a label under a style sheet, on both sides, of which eliding knows nothing."""


class StoreBox(QWidget):
    """Path, content and two buttons; it asks before anything is lost.

    Parameters
    ----------
    confirm
        Returns whether somebody agrees.
    choose_folder
        Returns a folder, or None.
    """

    folder_chosen = Signal(str)
    clear_requested = Signal()

    def __init__(
        self,
        *,
        confirm: Callable[[QWidget, str, str], bool] = ask_yes_no,
        choose_folder: Callable[[QWidget, str, str], str | None] = ask_folder,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._confirm, self._choose_folder = confirm, choose_folder
        self._path: str | None = None
        self._tiles = self._nbytes = 0
        self.place = QElidingLabel(_IN_MEMORY)
        # Both ends of a path tell something: the disk and the folder's name.
        self.place.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.place.setIndent(0)
        self.place.setEllipsesWidth(_FRAME)
        self.content = build_text()
        self.choose = build_button(
            "Choose folder", "Keep embeddings in a folder, for later", self._on_choose
        )
        self.clear = build_button(
            "Clear", "Remove all embeddings of this image and model", self._on_clear
        )
        self._lay_out()
        self.set_store(None, tiles=0, nbytes=0)

    def _lay_out(self) -> None:
        column = build_column(self, margin=0)
        for widget in (build_heading("Store"), self.place, self.content):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(SPACING)
        row.addWidget(self.choose)
        row.addWidget(self.clear)
        column.addLayout(row)

    def set_store(self, path: str | None, *, tiles: int, nbytes: int) -> None:
        """Say where the store lies and what it holds.

        Parameters
        ----------
        path
            None while embeddings are only in memory.
        tiles, nbytes
            Of this image and model.
        """
        self._path, self._tiles, self._nbytes = path, tiles, nbytes
        self.place.setText(path or _IN_MEMORY)
        self.place.setToolTip(path or "Choose a folder to find them again next time")
        self.content.setText(store_content(tiles, nbytes))
        self.clear.setEnabled(tiles > 0)

    def set_locked(self, locked: bool) -> None:
        """Let nobody change the store, while a run writes to it."""
        self.choose.setEnabled(not locked)
        self.clear.setEnabled(not locked and self._tiles > 0)

    def _on_choose(self) -> None:
        title = "Folder in which embeddings are kept"
        folder = self._choose_folder(self, title, self._path or "")
        if folder:
            self.folder_chosen.emit(folder)

    def _on_clear(self) -> None:
        question = clear_question(self._tiles, self._nbytes)
        if self._confirm(self, "Clear the store", question):
            self.clear_requested.emit()
